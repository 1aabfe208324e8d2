"""What is said about recordings of real programs, against PyTorch's own figures and an independent model.

Recordings are read from ../shared/corpus beside the project; the tests are skipped where it is absent.
"""

from __future__ import annotations

import functools
import json
import random
from pathlib import Path

import pytest

from support import CORPUS, CURVES, Document, explain_json, load, named, only, recordings

SNAPSHOTS = recordings("snapshots")
PYTORCH = recordings("pytorch")
COMPLETE = {"federated_windows_from_start"}

# Warnings a recording may give, by the file's name. So far none does.
WARNINGS: dict[str, list[str]] = {}

PAIRED = {"allocated_bytes": "allocated_size", "active_bytes": "active_size", "requested_bytes": "requested_size",
          "reserved_bytes": "total_size"}

# A recording of 12 MB takes a while to unpickle: each is read once for all tests of one file in turn.
cached_load = functools.lru_cache(maxsize=2)(load)


@functools.cache
def truth() -> dict[str, Document]:
    lines = (CORPUS / "pytorch" / "truth.jsonl").read_text().splitlines()
    return {one["file"]: one for one in map(json.loads, lines)}


def sections(path: Path) -> tuple[list[Document], list[Document]]:
    """Segments, and trace entries of the one device with any."""
    document = cached_load(path)
    if isinstance(document, list):
        return document, []
    traces = [trace for trace in document["device_traces"] if trace]
    assert len(traces) <= 1
    return document["segments"], traces[0] if traces else []


@pytest.mark.parametrize("path", named(SNAPSHOTS + PYTORCH))
def test_a_recording_loads_and_now_is_what_its_segments_say(path: Path) -> None:
    segments, entries = sections(path)
    report = explain_json(path)
    device = only(report)
    assert report["source"]["warnings"] == WARNINGS.get(path.stem, [])
    assert not report["source"]["truncated"]
    assert report["source"]["bytes"] == path.stat().st_size
    assert report["source"]["events"] == len(entries)
    assert device["now"]["segments"] == len(segments)
    for ours, theirs in PAIRED.items():
        assert device["now"][ours] == sum(segment.get(theirs, 0) for segment in segments), ours


@pytest.mark.parametrize("path", named(SNAPSHOTS + PYTORCH))
def test_a_recording_is_complete_if_it_begins_with_the_process(path: Path) -> None:
    from_start = path in PYTORCH or path.stem in COMPLETE
    assert explain_json(path)["source"]["complete"] is from_start


@pytest.mark.parametrize("path", named(PYTORCH))
def test_peaks_are_those_that_pytorch_reported(path: Path) -> None:
    known = truth()[path.name]
    device = only(explain_json(path))
    peak, now = device["peak"], device["now"]
    assert peak["requested_bytes"] == known["peak_requested"]
    assert peak["reserved_bytes"] == known["peak_reserved"]
    assert now["allocated_bytes"] == known["end_allocated"]
    assert now["reserved_bytes"] == known["end_reserved"]
    if ".expandable." in path.name:
        assert not peak["allocated_is_lower_bound"]
    for ours, theirs in (("allocated_bytes", "peak_allocated"), ("active_bytes", "peak_active")):
        assert peak[ours] <= known[theirs]
        assert peak[ours] == known[theirs] or peak["allocated_is_lower_bound"]


@pytest.mark.parametrize("path", named(PYTORCH))
def test_failed_requests_are_found(path: Path) -> None:
    """PyTorch counts the requests that failed for good; a workload that catches one records the same entry."""
    _, entries = sections(path)
    failed = [(index, one["size"], one["device_free"]) for index, one in enumerate(entries) if one["action"] == "oom"]
    ooms = only(explain_json(path))["ooms"]
    assert [(one["event"], one["requested_bytes"], one["device_free_bytes"]) for one in ooms] == failed
    assert len(failed) == truth()[path.name]["num_ooms"]


# -- the independent model ---------------------------------------------------------------------------------------------

class Memory:
    """Segments and blocks as dictionaries, one trace entry at a time, forwards or backwards."""

    def __init__(self) -> None:
        self.reserved = 0
        self.live: dict[int, tuple[int, str]] = {}  # address -> (requested size, state)

    def end(self, segments: list[Document]) -> "Memory":
        for segment in segments:
            self.reserved += segment["total_size"]
            for block in segment["blocks"]:
                if block["state"] != "inactive":
                    self.live[block["address"]] = (block["requested_size"], block["state"])
        return self

    def apply(self, one: Document) -> None:
        action, size = one["action"], one["size"]
        if action in ("segment_alloc", "segment_map"):
            self.reserved += size
        elif action in ("segment_free", "segment_unmap"):
            self.reserved -= size
        elif action == "alloc":
            assert one["addr"] not in self.live
            self.live[one["addr"]] = (size, "active_allocated")
        elif action == "free_requested":
            self.live[one["addr"]] = (size, "active_pending_free")
        elif action == "free_completed":
            del self.live[one["addr"]]

    def undo(self, one: Document) -> None:
        action, size = one["action"], one["size"]
        if action in ("segment_alloc", "segment_map"):
            self.reserved -= size
        elif action in ("segment_free", "segment_unmap"):
            self.reserved += size
        elif action == "alloc":
            del self.live[one["addr"]]
        elif action == "free_requested":
            self.live[one["addr"]] = (size, "active_allocated")
        elif action == "free_completed":
            assert one["addr"] not in self.live
            self.live[one["addr"]] = (size, "active_pending_free")

    def sizes(self, state: str = "active_allocated") -> list[int]:
        return [size for size, found in self.live.values() if found == state]


def after(path: Path, event: int, backwards: bool) -> Memory:
    segments, entries = sections(path)
    memory = Memory()
    if backwards:
        memory.end(segments)
        for one in reversed(entries[event + 1:]):
            memory.undo(one)
    else:
        for one in entries[:event + 1]:
            memory.apply(one)
    return memory


def rounded(size: int) -> int:
    return max(512, -(-size // 512) * 512)


def compare(memory: Memory, device: Document, plain_rounding: bool, expandable: bool) -> None:
    at = device["at"]
    sizes = memory.sizes()
    assert at["reserved_bytes"] == memory.reserved
    assert at["requested_bytes"] == sum(sizes) + sum(memory.sizes("active_pending_free"))
    assert sum(holder["at_blocks"] for holder in device["holders"]) == len(sizes)
    allocated = at["requested_bytes"] + at["rounding_bytes"] - at["pending_bytes"]
    least = sum(map(rounded, sizes))
    large = sum(size > 1 << 20 for size in sizes)
    assert allocated >= least
    if plain_rounding:  # a large block of a plain segment may keep up to 1 MiB: a replay knows how much
        assert allocated <= least + large * (1 << 20)
        keeps_slack = device["replays_exactly"] and not expandable
        if not device["peak"]["allocated_is_lower_bound"] and not keeps_slack:
            assert allocated == least
            assert at["pending_bytes"] == sum(map(rounded, memory.sizes("active_pending_free")))


def moments(entries: list[Document], seed: str) -> list[int]:
    chosen = random.Random(seed).sample(range(len(entries)), 5)
    return sorted({0, len(entries) // 2, len(entries) - 1, *chosen})


MODELLED = [CORPUS / f"{name}.pickle" for name in (
    "pytorch/split_oom.default.torch2.9.1", "pytorch/split_oom.expandable.torch2.15.0",
    "pytorch/streams.default.torch2.9.1", "pytorch/streams.expandable.torch2.9.1",
    "pytorch/streams.round4.torch2.9.1", "pytorch/pools.default.torch2.15.0",
    "pytorch/pools.expandable.torch2.9.1", "pytorch/cap_oom.default.torch2.9.1",
    "pytorch/varlen.expandable.torch2.9.1", "snapshots/gpt_forward_bf16_128",
    "snapshots/gpt2medium_infer_ctx512_fp32", "snapshots/federated_windows_from_start") if CORPUS.is_dir()]


@pytest.mark.parametrize("path", named(MODELLED))
def test_any_moment_is_what_an_independent_model_makes_of_it(path: Path) -> None:
    _, entries = sections(path)
    complete = path in PYTORCH or path.stem in COMPLETE
    for event in moments(entries, path.stem):
        device = only(explain_json(path, "--at", event, "--group", "segment"))
        assert (device["at"]["moment"], device["at"]["event"]) == ("event", event)
        for backwards in {True, not complete}:
            compare(after(path, event, backwards), device, ".round" not in path.name, ".expandable." in path.name)


@pytest.mark.parametrize("path", named([path for path in MODELLED if ".expandable." not in path.name]))
def test_the_holding_segments_are_those_of_the_model(path: Path) -> None:
    """Of plain segments: pages of expandable ones merge into runs."""
    segments, entries = sections(path)
    event = len(entries) // 2
    memory = after(path, event, backwards=True)
    places: dict[int, int] = {segment["address"]: segment["total_size"] for segment in segments}
    for one in reversed(entries[event + 1:]):
        if one["action"] == "segment_alloc":
            del places[one["addr"]]
        elif one["action"] == "segment_free":
            places[one["addr"]] = one["size"]
    expected: dict[str, int] = {}
    for address, (_, state) in memory.live.items():
        if state == "active_allocated":
            [home] = [start for start, size in places.items() if start <= address < start + size]
            expected[hex(home)] = expected.get(hex(home), 0) + 1
    device = only(explain_json(path, "--at", event, "--group", "segment"))
    found = {holder["segment"]: holder["at_blocks"] for holder in device["holders"] if holder["at_blocks"]}
    assert found == expected


@pytest.mark.parametrize("path", named(SNAPSHOTS + PYTORCH))
def test_the_moment_of_a_peak_has_the_bytes_of_the_peak(path: Path) -> None:
    """--at the entry that a peak names gives the peak's own figure."""
    peak = only(explain_json(path))["peak"]

    def at(name: str) -> Document:
        return only(explain_json(path, "--at", peak[name]))["at"] if peak[name] is not None else {}

    if moment := at("reserved_event"):
        assert moment["reserved_bytes"] == peak["reserved_bytes"]
    if moment := at("allocated_event"):
        held = moment["requested_bytes"] + moment["rounding_bytes"] - moment["pending_bytes"]
        assert held == peak["allocated_bytes"]
    if moment := at("active_event"):
        assert moment["reserved_bytes"] - moment["free_in_segments_bytes"] - moment["free_segments_bytes"] == \
            peak["active_bytes"]


@pytest.mark.parametrize("path", named([path for path in PYTORCH if path.stat().st_size < 3_000_000]))
def test_curves_are_those_of_the_model(path: Path) -> None:
    """Every point of the timeline is the highest value of its stretch."""
    _, entries = sections(path)
    timeline = only(explain_json(path))["timeline"]
    memory = Memory()
    requested = done = 0
    requests: dict[int, int] = {}
    for last, reserved, wanted in zip(timeline["event"], timeline["reserved_bytes"], timeline["requested_bytes"]):
        highest = most_requested = 0
        for one in entries[done:last + 1]:
            memory.apply(one)
            if one["action"] == "alloc":
                requests[one["addr"]] = one["size"]
                requested += one["size"]
            elif one["action"] == "free_completed":
                requested -= requests.pop(one["addr"])
            highest = max(highest, memory.reserved)
            most_requested = max(most_requested, requested)
        assert (reserved, wanted) == (highest, most_requested)
        done = last + 1
    assert done == len(entries)


def test_every_recording_has_its_known_figures() -> None:
    if not PYTORCH:
        pytest.skip(f"no recordings at {CORPUS}")
    assert {path.name for path in PYTORCH} == set(truth())
    assert len(PYTORCH) == 29
    assert all(name in PAIRED for name in CURVES)


def test_a_private_pool_is_known_at_every_moment_at_which_its_segments_last_to_the_end() -> None:
    path = CORPUS / "pytorch" / "pools.default.torch2.9.1.pickle"
    if not path.exists():
        pytest.skip("no recordings in ../shared/corpus")
    end = only(explain_json(path, "--at", "end"))
    last = only(explain_json(path, "--at", end["events"] - 1))
    assert last["at"]["pools"] == end["at"]["pools"]
    assert last["fragmentation"] == end["fragmentation"]
