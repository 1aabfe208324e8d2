"""What `kinds` says against the truth: of generated recordings, whose generator knows it, and of recorded programs,
whose sums are known from their source.

Only sums can be compared, so the right bytes of a kind are the fewer of those said and those true. The rules are in
docs/guide/kinds.md; what one rule does is for the unit tests.
"""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support import CORPUS, MEMORY_KINDS, MIB, Document, explain_json, load, needs_corpus, only

import gen_snapshot  # noqa: E402  (support makes it importable)

Sums = Counter[str]


def sums(device: Document, moment: str) -> Sums:
    return Counter({use["kind"]: use[f"{moment}_bytes"] for use in device["kinds"]})


# -- generated recordings ----------------------------------------------------------------------------------------------

SETTINGS = [
    ("fragmentation_oom", ()),
    ("capacity_oom", ()),
    ("leak", ("--events", "3000")),
    ("train", ("--events", "6000")),
    ("train", ("--events", "6000", "--stacks", "shared", "--torch", "2.15.0")),
    ("train", ("--events", "4000", "--stacks", "cpp")),
    ("train", ("--events", "4000", "--conf", "expandable_segments:True", "--seed", "3")),
    ("train", ("--events", "9000", "--ring", "5000")),
    ("leak", ("--events", "3000", "--ring", "1200")),
]


def generate(folder: Path, scenario: str, options: tuple[str, ...]) -> tuple[Path, list[Any]]:
    file, truth = folder / "a.pickle", folder / "truth.json"
    assert gen_snapshot.main([scenario, "-o", str(file), "--truth", str(truth), *options]) == 0
    return file, json.loads(truth.read_text())["devices"][0]


def truth_at(lives: list[Any], entry: int) -> Sums:
    """Bytes of each kind that are allocated after a trace entry."""
    total: Sums = Counter()
    for allocated, freed, size, kind in lives:
        if allocated <= entry and (freed is None or freed > entry):
            total[kind] += size
    return total


class Score:
    """Bytes over several moments."""

    def __init__(self) -> None:
        self.all = self.named = self.right = 0

    def add(self, said: Sums, true: Sums) -> None:
        self.all += sum(said.values())
        for kind in MEMORY_KINDS[:-1]:
            self.named += said[kind]
            self.right += min(said[kind], true[kind])

    @property
    def precision(self) -> float:
        return self.right / self.named if self.named else 1.0

    @property
    def unknown(self) -> float:
        return 1 - self.named / self.all


def measure(file: Path, lives: list[Any], moments: int = 12) -> Score:
    score = Score()
    events = only(explain_json(file))["events"]
    for number in range(1, moments + 1):
        entry = (events - 1) * number // moments
        score.add(sums(only(explain_json(file, "--at", entry)), "at"), truth_at(lives, entry))
    peak = only(explain_json(file, "--at", "peak"))
    score.add(sums(peak, "peak"), truth_at(lives, peak["at"]["event"]))
    return score


@pytest.mark.parametrize(("scenario", "options"), SETTINGS, ids=lambda value: "_".join(value) or "plain"
                         if isinstance(value, tuple) else value)
def test_what_is_called_a_kind_is_that_kind(tmp_path: Path, scenario: str, options: tuple[str, ...]) -> None:
    score = measure(*generate(tmp_path, scenario, options))
    assert score.precision >= 0.98
    assert score.unknown <= 0.05


def test_without_stacks_nothing_is_called_what_it_is_not(tmp_path: Path) -> None:
    score = measure(*generate(tmp_path, "train", ("--events", "4000", "--stacks", "none")))
    assert score.precision >= 0.95


def test_segments_alone_tell_what_their_stacks_tell(tmp_path: Path) -> None:
    file, lives = generate(tmp_path, "capacity_oom", ("--format", "segments"))
    said = sums(only(explain_json(file)), "now")
    true = truth_at(lives, max(life[0] for life in lives))
    assert said["parameters"] == true["parameters"]
    assert said["optimizer_state"] == true["optimizer_state"]


# -- programs whose sums are known -------------------------------------------------------------------------------------

def parameter_sizes(width: int, layers: int, words: int) -> list[int]:
    """Of the language model in workload.py: elements of each parameter."""
    linear = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    block = [size for inner, outer in linear for size in (inner * outer, outer)] + [width] * 4
    return [words * width, words * width, words] + block * layers


def near(said: int, true: int) -> bool:
    """Large blocks may have up to 1 MiB that was not split off."""
    return true <= said <= true * 1.06


@needs_corpus
@pytest.mark.parametrize(("name", "width", "layers"), [("varlen.default.torch2.9.1", 256, 4),
                                                       ("varlen.default.torch2.15.0", 256, 4),
                                                       ("varlen.expandable.torch2.15.0", 256, 4),
                                                       ("cap_oom.default.torch2.9.1", 1024, 8)])
def test_a_recorded_training_has_the_sums_of_its_program(name: str, width: int, layers: int) -> None:
    file = CORPUS / "pytorch" / f"{name}.pickle"
    weights = sum((4 * size + 511) // 512 * 512 for size in parameter_sizes(width, layers, 8000))
    trace = load(file)["device_traces"][0]
    last_state = max(entry for entry, event in enumerate(trace) if event["action"] == "alloc"
                     and any(frame["name"] == "_init_group" for frame in event.get("frames", ())))
    said = sums(only(explain_json(file, "--at", last_state)), "at")
    assert near(said["parameters"], weights)
    assert near(said["gradients"], weights)
    assert near(said["optimizer_state"], 2 * weights)
    assert said["unknown"] == 0


@needs_corpus
@pytest.mark.parametrize("name", ["gpt2medium_train_ctx128_fp32", "gpt2medium_train_ctx512_fp32", "gpt_train_xl",
                                  "gpt_forward_mixed"])
def test_recordings_that_begin_late_find_weights_and_state_by_their_sizes(name: str) -> None:
    device = only(explain_json(CORPUS / "snapshots" / f"{name}.pickle"))
    said = sums(device, "now")
    assert said["parameters"] == pytest.approx(said["gradients"], rel=0.01)
    assert said["optimizer_state"] == pytest.approx(2 * said["parameters"], rel=0.01)
    assert said["unknown"] <= 0.001 * device["now"]["allocated_bytes"]


@needs_corpus
def test_weights_that_nothing_tells_stay_unknown() -> None:
    said = sums(only(explain_json(CORPUS / "snapshots" / "opt13b_oom_segments_only.pickle")), "now")
    assert {kind for kind, size in said.items() if size} == {"unknown"}


# -- holders -----------------------------------------------------------------------------------------------------------

def test_a_holder_has_the_kind_of_most_of_its_bytes(tmp_path: Path) -> None:
    file, _ = generate(tmp_path, "leak", ("--events", "3000"))
    holders = only(explain_json(file))["holders"]
    kinds = {(holder["line"], holder["function"]): holder["kind"] for holder in holders}
    assert kinds[(35, "train")] == "inputs"
    assert kinds[(29, "train")] == "parameters"
    assert kinds[(38, "train")] == "activations"


def test_millions_of_frames_are_each_looked_at_once() -> None:
    """A file of stacks that share nothing: its report has the same sums, and the test ends."""
    path = "/usr/lib/python3/dist-packages/torch/nn/functional.py"
    stacks = [[{"name": f"f{number}_{depth}", "filename": path, "line": depth} for depth in range(40)]
              for number in range(3000)]
    entries = [{"action": "alloc", "addr": 512 * number, "size": 512, "stream": 0, "frames": frames}
               for number, frames in enumerate(stacks)]
    report = explain_json(pickle.dumps({"segments": [], "device_traces": [
        [{"action": "segment_alloc", "addr": 0, "size": 2 * MIB, "stream": 0, "frames": []}, *entries]]}))
    assert sums(only(report), "now")["activations"] == 512 * 3000
