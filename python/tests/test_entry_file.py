"""An entry that is a file: its neighbours, its name, its one module, and the processes that multiprocessing starts for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PRINTS = "\nif __name__ == '__main__':\n    import json\n    print(json.dumps(answer()))\n"
"""What makes a file print its answer when it is run as a script."""

LOAD = """
import json, os, sys
from pathlib import Path
from synapse_otp.entry_file import load_file

sys.path[0] = os.getcwd()  # as `python -m` has it
if __name__ == "__main__":
    module = load_file(Path(sys.argv[1]).absolute())
    print("answer:" + json.dumps(module.answer()))
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run(cwd: Path, *arguments: str, **env: str) -> Any:
    """What the file's `answer()` returns, loaded as an entry; every argument but the file is one that the file must not see."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("answer:")]
    assert lines, done.stderr
    return json.loads(lines[-1].removeprefix("answer:"))


def as_script(cwd: Path, file: str, **env: str) -> Any:
    """What the same file prints under `python file.py`."""
    done = subprocess.run(
        [sys.executable, file], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_a_neighbour_goes_before_an_installed_package_of_its_name_as_under_python(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "site/tools.py": "WHERE = 'installed'\n",
            "agents/tools.py": "WHERE = 'beside'\n",
            "agents/mine.py": f"import tools\ndef answer(): return tools.WHERE\n{PRINTS}",
        },
    )
    site = str(tmp_path / "site")
    assert run(tmp_path, "agents/mine.py", PYTHONPATH=site) == as_script(tmp_path, "agents/mine.py", PYTHONPATH=site) == "beside"


@pytest.mark.parametrize("folder", ["agents", "."])
def test_a_file_does_not_hide_the_installed_package_of_its_own_name(tmp_path: Path, folder: str) -> None:
    write(
        tmp_path,
        {
            "site/provider/__init__.py": "WHERE = 'installed'\n",
            f"{folder}/beside.py": "WHERE = 'beside'\n",
            f"{folder}/provider.py": "import beside, provider\ndef answer(): return [provider.WHERE, beside.WHERE]\n",
        },
    )
    assert run(tmp_path, f"{folder}/provider.py", PYTHONPATH=str(tmp_path / "site")) == ["installed", "beside"]


def test_a_file_does_not_hide_a_module_of_the_standard_library(tmp_path: Path) -> None:
    write(tmp_path, {"calendar.py": "import calendar\ndef answer(): return calendar.monthrange(2024, 2)[1]\n"})
    assert run(tmp_path, "calendar.py") == 29


def test_a_file_does_not_hide_the_package_that_it_is_in(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "chat/__init__.py": "",
            "chat/tools.py": "WHERE = 'package'\n",
            "chat/chat.py": "from chat.tools import WHERE\ndef answer(): return WHERE\n",
        },
    )
    assert run(tmp_path, "chat/chat.py") == "package"


@pytest.mark.parametrize("imported", ["mine", "agents.mine"])
def test_a_file_is_one_module_under_whatever_name_a_neighbour_imports_it(tmp_path: Path, imported: str) -> None:
    write(
        tmp_path,
        {
            "agents/beside.py": f"import {imported} as mine\ndef loaded(): return mine\n",
            "agents/mine.py": """
import sys
loads = getattr(sys, "loads", 0) + 1
sys.loads = loads
class Question: pass
import beside
def answer(): return [sys.loads, beside.loaded().Question is Question, beside.loaded() is sys.modules["mine"], __spec__.name, __name__]
""",
        },
    )
    assert run(tmp_path, "agents/mine.py") == [1, True, True, "mine", "mine"]


def test_a_file_can_be_loaded_again_on_purpose(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "mine.py": """
import importlib, sys
sys.loads = getattr(sys, "loads", 0) + 1
def answer():
    importlib.reload(sys.modules[__name__])
    return sys.loads
""",
        },
    )
    assert run(tmp_path, "mine.py") == 2


POOL = """
import multiprocessing, pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

@dataclass
class Number:
    value: int

def square(number: Number) -> Number:
    return Number(number.value ** 2)

def answer():
    squares = []
    for method in ("spawn", "forkserver"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            squares += [number.value for number in pool.map(square, [Number(2), Number(3)])]
    same = pickle.loads(pickle.dumps(Number(4))) == Number(4)
    return [squares, same, Number.__module__]

if __name__ == "__main__":
    raise RuntimeError("an agent file is no program")
"""


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mine.py", "mine"),
        ("agents/mine.py", "mine"),
        ("agents/provider.py", "__mp_main__"),
        ("agents/my.agent.py", "__mp_main__"),
        ("agents/my-agent.py", "__mp_main__"),
        ("agents/__init__.py", "__mp_main__"),
    ],
)
def test_processes_of_multiprocessing_find_what_a_file_defines(tmp_path: Path, file: str, name: str) -> None:
    write(tmp_path, {file: POOL, "site/provider/__init__.py": ""})
    assert run(tmp_path, file, PYTHONPATH=str(tmp_path / "site")) == [[4, 9, 4, 9], True, name]


def test_a_file_finds_its_resources_and_sees_no_argument_of_the_host(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "agents/words.txt": "beside",
            "words.txt": "cwd",
            "agents/mine.py": """
import sys
from pathlib import Path
def answer():
    return [Path(__file__).with_name("words.txt").read_text(), open("words.txt").read(), [Path(one).name for one in sys.argv]]
""",
        },
    )
    assert run(tmp_path, "agents/mine.py", "--entry") == ["beside", "cwd", ["mine.py"]]


def test_a_link_finds_the_neighbours_of_what_it_leads_to_as_under_python(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "real/beside.py": "WHERE = 'real'\n",
            "real/mine.py": f"import beside\ndef answer(): return beside.WHERE\n{PRINTS}",
        },
    )
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "mine.py")
    assert run(tmp_path, "link.py") == as_script(tmp_path, "link.py") == "real"


def test_a_module_may_put_something_else_in_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"mine.py": "import sys\nclass Other:\n    def answer(self): return 'other'\nsys.modules[__name__] = Other()\n"})
    assert run(tmp_path, "mine.py") == "other"
