"""Any value of an agent as one JSON document: what pydantic writes, and what it refuses although JSON can hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from .utf8 import clean_text

__all__ = ["say", "write_json"]

_PYTHONIC: TypeAdapter[Any] = TypeAdapter(Any)

Fallback = Callable[[Any], Any] | None


def say(value: object) -> str:
    """What a value says of itself; one that raises while it does is told by its type. For `fallback`."""
    try:
        return str(value)
    except Exception:
        return f"a value of type {type(value).__qualname__}"


def write_json(value: object, *, constants: bool, fallback: Fallback = None) -> bytes:
    """A value as JSON: aliases as in its schema, bytes as base64, U+FFFD in place of lone surrogates, any depth of lists and dicts.

    Args:
        value: Anything.
        constants: Whether NaN, Infinity and -Infinity are written as such, which only some parsers read; otherwise they become null.
        fallback: Makes something of what pydantic does not know; without one that is an error.

    Raises:
        PydanticSerializationError: For what pydantic does not know, or a model that is nested more than some 250 levels deep.
    """
    mode = "constants" if constants else "null"
    try:
        document = to_json(value, inf_nan_mode=mode, bytes_mode="base64", fallback=fallback)  # type: ignore[arg-type]
    except (PydanticSerializationError, ValueError):
        return "".join(_Writer(constants=constants, fallback=fallback).write(value)).encode()
    if constants and b"null" in document:
        return _with_constants(value, document)
    return document


def _with_constants(value: object, document: bytes) -> bytes:
    """A model writes its own NaN as null, whatever it is asked for: they are put back where the model holds them."""
    try:
        held = _PYTHONIC.dump_python(value, by_alias=True, warnings=False)
        restored, changed = _restore(from_json(document, allow_inf_nan=True), held)
    except Exception:  # a model with a serializer of its own that cannot do it: what it has written counts
        return document
    return json.dumps(restored, ensure_ascii=False, separators=(",", ":")).encode() if changed else document


def _restore(written: Any, held: Any) -> tuple[Any, bool]:
    if written is None:
        return (held, True) if isinstance(held, float) and not math.isfinite(held) else (None, False)
    changed = False
    if isinstance(written, dict) and isinstance(held, dict) and len(written) == len(held):
        for (key, item), inner in zip(written.items(), held.values(), strict=True):
            written[key], inside = _restore(item, inner)
            changed |= inside
    elif isinstance(written, list) and isinstance(held, list | tuple | set | frozenset) and len(written) == len(held):
        for index, (item, inner) in enumerate(zip(written, held, strict=True)):
            written[index], inside = _restore(item, inner)
            changed |= inside
    return written, changed


class _Writer:
    """Writes what pydantic refuses, without recursion: containers by itself, what they hold by pydantic."""

    def __init__(self, *, constants: bool, fallback: Fallback) -> None:
        self._constants = constants
        self._fallback = fallback

    def write(self, value: object) -> Iterator[str]:
        """The document in pieces."""
        work: list[Iterator[str | tuple[object]]] = [iter([(value,)])]
        open_ids: list[int] = [0]
        while work:
            step = next(work[-1], None)
            if step is None:
                work.pop()
                open_ids.pop()
            elif isinstance(step, str):
                yield step
            else:
                (inner,) = step
                if (leaf := self._leaf(inner)) is not None:
                    yield leaf
                    continue
                container = inner if isinstance(inner, dict | list | tuple) else self._plain(inner)
                if not isinstance(container, dict | list | tuple):
                    yield self._leaf(container) or "null"
                    continue
                if id(container) in open_ids:
                    raise PydanticSerializationError("Circular reference detected")
                work.append(self._dict(container) if isinstance(container, dict) else self._list(container))
                open_ids.append(id(container))

    def _leaf(self, value: object) -> str | None:
        if value is None:
            return "null"
        if type(value) is bool:
            return "true" if value else "false"
        if type(value) is int:
            return str(value)
        if type(value) is float:
            return json.dumps(value) if self._constants or math.isfinite(value) else "null"
        if type(value) is str:
            return json.dumps(clean_text(value), ensure_ascii=False)
        return None

    def _plain(self, value: object) -> Any:
        try:
            return to_jsonable_python(value, inf_nan_mode="constants", bytes_mode="base64", fallback=self._fallback)
        except UnicodeEncodeError:  # a lone surrogate in a key of a model's dict
            dumped = _PYTHONIC.dump_python(value, by_alias=True, warnings=False)
            if isinstance(dumped, dict | list | tuple):
                return dumped
            raise

    def _list(self, items: list[Any] | tuple[Any, ...]) -> Iterator[str | tuple[object]]:
        yield "["
        for index, item in enumerate(items):
            if index > 0:
                yield ","
            yield (item,)
        yield "]"

    def _dict(self, items: dict[Any, Any]) -> Iterator[str | tuple[object]]:
        yield "{"
        for index, (key, item) in enumerate(items.items()):
            if index > 0:
                yield ","
            name = key if type(key) is str else next(iter(self._plain({key: None})))
            yield f"{json.dumps(clean_text(name), ensure_ascii=False)}:"
            yield (item,)
        yield "}"
