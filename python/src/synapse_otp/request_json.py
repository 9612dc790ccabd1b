"""Runs in the worker: JSON documents that came from the host."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from .errors import invalid

__all__ = ["read_json"]


def read_json(data: bytes, field: str) -> Any:
    """The value of one JSON document that came from the host, with all digits of its integers.

    Args:
        data: The document.
        field: Quoted in the error.

    Raises:
        RunFailure: VALIDATION for what is no JSON, or is nested more than some 200 levels deep.
    """
    try:
        return from_json(data)
    except ValueError as error:
        raise invalid(f"{field} is no JSON that pydantic reads: {error}", field) from error
