"""Runs in the worker: the contract's content parts as pydantic-ai's."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_ai.messages import AudioUrl, BinaryContent, DocumentUrl, ImageUrl, UserContent, VideoUrl

from .errors import invalid
from .v1 import agent_pb2 as pb

__all__ = ["read_content"]

_URLS: dict[int, type[ImageUrl | AudioUrl | DocumentUrl | VideoUrl]] = {
    pb.MEDIA_KIND_IMAGE: ImageUrl,
    pb.MEDIA_KIND_AUDIO: AudioUrl,
    pb.MEDIA_KIND_VIDEO: VideoUrl,
    pb.MEDIA_KIND_DOCUMENT: DocumentUrl,
}


def read_content(parts: Sequence[pb.ContentPart], field: str) -> list[UserContent]:
    """The parts in pydantic-ai's own classes.

    Args:
        parts: As they came.
        field: Quoted in errors.

    Raises:
        RunFailure: VALIDATION for a part that this version does not know.
    """
    return [_read(part, f"{field}[{index}]") for index, part in enumerate(parts)]


def _read(part: pb.ContentPart, field: str) -> UserContent:
    match part.WhichOneof("part"):
        case "text":
            return part.text
        case "binary":
            # The class is chosen by the media type: an image is a BinaryImage.
            return BinaryContent.narrow_type(BinaryContent(part.binary.data, media_type=part.binary.media_type))
        case "url" if part.url.kind in _URLS:
            return _URLS[part.url.kind](part.url.url, media_type=part.url.media_type or None)
    raise invalid(f"{field} is a part that this worker does not know", field)
