"""Text that UTF-8, and so protobuf and JSON, can carry."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["clean_json", "clean_text"]


def clean_text(text: str) -> str:
    """Puts U+FFFD in place of lone surrogates, which a provider's split emoji leaves behind; other text is returned as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clean_json(value: Any) -> bytes:
    """A JSON-able value as JSON, its strings cleaned; NaN and infinities become null. The slow way, for what pydantic refuses."""
    return json.dumps(_clean(value), ensure_ascii=False, separators=(",", ":")).encode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if abs(value) != float("inf") and value == value else None
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
