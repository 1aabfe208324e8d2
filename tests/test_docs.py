"""The console blocks of the documents that show output show the real output.

A block whose first line is `$ unfrag ...` is run from the project's root in a UTF-8 locale and compared to the
letter, a rehearsal with the first interpreter of UNFRAG_TEST_TORCH; ` | head -N` behind the command shows so many lines.
UNFRAG_UPDATE_DOCS=1 writes the real output into the document instead.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from torches import PYTHONS

ROOT = Path(__file__).resolve().parent.parent
UNFRAG = os.environ.get("UNFRAG", str(ROOT / "build" / "unfrag"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]
BLOCK = re.compile(r"```console\n\$ (unfrag [^\n]*)\n(.*?)```", re.S)


def real_output(command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    if PYTHONS:
        environment["VIRTUAL_ENV"] = str(Path(PYTHONS[0]).parent.parent)
    command, _, lines = command.partition(" | head -")
    words = shlex.split(command)
    done = subprocess.run([UNFRAG, *words[1:]], cwd=ROOT, env=environment, capture_output=True, check=False)
    output = done.stdout.decode() + done.stderr.decode()
    return "".join(output.splitlines(keepends=True)[: int(lines)]) if lines else output


def blocks() -> list[tuple[Path, str, str]]:
    return [(path, *match.groups()) for path in DOCUMENTS for match in BLOCK.finditer(path.read_text())]


def test_the_readme_shows_a_command_with_its_output_and_stays_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert BLOCK.search(text)
    assert len(text.splitlines()) <= 120


@pytest.mark.parametrize(("path", "command", "shown"), blocks(), ids=lambda value: str(value)[-40:])
def test_documents_show_the_real_output(path: Path, command: str, shown: str) -> None:
    if command.startswith("unfrag rehearse") and not PYTHONS:
        pytest.skip("UNFRAG_TEST_TORCH names no interpreter with PyTorch")
    real = real_output(command)
    if os.environ.get("UNFRAG_UPDATE_DOCS"):
        path.write_text(path.read_text().replace(f"$ {command}\n{shown}```", f"$ {command}\n{real}```"))
        return
    assert shown == real
