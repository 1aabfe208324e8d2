"""The Python of the guides prints what they show. UNFRAG_UPDATE_DOCS=1 writes what it prints into them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import support

BLOCK = re.compile(r"```python\n(.*?)```\n\n```output\n(.*?)```\n", re.DOTALL)
FOUND = [(path, code, shown) for path in sorted((support.ROOT / "docs").rglob("*.md"))
         for code, shown in BLOCK.findall(path.read_text())]


@pytest.mark.parametrize(("path", "code", "shown"), [pytest.param(*one, id=one[0].stem) for one in FOUND])
def test_a_guide_shows_what_its_code_prints(path: Path, code: str, shown: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=support.ROOT, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(support.ROOT / "build/release/python")})
    assert done.returncode == 0, done.stderr
    if os.environ.get("UNFRAG_UPDATE_DOCS"):
        path.write_text(path.read_text().replace(f"{code}```\n\n```output\n{shown}", f"{code}```\n\n```output\n{done.stdout}"))
    else:
        assert done.stdout == shown


def test_there_is_such_a_guide() -> None:
    assert FOUND
