"""Runs in the worker: the messages of a run as JSON. A run that has acted must not fail because its messages are odd."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from pydantic_core import PydanticSerializationError, from_json, to_json

from .json_text import say, write_json
from .utf8 import clean_text

__all__ = ["messages_json"]


def messages_json(messages: list[ModelMessage]) -> bytes:
    """Messages in pydantic-ai's own JSON. What it cannot write (a tool's odd return value) is written as its `str`."""
    try:
        return ModelMessagesTypeAdapter.dump_json(messages, fallback=say, warnings=False)
    except (PydanticSerializationError, ValueError):  # a lone surrogate, or a value that is nested too deeply
        return b"[" + b",".join(_message_json(message) for message in messages) + b"]"


def _message_json(message: ModelMessage) -> bytes:
    try:
        return _dump(message)
    except (PydanticSerializationError, ValueError):
        return _dump(_writable(message))


def _dump(message: ModelMessage) -> bytes:
    dumped = ModelMessagesTypeAdapter.dump_python([message], mode="json", fallback=say, warnings=False)
    return write_json(dumped[0], constants=False)


def _writable(value: Any) -> Any:
    """The same with U+FFFD in place of lone surrogates, in the keys of dicts too.

    What is nested too deeply is JSON in a text instead, which has no depth.
    """
    if isinstance(value, str):
        return clean_text(value)
    try:
        to_json(value, bytes_mode="base64", fallback=say)
    except (PydanticSerializationError, ValueError):
        if _is_own(value):
            return replace(value, **{each.name: _writable(getattr(value, each.name)) for each in fields(value) if each.init})
        if isinstance(value, list | tuple) and any(_is_own(item) for item in value):
            return [_writable(item) for item in value]
        document = write_json(value, constants=False, fallback=say)
        try:
            return from_json(document)
        except ValueError:
            return document.decode()
    return value


def _is_own(value: object) -> bool:
    """Whether it is a message of pydantic-ai, or a part of one."""
    return is_dataclass(value) and type(value).__module__.partition(".")[0] == "pydantic_ai"
