"""The types that the package declares: a type checker takes right programs and refuses wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys

import support

RIGHT = '''
import unfrag
from unfrag.values.explain import Holder

trace: unfrag.Trace = unfrag.load("oom.pickle", max_unpacked="1GiB")
explanation = trace.explain(at="peak", group="function", memory="24GiB", device=0)
kind: str = explanation.devices[0].at.moment
total: int = sum(holder.at_bytes for holder in trace.holders())
first: Holder = trace.holders()[0]
line: int | None = first.line
conf: str = trace.advise().candidates[0].conf
exact: bool | None = trace.replay(conf="default").exact
gates: bool = unfrag.diff(trace, "b.pickle", fail_on=["num_ooms>0"]).all_gates_hold
rows: int = len(trace.events)
fits: bool | None = unfrag.rehearse(["train.py", "--bs", "8"], gpu="rtx4090").fits[0].fits
'''
WRONG = {
    'unfrag.load("a").explain(wants="1GiB")': "wants",
    'unfrag.load("a").explain().devices[0].now.reserved': "reserved",
    'x: str = unfrag.load("a").holders()[0].at_bytes': "Incompatible types",
    'unfrag.rehearse("a.py", memory=[])': "memory",
}


def check(tmp_path, code: str) -> str:
    program = tmp_path / "program.py"
    program.write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program], capture_output=True,
        text=True, env={**os.environ, "MYPYPATH": str(support.ROOT / "build/release/python")}, cwd=tmp_path)
    return done.stdout + done.stderr


def test_a_right_program_is_accepted(tmp_path):
    assert "Success" in check(tmp_path, RIGHT)


def test_wrong_programs_are_refused(tmp_path):
    for line, part in WRONG.items():
        found = check(tmp_path, f"import unfrag\n{line}\n")
        assert "Found 1 error" in found and part in found, found


def test_the_package_itself_is_sound(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "-p", "unfrag"],
        capture_output=True, text=True, cwd=support.ROOT / "build/release/python")
    assert "Success" in done.stdout, done.stdout
