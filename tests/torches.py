"""The interpreters with PyTorch that tests of rehearsals run, and running a rehearsal with one.

UNFRAG_TEST_TORCH names them, separated by colons; `./dev test` makes them. Without it those tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import PROGRAM, Document, environment

PYTHONS = [python for python in os.environ.get("UNFRAG_TEST_TORCH", "").split(":") if python]


def release_of(python: str) -> str:
    """"2.15.0", from the package's own text."""
    version = next(Path(python).parent.parent.glob("lib/python*/site-packages/torch/version.py")).read_text()
    return version.split("__version__ = '")[1].split("'")[0].split("+")[0]


RELEASES = {release_of(python): python for python in PYTHONS}
NONE = pytest.param(None, marks=pytest.mark.skip(reason="UNFRAG_TEST_TORCH names no interpreter with PyTorch"))

every_torch = pytest.mark.parametrize("python", [pytest.param(one, id=release_of(one)) for one in PYTHONS] or [NONE])
newest_torch = pytest.mark.parametrize("python",
                                       [pytest.param(one, id=release_of(one)) for one in PYTHONS[:1]] or [NONE])


def rehearse(python: str, *args: Any, code: int = 0, cwd: Path | None = None, **changes: str) -> Document:
    """The report on `unfrag rehearse ARGS`, with the program's own output as `printed`."""
    command = [PROGRAM, "rehearse", "--format", "json", "--python", python, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, env=environment(**changes))
    assert done.returncode == code, done.stderr
    report = json.loads(done.stdout)
    report["printed"] = done.stderr
    return report


def run_on_torch(python: str, *args: Any) -> subprocess.CompletedProcess[str]:
    """Runs something that imports PyTorch, which without NVIDIA's libraries it can on the null device alone."""
    command = [PROGRAM, "rehearse", "-q", "--pass-exit-code", "--python", python, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment())


def rehearse_lines(python: str, folder: Path, text: str, *options: Any, **changes: str) -> Document:
    """The same of a program given as text, which must end well."""
    program = folder / "program.py"
    program.write_text(text)
    report = rehearse(python, *options, program, cwd=folder, **changes)
    assert report["exit_code"] == 0, report["printed"]
    return report
