"""Runs in the worker: file descriptors that the worker holds beside the user's code, and what has become of them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from dataclasses import dataclass, field

__all__ = ["Descriptor", "private_copy"]

_FAR = 500


def private_copy(fd: int) -> int:
    """A copy of a descriptor with a number far from those that programs open and close by number; not inherited by other programs.

    Raises:
        OSError: If `fd` is not open.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = _FAR if soft == resource.RLIM_INFINITY else min(_FAR, soft // 2)
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, least)


@dataclass(frozen=True)
class Descriptor:
    """An open descriptor, known by the file behind it.

    Raises:
        OSError: If it is not open.
    """

    fd: int
    _file: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_file", _file_of(self.fd))

    @property
    def unchanged(self) -> bool:
        """Whether it is still open on the same file."""
        try:
            return _file_of(self.fd) == self._file
        except OSError:
            return False

    def close(self) -> None:
        """Closes it, unless it is closed already or another file has its number."""
        if self.unchanged:
            with contextlib.suppress(OSError):
                os.close(self.fd)


def _file_of(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino
