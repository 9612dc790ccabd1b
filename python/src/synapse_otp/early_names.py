"""Runs in the zygote, first of all: makes the names that every run looks up, so that they lie side by side.

A look-up counts references to the name that it looks for. Names are made once, by whichever module has them first; those of a run would
lie one on a page. The list is for speed alone: a name that is missing is made later, by its module.
"""

from __future__ import annotations

import os.path
import sys

__all__ = ["FILE", "make_early_names"]

FILE = os.path.join(os.path.dirname(__file__), "early_names.txt")
"""One a line; `tests/early_names.py` writes it anew."""

_kept: list[str] = []


def make_early_names() -> None:
    """Makes them, for good."""
    with open(FILE, encoding="utf-8") as file:
        _kept.extend(map(sys.intern, file.read().split()))
