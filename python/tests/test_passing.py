"""Which failures may be over at the next start."""

from __future__ import annotations

import errno
import socket

import pytest
from pydantic_ai.exceptions import UserError

from synapse_otp.passing import came_from_outside, is_mistake


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        MemoryError(),
        socket.gaierror(socket.EAI_NONAME, "no such host"),
        OSError(errno.EMFILE, "too many open files"),
        chained(RuntimeError("no database"), ConnectionResetError()),
        ExceptionGroup("all", [ValueError(), chained(RuntimeError(), OSError(errno.ENOSPC, "full"))]),
    ],
)
def test_the_network_and_a_shortage_come_from_outside(error: BaseException) -> None:
    assert came_from_outside(error)


@pytest.mark.parametrize("error", [ValueError(), FileNotFoundError(errno.ENOENT, "no"), chained(RuntimeError(), KeyError()), SystemExit(1)])
def test_everything_else_does_not(error: BaseException) -> None:
    assert not came_from_outside(error)


def test_a_chain_that_bites_its_tail_has_an_end() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert not came_from_outside(first)


def test_a_wrong_name_or_use_is_a_mistake_and_a_group_is_one_when_all_of_it_is() -> None:
    assert is_mistake(NameError())
    assert is_mistake(ModuleNotFoundError())
    assert is_mistake(UserError("no key"))
    assert is_mistake(ExceptionGroup("all", [TypeError(), ExceptionGroup("more", [AttributeError()])]))
    assert not is_mistake(ExceptionGroup("all", [TypeError(), RuntimeError()]))
    assert not is_mistake(ConnectionError())
