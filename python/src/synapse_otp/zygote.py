"""Guardian and zygote begin here, for a host with the other ends of fd 3 and 4.

    python -u -P -m synapse_otp.zygote SYSTEM [--hurried] [MODULE ...]

`-P` keeps the working directory off `sys.path`: each worker puts its own, once what it needs itself is imported.
SYSTEM is the number of the system, each MODULE is imported before the first fork. With `--hurried`, agents that were at work wait for it,
and it leaves out what saves memory only. The guardian keeps what this module imports for as long as the system lives, so what the zygote
needs beside it is made and imported after the two have parted.
"""

from __future__ import annotations

import sys

from .guardian import guard, tell_unfit

__all__ = ["main"]


def main() -> None:
    """Guards, warms up and forks until the host is gone. Does not return."""
    system, hurried = int(sys.argv[1]), sys.argv[2:3] == ["--hurried"]
    preload = sys.argv[3:] if hurried else sys.argv[2:]
    try:
        guarded = guard(system)
    except OSError as error:
        tell_unfit(str(error))
    from .early_names import make_early_names

    make_early_names()
    from .forker import fork_for_host

    fork_for_host(system, guarded, preload, hurried)


if __name__ == "__main__":
    main()
