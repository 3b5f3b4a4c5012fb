"""
How long the app takes to open a run: from the start of the process to the first page, then from page to page.

    python -m tests.benchmarks.opening RUN [--waits SECONDS]

A client without a browser asks for the pages, so that what is measured is ours: a browser takes its own time to load
and draw. `--waits` is how long it waits before it asks, as a browser does while it loads the page's scripts.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PAGES = ("", "tune", "calibration", "review", "map", "rounds", "agreement", "export")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder; tests.benchmarks.made_run makes a large one")
    parser.add_argument("--waits", type=float, default=0.7)
    parser.add_argument("--port", type=int, default=8599)
    arguments = parser.parse_args()
    started = time.perf_counter()
    command = [sys.executable, "-m", "nearmiss.cli", "app", str(arguments.run), "--port", str(arguments.port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        asyncio.run(measure(arguments.port, arguments.waits, started))
        print(f"{'memory of the server':<32}{psutil.Process(server.pid).memory_info().rss / 2**20:>8.0f} MB")
    finally:
        server.kill()
        server.wait()


async def measure(port: int, waits: float, started: float) -> None:
    connection = await connected(port)
    show("server answers", time.perf_counter() - started)
    await asyncio.sleep(waits)
    async with connection:
        await run(connection, "")
        show("first page", time.perf_counter() - started)
        for page in PAGES[1:]:
            show(f"{page}, the first time", await run(connection, page))
        for page in PAGES:
            show(f"{page or 'overview'}, again", await run(connection, page))


async def connected(port: int) -> websockets.ClientConnection:
    """A connection, once there is a server."""
    address, origin = f"ws://127.0.0.1:{port}/_stcore/stream", f"http://127.0.0.1:{port}"
    while True:
        try:
            return await websockets.connect(address, origin=origin, subprotocols=["streamlit"], max_size=None)
        except OSError:
            await asyncio.sleep(0.02)


async def run(connection: websockets.ClientConnection, page: str) -> float:
    """Ask for a page and wait until all of it has come; returns the seconds."""
    started = time.perf_counter()
    asked = BackMsg()
    asked.rerun_script.page_name = page
    await connection.send(asked.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await connection.recv())
        if answer.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


def show(what: str, seconds: float) -> None:
    print(f"{what:<32}{1000 * seconds:>8.0f} ms", flush=True)


if __name__ == "__main__":
    main()
