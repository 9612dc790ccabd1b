"""Runs in the zygote: connects the channels of a worker to the host before there is the worker."""

from __future__ import annotations

import json
import socket
from typing import Any

__all__ = ["CHANNELS", "connect"]

CHANNELS = ("control", "stdout", "stderr")
"""A worker's channels, in the order of their descriptors 3, 1 and 2."""


def connect(request: dict[str, Any], channel: str) -> socket.socket:
    """Connects one channel, and says whose and which it is.

    Raises:
        OSError: If the host does not listen.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(request["listen"])
        line = json.dumps({"id": request["id"], "channel": channel, "token": request["token"]})
        connection.sendall(line.encode() + b"\n")
    except OSError:
        connection.close()
        raise
    return connection
