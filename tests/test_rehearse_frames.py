"""Python's frames as the null device reads them, without PyTorch and with every interpreter that this machine has."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import PROGRAM, environment

LIBRARY = Path(PROGRAM).resolve().parent / "libunfrag-frames.so"
STACKS = Path(__file__).parent / "python_stacks" / "program.py"
MOST_FRAMES = 128
EVENT, TEXT, FRAME, STACK = 1, 2, 3, 4  # Kind of base/allocation_log.h
RECORD = struct.Struct("<BBHIQQQQQqII")

Line = tuple[str, str, int]

needs_library = pytest.mark.skipif(not LIBRARY.is_file(), reason=f"no {LIBRARY.name}: built without tests")


def interpreters() -> list[Any]:
    found = []
    for minor in range(9, 15):
        path = sys.executable if sys.version_info[1] == minor else shutil.which(f"python3.{minor}")
        works = path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0
        skip = [] if works else [pytest.mark.skip(reason=f"no Python 3.{minor} here")]
        found.append(pytest.param(path, id=f"3.{minor}", marks=skip))
    return found


def logged(path: Path) -> dict[int, list[Line]]:
    """The stack of each entry, by its number."""
    with path.open("rb") as file:
        count = struct.unpack_from("<Q", file.read(4096), 24)[0]
        data = file.read(count * RECORD.size)
    texts, frames, stacks, entries = [""], [("", "", 0)], [[]], {}
    at = 0
    while at < len(data):
        kind, _, _, number, _, size, _, first, second, _, stack, _ = RECORD.unpack_from(data, at)
        at += RECORD.size
        if kind == TEXT:
            texts.append(data[at:at + size].decode())
            at += (size + RECORD.size - 1) // RECORD.size * RECORD.size
        elif kind == FRAME:
            frames.append((texts[first], texts[second], size))
        elif kind == STACK:
            stacks.append([frames[first], *stacks[second]])
        else:
            assert kind == EVENT
            entries[size] = stacks[stack]
    return entries


@needs_library
@pytest.mark.parametrize("python", interpreters())
def test_every_kind_of_frame_is_as_python_itself_sees_it(python: str, tmp_path: Path) -> None:
    done = subprocess.run([python, STACKS, LIBRARY, "fork"], capture_output=True, text=True, timeout=60,
                          env=environment(UNFRAG_REHEARSAL_FOLDER=str(tmp_path), PYTHONIOENCODING="utf-8"))
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == 2  # a process and its fork
    for run in runs:
        entries = logged(tmp_path / f"log.{run['process']}")
        want = dict(enumerate([tuple(line) for line in stack[:MOST_FRAMES]] for stack in run["expected"]))
        wrong = {number: (entries.get(number), stack) for number, stack in want.items()
                 if entries.get(number) != stack}
        assert not wrong, f"{len(wrong)} of {len(want)}: {next(iter(wrong.items()))}"
        assert len(entries) >= len(want) > 50


@needs_library
def test_a_program_without_python_has_no_stacks(tmp_path: Path) -> None:
    source = tmp_path / "main.c"
    source.write_text('#include <dlfcn.h>\nint main(int n, char** v) { void* l = dlopen(v[1], RTLD_NOW);\n'
                      '((void (*)(unsigned long))dlsym(l, "unfrag_entry"))(7); return 0; }')
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    subprocess.run([compiler, source, "-o", tmp_path / "main", "-ldl"], check=True)
    subprocess.run([tmp_path / "main", LIBRARY], check=True,
                   env={**os.environ, "UNFRAG_REHEARSAL_FOLDER": str(tmp_path)})
    assert logged(next(tmp_path.glob("log.*"))) == {7: []}
