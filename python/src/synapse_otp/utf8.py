"""Text that UTF-8, and so protobuf and JSON, can carry."""

from __future__ import annotations

__all__ = ["clean_text"]


def clean_text(text: str) -> str:
    """Puts U+FFFD in place of lone surrogates, which a provider's split emoji leaves behind; other text is returned as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
