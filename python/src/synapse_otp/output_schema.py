"""Runs in the worker: the JSON Schema that a run asks its output by, as an output type of pydantic-ai's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import StructuredDict

from .errors import invalid
from .request_json import read_json

__all__ = ["read_output_schema"]

_KEPT = 32
_KEPT_BYTES = 32 * 1024
"""Of a schema; one that is larger is read anew for each run, so that what is kept has a bound."""


def read_output_schema(data: bytes) -> Any:
    """The output type of a schema; None for no schema.

    Args:
        data: The schema as JSON.

    Raises:
        RunFailure: VALIDATION if pydantic-ai does not take it.
    """
    if not data:
        return None
    return _kept(data) if len(data) <= _KEPT_BYTES else _read(data)


@lru_cache(_KEPT)
def _kept(data: bytes) -> Any:
    return _read(data)


def _read(data: bytes) -> Any:
    schema = read_json(data, "output_schema_json")
    if not isinstance(schema, dict):
        raise invalid("output_schema_json is not a JSON object", "output_schema_json")
    try:
        structured = StructuredDict(schema)
        # Asked for by the run as well, where it would be an error of nobody's: a $ref that leads nowhere, say.
        TypeAdapter(structured).json_schema()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise invalid(f"output_schema_json is no JSON Schema that pydantic-ai takes: {said}", "output_schema_json") from error
    return structured
