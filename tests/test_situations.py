"""A dozen situations as people see them, at three widths: golden files, to be read by eye when they change.

UNFRAG_UPDATE_GOLDEN=1 writes tests/golden/situations/ anew.
"""

from __future__ import annotations

import os
import pickle
import unicodedata
from typing import Any, Callable

import pytest

from support import BASE, GOLDEN, MIB, ROOT, Document, block, entry, frame, oom, run, segment, snapshot

GIB = 1 << 30
WIDTHS = (60, 80, 140)

MODEL = [frame("forward", "/home/user/project/model.py", 43), frame("main", "/home/user/project/train.py", 20)]
CACHE = [frame("remember", "/home/user/project/cache.py", 7), frame("main", "/home/user/project/train.py", 31)]
EVIL = [frame("\x1b[31mfor\nward\u202e", "/home/user/\x07evil\\x.py", 1)]


def striped(stack: list[Document], **more: Any) -> Document:
    """Ten blocks of 30 MiB in use, with holes of 30 MiB between them."""
    blocks = [block(30 * MIB, state, frames=stack if state != "inactive" else [])
              for _ in range(10) for state in ("active_allocated", "inactive")]
    return segment(BASE, blocks, **more)


def full(stack: list[Document] = MODEL) -> Document:
    return segment(BASE + GIB, [block(900 * MIB, requested=899 * MIB, frames=stack)])


def pending() -> Document:
    return segment(BASE + 2 * GIB, [block(100 * MIB, frames=MODEL), block(200 * MIB, "active_pending_free"),
                                    block(50 * MIB, frames=CACHE)])


def two_devices() -> Document:
    other = {**full(), "device": 1, "address": BASE + 8 * GIB}
    other["blocks"] = [{**one, "address": one["address"] + 7 * GIB} for one in other["blocks"]]
    return snapshot([striped(CACHE), other], [oom(100 * MIB, 20 * MIB, frames=MODEL)], [])


def example(name: str, *options: str) -> tuple[tuple[str, ...], Document | None]:
    return (*options, f"examples/{name}.pickle"), None


def made(document: Document, *options: str) -> tuple[tuple[str, ...], Document | None]:
    return (*options, "-"), document


SITUATIONS: dict[str, Callable[[], tuple[tuple[str, ...], Document | None]]] = {
    "fragmentation": lambda: made(snapshot([striped(CACHE)], [oom(100 * MIB, 20 * MIB, frames=MODEL)])),
    "capacity": lambda: example("capacity_oom"),
    "limit": lambda: made(snapshot([full()], [oom(100 * MIB, 6 * GIB, frames=MODEL)])),
    "outside": lambda: made(snapshot([full()], [oom(100 * MIB, 20 * MIB, frames=MODEL)]), "--memory", "8GiB"),
    "stranded_stream": lambda: made(snapshot([full(), striped(CACHE, stream=7)],
                                             [oom(100 * MIB, 0, frames=MODEL)])),
    "stranded_pending": lambda: made(snapshot([pending(), striped(CACHE)],
                                              [oom(190 * MIB, 60 * MIB, frames=MODEL)])),
    "growth": lambda: example("leak"),
    "cache": lambda: made(snapshot([full(), segment(BASE + 4 * GIB, [block(300 * MIB, "inactive")])])),
    "healthy": lambda: made(snapshot([full()])),
    "undecided": lambda: made(snapshot([striped(CACHE)]), "--want", "100MiB"),
    "wanted": lambda: made(snapshot([striped(CACHE)]), "--want", "100MiB", "--memory", "2GiB"),
    "several_failures": lambda: made(snapshot([striped(CACHE)], [
        entry("alloc", BASE, 30 * MIB, frames=CACHE), oom(100 * MIB, 20 * MIB, frames=MODEL),
        oom(2 * GIB, 20 * MIB, frames=CACHE), oom(64 * MIB, 20 * MIB, frames=MODEL)])),
    "two_devices": lambda: made(two_devices()),
    "hostile_names": lambda: made(snapshot([striped(EVIL)], [oom(100 * MIB, 20 * MIB, frames=EVIL)]), "--stacks"),
}


def columns(line: str) -> int:
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
               for one in line)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_reads_as_kept(name: str, width: int) -> None:
    arguments, document = SITUATIONS[name]()
    stdin = pickle.dumps(document, 4) if document else None
    done = run(["explain", "--width", width, *arguments], stdin=stdin, cwd=ROOT)
    assert (done.code, done.message) == (0, "")
    for line in done.text.splitlines():
        assert columns(line) <= width or line.startswith("Next: "), line
        assert line.isprintable() and line == line.rstrip()
    kept = GOLDEN / "situations" / f"{name}.{width}.txt"
    if os.environ.get("UNFRAG_UPDATE_GOLDEN") == "1":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(done.text)
    assert done.text == kept.read_text(), "if this is better, run again with UNFRAG_UPDATE_GOLDEN=1"
