"""Runs in the worker: `python -u -P -m synapse_otp --entry agents/example_agent.py:agent`, started by the host and by nobody else."""

from __future__ import annotations

import argparse
import sys

from .control import is_control_channel
from .environment import hosted

BY_HAND = (
    "synapse-otp serves a pydantic-ai agent to its host and cannot be started by hand: TypeScript's startSystem, of the npm package "
    "synapse-otp, starts it; the README of synapse-otp shows how."
)


def run() -> None:
    """Reads the arguments and lives the worker's life. Ends the process; with code 1 when it was started by hand."""
    if not (hosted() and is_control_channel()):
        print(BY_HAND, file=sys.stderr)
        sys.exit(1)
    parser = argparse.ArgumentParser(prog="python -m synapse_otp", description="Serves one pydantic-ai agent to its host.")
    parser.add_argument("--entry", required=True, help='"path/to/file.py:attribute" or "package.module:attribute"')
    entry: str = parser.parse_args().entry
    from .logs import write_utf8
    from .worker import main

    write_utf8()
    main(entry)


if __name__ == "__main__":
    run()
