"""Log records as JSON lines: whatever a caller logs is a line that the host can read."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from synapse_otp.logs import JsonLines


class Unreadable:
    """A value whose words cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("unreadable")


def _circle() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    return circle


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def _line(message: object = "said", args: object = (), **extra: object) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": message, "args": args, "levelno": logging.INFO, "name": "here", **extra})
    line: dict[str, Any] = json.loads(JsonLines("poet", 3).format(record), parse_constant=_refuse)
    return line


def test_a_record_is_one_object_with_its_extra_fields() -> None:
    assert _line("%s twice", ("said",), tries=2) | {"ts": 0} == {
        "ts": 0,
        "level": "info",
        "logger": "here",
        "msg": "said twice",
        "agent_id": "poet",
        "incarnation": 3,
        "tries": 2,
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (_circle(), "{'self': {...}}"),
        (Unreadable(), "<Unreadable that cannot be read>"),
        (float("nan"), "nan"),
        ([float("inf")], "[inf]"),
    ],
)
def test_a_field_that_json_cannot_hold_is_its_text(value: object, told: str) -> None:
    line = _line(field=value, beside=1)
    assert (line["msg"], line["field"], line["beside"]) == ("said", told, 1)


def test_a_message_that_cannot_be_formatted_is_told_with_its_arguments() -> None:
    assert _line("%d of it", ("none",))["msg"] == "%d of it ('none',)"
    assert _line(Unreadable())["msg"] == "<Unreadable that cannot be read> ()"
