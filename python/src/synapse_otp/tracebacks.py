"""Tracebacks that show the user's own frames."""

from __future__ import annotations

import importlib.util
import traceback
from pathlib import Path

__all__ = ["user_traceback"]

_OURS = str(Path(__file__).parent) + "/"
_MACHINERY = ("pydantic_ai", "pydantic_graph", "anyio", "asyncio", "contextlib", "concurrent", "importlib", "grpc")


def user_traceback(exc: BaseException) -> str:
    """Formats an exception with its causes, without the frames of this package and of the machinery that it runs the agent with.

    When nothing would be left, only this package's frames and the import system's are cut.
    """
    whole = traceback.TracebackException.from_exception(exc, capture_locals=False)
    _cut(whole, set(), _machinery_paths())
    return "".join(whole.format())


def _cut(report: traceback.TracebackException, seen: set[int], machinery: tuple[str, ...]) -> None:
    if id(report) in seen:
        return
    seen.add(id(report))
    foreign = [frame for frame in report.stack if not _is_ours(frame.filename)]
    users = [frame for frame in foreign if not frame.filename.startswith(machinery)]
    report.stack = traceback.StackSummary.from_list(users or foreign)
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        if other is not None:
            _cut(other, seen, machinery)


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen "))


def _machinery_paths() -> tuple[str, ...]:
    paths = []
    for name in _MACHINERY:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue  # it is what could not be imported
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        paths.append(f"{origin.parent}/" if origin.name == "__init__.py" else str(origin))
    return tuple(paths)
