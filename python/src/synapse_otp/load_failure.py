"""Why a worker cannot serve its agent, in words that the control channel carries to the host."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .memory import hint, words_of
from .passing import came_from_outside
from .tracebacks import user_traceback

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["RAISED", "LoadFailure", "describe_exception", "import_failure"]

LoadFailureKind = Literal[
    "import_failed", "module_missing", "module_failed", "attribute_missing", "not_an_agent", "warmup_failed", "serve_failed"
]

RAISED = "\0"
"""Where a failure's message is to say what its cause says. No entry, path or module name holds a NUL."""


class LoadFailure(Exception):
    """Why a worker cannot serve its agent.

    Args:
        kind: What the host branches on.
        message: One sentence that quotes the entry and says what to do, with `RAISED` where it tells the cause.
        cause: The exception that user code raised, if any.
        retriable: Whether the next start may succeed without anybody's doing.
    """

    def __init__(self, kind: LoadFailureKind, message: str, cause: BaseException | None = None, *, retriable: bool = False) -> None:
        # The cause is read this once: its `__str__` is the user's, and may say something else the next time.
        self.message = message if cause is None else message.replace(RAISED, describe_exception(cause))
        super().__init__(self.message)
        self.kind = kind
        self._template = message
        self.cause = cause
        self.retriable = retriable

    def about(self, what: str) -> LoadFailure:
        """The same of something else than the entry, such as "deps"."""
        message = self._template.replace("entry ", f"{what} ", 1)
        return LoadFailure(self.kind, message, self.cause, retriable=self.retriable)

    def as_json(self, *, tracebacks: bool = True) -> dict[str, Any]:
        """The failure as the control channel carries it.

        Args:
            tracebacks: Whether tracebacks, and what exceptions of user code say, may leave the worker.
        """
        told = tracebacks or self.kind in ("import_failed", "serve_failed")
        message = self.message if told else self._withheld()
        error: dict[str, Any] = {"kind": self.kind, "message": message + hint(), "retriable": self.retriable}
        if self.cause is not None:
            error["pythonType"] = type(self.cause).__qualname__
            if told:
                error["traceback"] = user_traceback(self.cause)
        return error

    def _withheld(self) -> str:
        if self.cause is None:
            return self.message
        message = self._template.replace(RAISED, type(self.cause).__name__)
        return message.replace("the traceback shows", "python.tracebacks shows")


def describe_exception(error: BaseException) -> str:
    """An exception as "Type: message"; never raises, whatever its own `__str__` does."""
    try:
        words = words_of(error) if isinstance(error, MemoryError) else str(error)
    except Exception:
        words = "(its message cannot be read)"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def import_failure(error: BaseException) -> LoadFailure:
    """The failure of a worker whose own needs (pydantic-ai, grpc, protobuf) cannot be imported."""
    message = f"the packages that a worker needs cannot be imported by {sys.executable}: {RAISED}; {_advice(error)}"
    return LoadFailure("import_failed", message, error, retriable=came_from_outside(error))


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return f'install what provides "{error.name}" into {sys.prefix}'
    file = _raised_in(error)
    # Another error than these is no damage to the package's files: its own words, or the traceback, say what does not fit.
    distribution = _distribution_of(file) if file is not None and isinstance(error, ImportError | OSError | SyntaxError) else None
    if distribution is None:
        return f'it was raised in "{file}"; the traceback shows how' if file is not None else "the traceback shows where"
    command = _reinstall(f"{distribution.name}=={distribution.version}")
    return f'it was raised in "{file}"; if {distribution.name} is damaged or made for another platform, run: {command}'


def _raised_in(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError):
        return error.filename
    file: str | None = None
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        file = file if name.startswith("<") else name
        step = step.tb_next
    return file


def _distribution_of(file: str) -> Distribution | None:
    import importlib.metadata

    wanted = Path(file).resolve()
    try:
        for distribution in importlib.metadata.distributions():
            for path in distribution.files or ():
                if path.name == wanted.name and Path(str(distribution.locate_file(path))).resolve() == wanted:
                    return distribution
    except Exception:
        return None  # metadata that cannot be read says nothing
    return None


def _reinstall(requirement: str) -> str:
    if _has_pip():
        return shlex.join([sys.executable, "-m", "pip", "install", "--force-reinstall", "--no-deps", requirement])
    return shlex.join(["uv", "pip", "install", "--python", sys.executable, "--reinstall", "--no-deps", requirement])


def _has_pip() -> bool:
    try:
        return importlib.util.find_spec("pip") is not None
    except (ImportError, ValueError):
        return False
