"""Every environment variable that the Python side reads, and nothing else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

__all__ = [
    "change_environment",
    "changes_to",
    "default_model",
    "deps_entry",
    "hosted",
    "scripted_delay_ms",
    "without_grpc_fork_handlers",
]


def hosted() -> bool:
    """Whether a host started this process (`SYNAPSE_WORKER=1`)."""
    return os.environ.get("SYNAPSE_WORKER") == "1"


@contextlib.contextmanager
def without_grpc_fork_handlers() -> Iterator[None]:
    """Within this, gRPC is imported without its fork handlers, which are on by default and make forked children crash.

    A worker's children do not use the worker's gRPC, so there is nothing to handle. `GRPC_ENABLE_FORK_SUPPORT` stays as the user has set
    it.
    """
    name = "GRPC_ENABLE_FORK_SUPPORT"
    if name in os.environ:
        yield
        return
    os.environ[name] = "0"
    try:
        yield
    finally:
        os.environ.pop(name, None)


def changes_to(env: Mapping[str, str]) -> dict[str, str | None]:
    """What makes an environment of this process's own: new values, and None for what is not in it."""
    changes: dict[str, str | None] = {name: value for name, value in env.items() if os.environ.get(name) != value}
    return changes | dict.fromkeys(os.environ.keys() - env.keys())


def change_environment(changes: Mapping[str, str | None]) -> None:
    """Makes such changes."""
    for name, value in changes.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def default_model() -> str | None:
    """The model of every run that names none (`SYNAPSE_PYTHON_AGENT_MODEL`); None when unset or empty: the agent's own."""
    return os.environ.get("SYNAPSE_PYTHON_AGENT_MODEL") or None


def deps_entry() -> str | None:
    """What makes the dependencies of runs (`SYNAPSE_AGENT_DEPS`), written as an entry; None when unset or empty."""
    return os.environ.get("SYNAPSE_AGENT_DEPS") or None


def scripted_delay_ms() -> float:
    """The pause between two words of a scripted model, in milliseconds (`SYNAPSE_SCRIPTED_DELAY_MS`). Default 20.

    Raises:
        ValueError: If the variable is set to something that is not a number of 0 or more.
    """
    text = os.environ.get("SYNAPSE_SCRIPTED_DELAY_MS", "")
    if text == "":
        return 20.0
    try:
        delay_ms = float(text)
    except ValueError:
        delay_ms = -1.0
    if not 0 <= delay_ms < float("inf"):
        raise ValueError(f"SYNAPSE_SCRIPTED_DELAY_MS is {text!r}; it must be a number of milliseconds, 0 or more")
    return delay_ms
