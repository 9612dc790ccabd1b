"""Whether what went wrong at a start may be over at the next one: a service that is down, a limit of the machine; not a wrong name."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

__all__ = ["came_from_outside", "is_mistake"]

_SCARCE = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.ENOSPC,
    }
)
"""What the operating system says when it is short of something, or cannot reach somebody, for now."""

_MISTAKES = (NameError, AttributeError, TypeError, SyntaxError, ImportError, NotImplementedError)


def came_from_outside(error: BaseException) -> bool:
    """Whether an exception, or one that led to it, tells of the network or of a shortage: then the same code may work the next time."""
    return any(_is_from_outside(one) for one in _chain(error))


def is_mistake(error: BaseException) -> bool:
    """Whether an exception tells of a mistake in the code or in how pydantic-ai is used, which stays until somebody mends it."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_mistake(one) for one in error.exceptions)
    from pydantic_ai.exceptions import UserError  # late: whoever cannot import it asks for other errors

    return isinstance(error, (*_MISTAKES, UserError))


def _is_from_outside(error: BaseException) -> bool:
    # An error of getaddrinfo has numbers of its own.
    if isinstance(error, ConnectionError | TimeoutError | MemoryError | socket.gaierror):
        return True
    return isinstance(error, OSError) and error.errno in _SCARCE


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
