"""Writes `early_names.txt` of the package anew: the names in the code of a start and of every way of a run, one a line.

.venv/bin/python tests/early_names.py
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType

from synapse_otp.early_names import FILE
from synapse_otp.recording import called_by
from synapse_otp.rehearsal import called_runs, rehearse


def names_of_runs() -> list[str]:
    """What they look up, and the words that they compare or pass on."""
    rehearse()
    return sorted({name for run in called_runs() for code in called_by(run).values() for name in names_in(code)})


def names_in(code: CodeType) -> set[str]:
    words = [each for each in code.co_consts if isinstance(each, str)]
    words += [word for each in code.co_consts if isinstance(each, tuple) for word in each if isinstance(word, str)]
    return {*code.co_names, code.co_name, *(word for word in words if word.isidentifier())} - {""}


if __name__ == "__main__":
    Path(FILE).write_text("".join(f"{name}\n" for name in names_of_runs()))
