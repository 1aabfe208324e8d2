"""What grows from iteration to iteration: planted leaks are named by line, and nothing else is.

The recordings are those of simulated programs (tools/snapshots/loops.py); their variety comes from seeds.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import random
from typing import Any

import pytest

from support import (EXAMPLES, TEST_ALL, Document, conservation, entry, explain_json, frame, named, only, recordings,
                     run, snapshot)

from snapshots import loops
from snapshots.document import build
from snapshots.loops import LEAKS, Plan
from snapshots.settings import GIB
from snapshots.simulate import Options, Scenario, simulate

EVERYTHING = 1000 if TEST_ALL else 200


def record(plan: Plan, seed: int = 0, stacks: str = "distinct", kept: float = 1.0) -> Document:
    """The report on a program. `kept`: the last part of the trace that a ring buffer left."""
    def snap(ring: int | None) -> Document:
        scenario = Scenario(lambda program: loops.run(program, plan), 80 * GIB, False)
        return build(simulate(Options("loop", seed=seed, stacks=stacks, ring=ring), scenario))

    whole = snap(None)
    if kept < 1:
        whole = snap(max(1, int(len(whole["device_traces"][0]) * kept)))
    return only(explain_json(whole))


def named_lines(device: Document) -> list[tuple[str, int]]:
    return [(suspect["file"], suspect["line"]) for suspect in device["growth"]]


# -- leaks -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("annotations", ("", "profiler", "optimizer", "both", "scope"))
@pytest.mark.parametrize("leak", [leak for leak in LEAKS if leak != "random"])
def test_a_leak_is_named_by_line(leak: str, annotations: str) -> None:
    validates = {"validate_every": 8} if leak == "validation" else {}
    for optimizer in ("adam", "sgd", "momentum"):
        plan = Plan(leak=leak, annotations=annotations, optimizer=optimizer, leak_every=4, set_to_none=False,
                    **validates)
        device = record(plan)
        assert named_lines(device) == [LEAKS[leak]], plan
        assert device["growth"][0]["confidence"] > 0.95


def test_a_list_that_keeps_losses_grows_by_512_bytes_a_step() -> None:
    device = record(Plan(leak="losses", annotations="profiler"))
    [suspect] = device["growth"]
    assert device["iterations"] == {"source": "annotations", "name": "ProfilerStep", "count": 50}
    assert suspect["bytes_per_iteration"] == 512
    assert suspect["iterations"] == 49
    assert suspect["last_blocks"] - suspect["first_blocks"] == 48
    assert suspect["rise_bytes"] == suspect["last_bytes"] - suspect["first_bytes"] == 48 * 512
    assert suspect["origin"] == "user"
    assert suspect["stack"][0]["function"] == "cross_entropy"


@pytest.mark.parametrize("kind", ("gan", "lbfgs", "infer", "generate"))
@pytest.mark.parametrize("leak", ("losses", "cat", "dict", "seldom"))
def test_a_leak_is_named_in_other_programs(kind: str, leak: str) -> None:
    for annotations in ("", "profiler", "optimizer", "scope"):
        assert named_lines(record(Plan(kind=kind, leak=leak, annotations=annotations, leak_every=5))) == [LEAKS[leak]]


def leaking(seed: int) -> tuple[Plan, str, float]:
    chosen = random.Random(seed)
    leak = chosen.choice([leak for leak in LEAKS if leak != "random"])
    kinds = ["train"] if leak == "validation" else ["train", "gan", "lbfgs", "infer"]
    plan, stacks, kept = without_leak(seed)
    lengths = "fixed" if leak == "cat" and plan.lengths == "curriculum" else plan.lengths  # there everything grows
    plan = dataclasses.replace(plan, kind=chosen.choice(kinds), leak=leak, steps=50, layers=chosen.choice((1, 3, 6)),
                               lengths=lengths, leak_every=chosen.choice((2, 3, 5)), buffer=min(plan.buffer, 8),
                               epoch=min(plan.epoch, 10), validate_every=6 if leak == "validation" else 0)
    return plan, "distinct" if stacks == "none" else stacks, max(kept, 0.6) if leak != "validation" else 1.0


@pytest.mark.parametrize("first", range(0, EVERYTHING // 2, 10))
def test_a_leak_is_named_whatever_else_the_program_does(first: int) -> None:
    for seed in range(first, first + 10):
        plan, stacks, kept = leaking(seed)
        assert named_lines(record(plan, seed, stacks, kept)) == [LEAKS[plan.leak]], (plan, stacks, kept)


# -- no leaks ----------------------------------------------------------------------------------------------------------

def without_leak(seed: int) -> tuple[Plan, str, float]:
    """A program that does not leak, and whose recording shows it: buffers are full and lists cleared before it ends."""
    chosen = random.Random(seed)
    choice: Any = chosen.choice
    kept = choice((1.0, 1.0, 1.0, 0.8, 0.5, 0.3))
    stacks = choice(("distinct", "distinct", "distinct", "cpp", "none"))
    kind = choice(("train",) * 8 + ("gan", "lbfgs", "infer", "generate", "generate", "layers", "functional", "fill"))
    steps = choice((7, 8, 12, 20, 30, 50, 50, 50, 50))
    if kind == "lbfgs" and stacks == "none":
        steps, kept = 50, 1.0  # until its history is full, and no name tells that it is one
    seen = steps * kept
    plan = Plan(
        kind=kind, steps=steps, layers=24 if kind == "layers" else choice((1, 2, 4, 8)),
        optimizer=choice(("adam", "sgd", "momentum")),
        annotations=choice(("", "", "profiler", "optimizer", "both", "scope")),
        set_to_none=choice((True, False)), lengths=choice(("fixed", "random", "resized", "curriculum")),
        accumulate=choice((1, 1, 1, 2, 4)), validate_every=choice((0, 0, 1, 5, 10)),
        epoch=choice([steps for steps in (0, 0, 3, 5, 10, 17) if steps <= seen / 2]), ema=choice((True, False)),
        buffer=choice([size for size in (0, 0, 3, 8, 20) if size <= 0.6 * seen]),
        replaces=choice(("oldest", "random", "nothing")), list_at_setup=choice((0, 0, 20, 100)),
        out_of_memory=choice((False, False, False, True)))
    return plan, stacks, kept


@pytest.mark.parametrize("first", range(0, EVERYTHING, 10))
def test_what_does_not_leak_does_not_grow(first: int) -> None:
    for seed in range(first, first + 10):
        plan, stacks, kept = without_leak(seed)
        assert record(plan, seed, stacks, kept)["growth"] == [], (seed, plan, stacks, kept)


@pytest.mark.parametrize("stacks", ("distinct", "cpp", "none"))
@pytest.mark.parametrize("kind", ("layers", "functional", "fill"))
def test_what_allocates_many_times_in_one_pass_does_not_iterate(kind: str, stacks: str) -> None:
    device = record(Plan(kind=kind, layers=48, list_at_setup=200), stacks=stacks)
    assert device["iterations"] == {"source": "none", "name": None, "count": 0}
    assert device["growth"] == []


# -- the moment, the text, hostile files -------------------------------------------------------------------------------

def test_growth_ends_with_the_last_failed_request() -> None:
    leak = Plan(leak="losses", annotations="profiler", out_of_memory=True)
    device = record(leak)
    assert device["ooms"]
    assert named_lines(device) == [LEAKS["losses"]]
    assert device["iterations"]["count"] == 49  # the last is not complete


def test_the_text_says_what_grows() -> None:
    [leak] = [path for path in EXAMPLES if path.stem == "leak"]
    text = run(["explain", "--width", "200", leak]).text
    assert "What grows, at the quietest point of 30 iterations (ProfilerStep)\n" in text
    assert "train.py:38 train: 43.50 MiB more, 1.50 MiB an iteration, in 31 blocks instead of 2; 99.9 % sure\n" in text
    assert "What grows" not in run(["explain", "-q", leak]).text


@pytest.mark.parametrize("path", named(recordings("pytorch") + recordings("snapshots")))
def test_recordings_without_a_leak_show_no_growth(path: Any) -> None:
    for device in explain_json(path)["devices"]:
        assert device["growth"] == []


def test_a_million_scopes_and_stacks_cost_little() -> None:
    """Every annotation, line and size is another one, and one block in two stays."""
    count = 100_000
    trace = [one for i in range(count) for one in (
        entry("alloc", (1 << 40) + 1024 * i, 1 + i % 5000, time_us=3 * i, frames=[frame("f", line=i)]),
        entry("free_requested", (1 << 40) + 1024 * i, 1 + i % 5000, time_us=3 * i + 1))[:1 + i % 2]]
    notes = [{"name": f"{'step' if i % 2 else 's' + str(i)}#{i}", "stage": "START", "device": 0, "time_us": 3 * i}
             for i in range(count)]
    found = pickle.dumps(snapshot([], trace, external_annotations=notes), 4)
    done = run(["explain", "--format", "json", "-"], stdin=found)
    assert done.code == 0
    conservation(json.loads(done.text))


@pytest.mark.parametrize("name", ("\x1b[2J", "ProfilerStep#\n", "\u202estep"))
def test_names_of_scopes_are_escaped(name: str) -> None:
    trace, notes = [], []
    for step in range(8):
        notes.append({"name": name, "stage": "START", "device": 0, "time_us": 100 * step})
        for line in range(6):
            at = (1 << 40) + 4096 * line
            frames = [frame("f", line=line)]
            trace += [entry("alloc", at, 512, time_us=100 * step + 2 * line + 1, frames=frames),
                      entry("free_requested", at, 512, time_us=100 * step + 2 * line + 2, frames=frames),
                      entry("free_completed", at, 512, time_us=100 * step + 2 * line + 2, frames=frames)]
        trace.append(entry("alloc", (1 << 41) + 512 * step, 512, time_us=100 * step + 50, frames=[frame("f", line=9)]))
    found = snapshot([], trace, external_annotations=notes)
    device = only(explain_json(found))
    assert [suspect["line"] for suspect in device["growth"]] == [9]
    assert device["iterations"]["source"] == "annotations"
    assert not any(character in device["iterations"]["name"] for character in "\x1b\n\u202e")
    assert "\x1b[2J" not in run(["explain", "-"], stdin=pickle.dumps(found, 4)).text
