"""
A process that judges as fast as the log lets it, and says each number once it is acknowledged.

    python -m tests.appending LOG CLIENT COUNT
"""

import sys

from nearmiss.review import Event, open_log


def main() -> None:
    where, client, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    log = open_log(where)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, count + 1):
        event = Event(
            query_id=f"q-{client}",
            doc_id=f"d{number}",
            verdict="relevant",
            reviewer=client,
            client_id=client,
            client_seq=number,
            decided_at=float(number),
        )
        [entry] = log.append([event])
        print(entry.seq, number, flush=True)


if __name__ == "__main__":
    main()
