"""The pickle of a replay: PyTorch's own dictionary, so that memory_viz and all that reads snapshots opens it.

A recording that replays exactly must come back as it was, value by value. Files are read with a loader that looks no
name up (support.load): the recordings because they come from strangers, ours to prove that they name nothing.
"""

from __future__ import annotations

import json
import pickletools
from pathlib import Path
from typing import Any

import pytest

from support import CORPUS, EXAMPLES, Document, explain_json, load, named, recordings, run
from torches import newest_torch, run_on_torch

PYTORCH = recordings("pytorch")

# What torch/utils/viz/MemoryViz.js can read: its unpickler knows no other opcodes.
VIEWER_OPCODES = {
    "PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "NONE", "NEWTRUE",
    "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "EMPTY_LIST",
    "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
VIEWER_PROTOCOLS = range(2, 5)
BATCH = 1000  # items a turn; the viewer passes each turn's to one call, which has a limit

CONFS = ["default", "expandable_segments:True", "max_split_size_mb:64", "roundup_power2_divisions:4"]


@pytest.fixture(autouse=True)
def needs_replay() -> None:
    done = run(["replay", "--help"])
    if done.code != 0 or "-o" not in done.text:
        pytest.skip("this build has no `unfrag replay -o`")


def truth() -> dict[str, Document]:
    path = CORPUS / "pytorch" / "truth.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {one["file"]: one for one in map(json.loads, lines)}


TRUTH = truth()


def card(path: Path) -> list[Any]:
    """The device that a recording was made on; 500 MiB of it were the context's."""
    known = TRUTH.get(path.name)
    if known is None:
        return []
    fraction = [] if known["fraction"] is None else ["--fraction", known["fraction"]]
    return ["--memory", known["total_memory"], "--context", "500MiB", *fraction]


def replay(path: Path, out: Path, *options: Any) -> Document:
    """Replays into `out` and returns the figures."""
    done = run(["replay", path, *options, "--format", "json", "-o", out])
    assert done.code == 0, done.message
    return json.loads(done.text)


def without_leftovers(document: Document) -> Document:
    """The requested size of a free block is left over from an earlier one and means nothing."""
    for segment in document["segments"]:
        for block in segment["blocks"]:
            if block["state"] == "inactive":
                del block["requested_size"]
    return document


def differences(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Where two documents differ, types and the order of keys included, the first few."""
    if type(ours) is not type(theirs):
        return [f"{place}: {type(ours).__name__}, not {type(theirs).__name__}"]
    if isinstance(ours, dict):
        if set(ours) != set(theirs):
            return [f"{place}: {list(ours)}, not {list(theirs)}"]
        return [one for key in ours for one in differences(ours[key], theirs[key], f"{place}.{key}")][:5]
    if isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{place}: {len(ours)} items, not {len(theirs)}"]
        if ours == theirs:
            return []
        return [one for i, pair in enumerate(zip(ours, theirs)) for one in differences(*pair, f"{place}[{i}]")][:5]
    return [] if ours == theirs else [f"{place}: {ours!r}, not {theirs!r}"]


@pytest.mark.parametrize("path", named(PYTORCH + [CORPUS / "snapshots" / "federated_windows_from_start.pickle"]
                                       if PYTORCH else []))
def test_an_exact_replay_is_written_as_the_recording_it_came_from(path: Path, tmp_path: Path) -> None:
    assert replay(path, tmp_path / "out.pickle", *card(path))["exact"] is True
    ours = without_leftovers(load(tmp_path / "out.pickle"))
    theirs = without_leftovers(load(path))
    assert differences(ours, theirs) == []
    assert list(ours) == list(theirs)
    for mine, original in zip(ours["device_traces"], theirs["device_traces"]):
        assert [list(one) for one in mine] == [list(one) for one in original]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_comes_back(path: Path, tmp_path: Path) -> None:
    assert replay(path, tmp_path / "out.pickle")["exact"] is True
    assert differences(without_leftovers(load(tmp_path / "out.pickle")), without_leftovers(load(path))) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_equal_stacks_are_one_list(path: Path, tmp_path: Path) -> None:
    replay(path, tmp_path / "out.pickle")
    document = load(tmp_path / "out.pickle")
    lists = {id(one["frames"]): one["frames"] for trace in document["device_traces"] for one in trace
             if "frames" in one}
    lists |= {id(block["frames"]): block["frames"] for segment in document["segments"] for block in segment["blocks"]}
    distinct = {json.dumps(frames) for frames in lists.values()}
    assert len(lists) == len(distinct) > 1
    frames = {id(frame): frame for frames in lists.values() for frame in frames}
    assert len(frames) == len({json.dumps(frame) for frame in frames.values()})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_viewer_knows_every_opcode(path: Path, tmp_path: Path) -> None:
    replay(path, tmp_path / "out.pickle")
    data = (tmp_path / "out.pickle").read_bytes()
    opcodes = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]
    assert {name for name, _ in opcodes} <= VIEWER_OPCODES
    assert opcodes[0][0] == "PROTO" and opcodes[0][1] in VIEWER_PROTOCOLS
    assert opcodes[-1][0] == "STOP"
    entries = max(map(len, load(data)["device_traces"]))
    assert largest_batch([name for name, _ in opcodes]) == min(entries, BATCH)


def largest_batch(names: list[str]) -> int:
    """The most items that one APPENDS adds."""
    most = 0
    marks: list[int] = []
    depth = 0  # of the reader's stack
    for name in names:
        if name == "MARK":
            marks.append(depth)
        elif name == "APPENDS":
            most = max(most, depth - marks[-1])
            depth = marks.pop()
        elif name == "SETITEMS":
            depth = marks.pop()
        elif name == "TUPLE2":
            depth -= 1
        elif name not in ("PROTO", "FRAME", "STOP", "MEMOIZE"):
            depth += 1
    return most


@pytest.mark.parametrize("conf", CONFS)
@pytest.mark.parametrize("path", named([path for path in PYTORCH if path.stat().st_size < 3_000_000]))
def test_a_replay_under_other_settings_is_a_recording_that_replays_exactly(path: Path, conf: str,
                                                                           tmp_path: Path) -> None:
    out = tmp_path / "out.pickle"
    figures = replay(path, out, *card(path), "--conf", conf)
    assert load(out)["allocator_settings"]["PYTORCH_CUDA_ALLOC_CONF"] == ("" if conf == "default" else conf)
    again = replay(out, tmp_path / "again.pickle", *card(path))
    assert again["exact"] is True
    for name in ("peak_reserved_bytes", "peak_allocated_bytes", "num_ooms", "num_alloc_retries", "num_device_alloc"):
        assert again[name] == figures[name], name
    assert (tmp_path / "again.pickle").read_bytes() == out.read_bytes()
    report = explain_json(out)
    assert report["source"]["warnings"] == []
    assert report["source"]["complete"]


@newest_torch
@pytest.mark.parametrize("command", ["stats", "trace", "trace_plot", "segment_plot"])
def test_memory_viz_opens_it(python: str, command: str, tmp_path: Path) -> None:
    """PyTorch's own tool, which imports all of PyTorch."""
    replay(EXAMPLES[0], tmp_path / "out.pickle")
    output = ["-o", str(tmp_path / "page.html")] if command.endswith("plot") else []
    arguments = [command, str(tmp_path / "out.pickle"), *output]
    done = run_on_torch(python, "-m", "torch.cuda._memory_viz", *arguments)
    assert done.returncode == 0, done.stderr
    if command == "stats":
        reserved = sum(segment["total_size"] for segment in load(tmp_path / "out.pickle")["segments"])
        assert f"total_reserved: {reserved / (1 << 30):.1f}GiB" in done.stdout
    elif command == "trace":
        assert "Device 0" in done.stdout
    else:
        entries = sum(map(len, load(tmp_path / "out.pickle")["device_traces"]))
        assert explain_json(tmp_path / "page.html")["source"]["events"] == entries  # the page holds the pickle
