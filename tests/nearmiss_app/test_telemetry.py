"""Numbers and lines of the log, without a server; test_login.py asks a real one."""

import asyncio
import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from nearmiss.cli import serving
from nearmiss.errors import AccessError
from nearmiss.review import open_log
from nearmiss_app import telemetry
from nearmiss_app.gate import Gate
from nearmiss_app.json_log import JsonLines
from tests.nearmiss.review.test_review import judged, undo


def asked(path, **headers):
    """The status of a request without a login, and the body."""
    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        raise AssertionError("the gate answers itself")

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw}
    with ThreadPoolExecutor(1) as another:  # in this one the loop of a browser's test may run
        another.submit(asyncio.run, Gate(app)(scope, None, send)).result()
    return sent[0]["status"], sent[1]["body"].decode()


def test_without_a_login_the_numbers_are_open_unless_a_token_is_set(monkeypatch):
    monkeypatch.delenv(telemetry.TOKEN, raising=False)
    status, body = asked("/metrics")
    assert (status, "# TYPE nearmiss_requests_total counter" in body) == (200, True)
    monkeypatch.setenv(telemetry.TOKEN, "x" * 16)
    assert asked("/metrics")[0] == 401
    assert asked("/metrics", Authorization="Bearer " + "x" * 15)[0] == 401
    assert asked("/metrics", Authorization="Bearer " + "x" * 16)[0] == 200


def test_a_token_that_can_be_guessed_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(telemetry.TOKEN, "short")
    with pytest.raises(AccessError, match="NEARMISS_METRICS_TOKEN: wanted 16 characters or more; found 5"):
        serving.serve(tmp_path, "", "", serving.AppAddress())


def test_a_scrape_counts_every_row_of_the_log_once(run, monkeypatch):
    monkeypatch.setenv(telemetry.RUN, str(run))
    monkeypatch.delenv(telemetry.REVIEWS, raising=False)
    registry = CollectorRegistry()
    registry.register(telemetry.VerdictCollector())

    def samples():
        lines = generate_latest(registry).decode().splitlines()
        return [line for line in lines if line.startswith(("nearmiss_verdicts_total", "nearmiss_log_readable "))]

    assert samples() == ["nearmiss_log_readable 1.0"]  # nobody has judged
    log = open_log(run / "reviews.db")
    log.append([judged(1), judged(2), judged(3, "relevant", reviewer="model:m", client_id="m", arm="judge:x")])
    wanted = [
        'nearmiss_verdicts_total{by="person",verdict="not_relevant"} 2.0',
        'nearmiss_verdicts_total{by="model",verdict="relevant"} 1.0',
        "nearmiss_log_readable 1.0",
    ]
    assert sorted(samples()) == sorted(wanted)
    log.append([undo(4, 1)])
    log.close()
    for _ in range(2):
        assert sorted(samples()) == sorted([*wanted, 'nearmiss_verdicts_total{by="person",verdict="undo"} 1.0'])


def line_of(name, message, *values, fields=None, error=None):
    info = None
    try:
        if error is not None:
            raise error
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord(name, logging.WARNING, "a.py", 1, message, values, info)
    record.fields = fields
    return json.loads(JsonLines().format(record))


def test_a_line_holds_no_value_of_a_library_s_message_and_no_text_of_an_exception():
    said = line_of("uvicorn.error", "from %s", "a secret", error=ValueError("a text of the run"))
    assert {name: said[name] for name in ("level", "logger", "message", "error")} == {
        "level": "warning",
        "logger": "uvicorn.error",
        "message": "from %s",
        "error": "ValueError",
    }
    assert said["where"].startswith("test_telemetry.py:")
    assert "text of the run" not in str(said)
    denied = line_of("nearmiss.access", json.dumps({"denied": "export", "person": "ann"}))
    assert (denied["denied"], denied["person"]) == ("export", "ann")
    assert line_of("nearmiss.requests", "served", fields={"page": "map"})["page"] == "map"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "/"),
        ("/review", "/review"),
        ("/media/0123.csv", "/media/..."),
        ("/_stcore/upload_file/session/file", "/_stcore/upload_file/..."),
        ("/eyJhbGciOi", "other"),
        ("/review/x", "other"),
    ],
)
def test_a_path_is_named_by_what_we_know_of_it(path, name):
    assert telemetry.route(path) == name


def test_every_page_has_its_own_number():
    from nearmiss_app import navigation

    assert set(navigation.TITLES) <= set(telemetry.PAGES)


def test_a_log_that_is_gone_is_a_number_and_no_failed_scrape(tmp_path, monkeypatch):
    monkeypatch.setenv(telemetry.RUN, str(tmp_path / "nothing"))
    registry = CollectorRegistry()
    registry.register(telemetry.VerdictCollector())
    assert "nearmiss_log_readable 0.0" in generate_latest(registry).decode()
