"""The Python stacks of a rehearsal, held against those that PyTorch records itself in the same process.

PyTorch takes the GIL and asks the interpreter; the null device reads the frames. Both must say the same of every entry.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from support import CORPUS, needs_corpus
from torches import every_torch, newest_torch, rehearse, rehearse_lines

MOST_FRAMES = 128
WORKLOADS = CORPUS / "pytorch" / "workload.py"
Line = tuple[str, str, int]
Entry = tuple[str, int, list[Line]]


class Plain(pickle.Unpickler):
    """Reads containers, text and numbers, and nothing that would run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} in a snapshot")


def entries(path: Path) -> list[Entry]:
    """Action, size and stack of each entry of the first device."""
    with path.open("rb") as file:
        trace = Plain(file).load()["device_traces"][0]
    return [(entry["action"], entry["size"],
             [(line["name"], line["filename"], line["line"]) for line in entry.get("frames", ())][:MOST_FRAMES])
            for entry in trace if entry["action"] != "snapshot"]


def check_same(recorded: Path, rehearsed: Path) -> list[Entry]:
    """The recording is a part, in a row, of the rehearsal, which sees the whole program."""
    want, got = entries(recorded), entries(rehearsed)
    begin = next(i for i in range(len(got)) if [e[:2] for e in got[i:i + len(want)]] == [e[:2] for e in want])
    wrong = [(mine, theirs) for mine, theirs in zip(got[begin:], want) if mine != theirs]
    assert not wrong, f"{len(wrong)} of {len(want)}: {wrong[0]}"
    return want


PROGRAM = """
import asyncio, contextlib, ctypes, functools, gc, random, sys, threading
import torch
torch.backends.cudnn.enabled = False
torch.cuda.memory._record_memory_history(context="all", stacks="python")

def make(n=1000):
    return torch.empty(n, device="cuda")

def deep(levels):
    return deep(levels - 1) if levels else make()

def generator():
    yield make()
    yield from (make(n) for n in (1, 2))

async def coroutine(levels):
    await asyncio.sleep(0)
    return await coroutine(levels - 1) if levels else make()

async def both():
    await asyncio.gather(coroutine(2), coroutine(3))

def decorate(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

@decorate
def decorated():
    return [make(n) for n in range(1, 3)], {n: (lambda: make(n))() for n in range(1, 3)}

class Cycle:
    def __init__(self):
        self.held, self.itself = make(), self

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, x):  # Python on a thread that autograd made
        return make(4), None

def executed():
    for i in range(20):
        exec(compile("\\n" * (i % 7) + "x = make(i)", "<text>", "exec"), dict(globals(), i=i + 1))
        exec(compile("x = make(7)", f"<text {i % 3}>", "exec"), dict(globals()))

def executed_far_below():
    for i in range(200):
        exec(compile("\\n" * (i % 7) + "deep(40)", "<text>", "exec"), dict(globals()))

def left(path):
    return path[0](path[1:]) if path else make(3)

def right(path):
    x = make(5)
    return (path[0](path[1:]) if path
            else make(4))

def like_the_one_before():
    choose, path = random.Random(5), []
    for _ in range(500):
        keep = choose.randrange(len(path) + 1)
        path = path[:keep] + choose.choices([left, right], k=choose.randrange(40 - keep))
        left(path)

def freed_later():
    side = torch.cuda.Stream()
    for _ in range(5):
        x = make(7)
        x.record_stream(side)
        del x
        make(8)

def training():
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.GELU(), torch.nn.Linear(256, 10)).cuda()
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(3):
        model(torch.randn(8, 64).cuda()).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

for _ in range(2):
    x = make()
    list(generator())
    decorated()
    executed()
    executed_far_below()
    like_the_one_before()
    freed_later()
    training()
    asyncio.run(both())
    sorted([1, 2], key=lambda n: make(n).numel())
    ctypes.CFUNCTYPE(ctypes.c_int)(lambda: make().numel())()
    Double.apply(make(4).requires_grad_()).sum().backward()
    Cycle()
    gc.collect()
    worker = threading.Thread(target=deep, args=(3,))
    worker.start(), worker.join()
    with contextlib.suppress(torch.OutOfMemoryError):
        make(1 << 40)
for levels in (10, 127, 300):
    deep(levels)
make(8 << 20)
torch.cuda.empty_cache()
torch.cuda.memory._dump_snapshot("recorded.pickle")
"""


@every_torch
def test_every_entry_has_the_stack_that_pytorch_records(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, PROGRAM, "--snapshot", tmp_path / "rehearsed.pickle")
    assert report["exact"]
    recorded = check_same(tmp_path / "recorded.pickle", tmp_path / "rehearsed.pickle")
    assert {"alloc", "free_requested", "free_completed", "segment_alloc", "segment_free", "oom"} <= {
        action for action, _, _ in recorded}
    names = {line[0] for _, _, stack in recorded for line in stack}
    assert {"generator", "coroutine", "wrapper", "<lambda>", "backward", "deep", "_bootstrap", "<module>"} <= names
    assert any(not stack for action, _, stack in recorded if action == "alloc")  # autograd's own thread


@needs_corpus
@newest_torch
@pytest.mark.parametrize("workload", ["streams", "pools", "varlen"])
def test_stacks_of_the_corpus_programs_are_those_they_record(python: str, workload: str, tmp_path: Path) -> None:
    snapshot = tmp_path / "rehearsed.pickle"
    rehearse(python, "--memory", "16GiB", "--snapshot", snapshot, WORKLOADS, workload, tmp_path / "out")
    assert len(check_same(tmp_path / "out.pickle", snapshot)) > 500
