"""Runs in the worker: Python's logging as JSON lines on stderr, which the host turns into its own log records."""

from __future__ import annotations

import io
import json
import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any

__all__ = ["current_run_id", "current_trace_id", "install", "set_levels", "write_utf8"]

current_run_id: ContextVar[str] = ContextVar("synapse_run_id", default="")
"""The id of the run that the current task belongs to; empty outside runs."""

current_trace_id: ContextVar[str] = ContextVar("synapse_trace_id", default="")
"""The id of the caller's trace, as 32 hex digits; empty where it has none."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = ((50, "fatal"), (40, "error"), (30, "warn"), (20, "info"), (10, "debug"))
_NUMBERS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


class JsonLines(logging.Formatter):
    """One JSON object a record: ts (ms since the epoch), level (pino's names), logger, msg, agent_id, incarnation, run_id, trace_id, exc.

    What a caller passes in `extra` becomes fields of the object too.
    """

    def __init__(self, agent_id: str, incarnation: int) -> None:
        super().__init__()
        self._agent_id = agent_id
        self._incarnation = incarnation

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record; never raises for what a caller logged."""
        try:
            text = record.getMessage()
        except Exception:  # a wrong format string must not lose the record
            text = f"{_readable(record.msg)} {_readable(record.args)}"
        line: dict[str, Any] = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        line |= {
            "ts": int(record.created * 1000),
            "level": next((name for number, name in _LEVELS if record.levelno >= number), "trace"),
            "logger": record.name,
            "msg": text,
            "agent_id": self._agent_id,
            "incarnation": self._incarnation,
        }
        if run_id := current_run_id.get():
            line["run_id"] = run_id
        if trace_id := current_trace_id.get():
            line["trace_id"] = trace_id
        if record.exc_info and record.exc_info[0] is not None:
            line["exc"] = "".join(traceback.format_exception(*record.exc_info))
        try:
            return _write(line)
        except (TypeError, ValueError, RecursionError):  # a key that is no text, a circle, a NaN
            return _write({key: value if isinstance(value, str | int | None) else _readable(value) for key, value in line.items()})


def _write(line: dict[str, Any]) -> str:
    # The host's JSON knows no NaN.
    return json.dumps(line, default=_readable, separators=(",", ":"), allow_nan=False)


def _readable(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__qualname__} that cannot be read>"


def write_utf8() -> None:
    """Makes stdout and stderr UTF-8, which is what the host reads, whatever the locale and PYTHONIOENCODING say. No print can fail then.

    The variable itself stays as it is: programs that user code starts, and their output, follow it as ever.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def install(agent_id: str, incarnation: int, level: str) -> None:
    """Sends the root logger and Python's warnings to stderr as JSON lines, and replaces any handler there was.

    Args:
        agent_id: Put in every line.
        incarnation: Put in every line.
        level: Least level, by pino's name; an unknown one is "info".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(agent_id, incarnation))
    logging.basicConfig(handlers=[handler], force=True)
    set_levels(level)
    logging.captureWarnings(True)


def set_levels(level: str) -> None:
    """Sets the least level of the root logger, and of libraries that tell much.

    Args:
        level: By pino's name; an unknown one is "info".
    """
    levels = {"": _NUMBERS.get(level, logging.INFO)} | dict.fromkeys(("asyncio", "grpc", "httpcore2", "httpx2"), logging.INFO)
    for name, number in levels.items():
        logger = logging.getLogger(name)
        if logger.level != number:  # logging writes to every logger there is when one of them gets another level
            logger.setLevel(number)
