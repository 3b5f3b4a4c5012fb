"""
The server's log as lines of JSON, one for each record.

In:  the records of our own loggers, of Streamlit's and of the server's
Out: objects with time, level and logger; of ours also request, person, run and milliseconds

What a library says is cut to the words of its own code: the values that it fills in, and the message of an exception,
may hold texts of the run or a token. An exception has its type and the line of ours that it came through.
"""

import json
import logging
import sys
from types import TracebackType

LONGEST = 300  # characters of a library's message


class JsonLines(logging.Formatter):
    """A record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {"at": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        if record.name.startswith("nearmiss."):
            line |= _own(record)
        else:
            line["message"] = str(record.msg)[:LONGEST]
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "where": _place(record.exc_info[2])}
        return json.dumps(line)


def begin() -> None:
    """From now on every record is a line on standard error; to be called before the server starts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("nearmiss").setLevel(logging.INFO)
    _take_over_streamlits()
    _take_over_uvicorns()


def _take_over_streamlits() -> None:
    """Streamlit gives each of its loggers a handler of its own, and has no setting for another one."""
    from streamlit import logger as streamlits

    def passed_on(logger: logging.Logger) -> None:
        if (own := getattr(logger, "streamlit_console_handler", None)) is not None:
            logger.removeHandler(own)
        logger.propagate = True

    known = list(streamlits._loggers.values())
    streamlits.setup_formatter = passed_on
    for logger in known:
        passed_on(logger)


def _take_over_uvicorns() -> None:
    """Uvicorn sets its loggers up from this when it starts; its own lines of requests hold parameters, and go."""
    from uvicorn.config import LOGGING_CONFIG

    ours = {"handlers": [], "level": "INFO", "propagate": True}
    LOGGING_CONFIG["loggers"] = {"uvicorn": ours, "uvicorn.access": ours | {"level": "WARNING"}}


def _own(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, "fields", None)
    if isinstance(fields, dict):
        return fields
    try:
        content = json.loads(record.getMessage())  # as a denied try is written
    except ValueError:
        return {"message": str(record.msg)[:LONGEST]}
    return content if isinstance(content, dict) else {"message": str(record.msg)[:LONGEST]}


def _place(traceback: TracebackType | None) -> str:
    found = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "nearmiss" in code.co_filename or not found:
            found = f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return found
