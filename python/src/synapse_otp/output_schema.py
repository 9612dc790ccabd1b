"""Runs in the worker: the JSON Schema that a run asks its output by, as an output type of pydantic-ai's."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import StructuredDict

from .errors import invalid
from .request_json import read_json

__all__ = ["read_output_schema"]


def read_output_schema(data: bytes) -> Any:
    """The output type of a schema; None for no schema.

    Args:
        data: The schema as JSON.

    Raises:
        RunFailure: VALIDATION if pydantic-ai does not take it.
    """
    if not data:
        return None
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
