"""The verdict of `unfrag explain` and what stands in the way, against recordings of real programs and other models."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import re
from pathlib import Path
from typing import Any, Iterator

import pytest

from support import (BASE, CORPUS, EXAMPLES, MIB, ROOT, Document, block, check_error, entry, explain_json, frame, load,
                     named, needs_corpus, only, oom, recordings, run, segment, snapshot)

PYTORCH = CORPUS / "pytorch"
SEGMENTS_ONLY = CORPUS / "snapshots" / "opt13b_oom_segments_only.pickle"
GIB = 1 << 30


def verdict(source: Any, *options: Any) -> Document:
    return only(explain_json(source, *options))["verdict"]


# -- recordings of real programs ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", named(recordings("pytorch")))
def test_real_failures_get_the_verdict_that_their_program_was_written_for(path: Path) -> None:
    device = only(explain_json(path))
    workload, setting = path.name.split(".")[:2]
    expected = {("split_oom", "default"): "fragmentation", ("cap_oom", "default"): "fragmentation",
                ("cap_oom", "expandable"): "capacity"}.get((workload, setting))
    if expected is None:
        assert device["ooms"] == []
        assert device["verdict"]["kind"] in ("cache", "fragmentation", "healthy")
        return
    assert device["verdict"]["kind"] == expected
    assert device["ooms"][-1]["verdict"] == device["verdict"]
    assert "ran out of memory" in device["verdict"]["headline"]


def live_at(trace: list[Document], event: int) -> tuple[dict[int, int], dict[int, int]]:
    """Segments and blocks after an entry of a complete trace: address to size, by replaying the record."""
    segments: dict[int, int] = {}
    blocks: dict[int, int] = {}
    for one in trace[:event + 1]:
        if one["action"] == "segment_alloc":
            segments[one["addr"]] = one["size"]
        elif one["action"] == "segment_free":
            del segments[one["addr"]]
        elif one["action"] == "alloc":
            blocks[one["addr"]] = -(-one["size"] // 512) * 512
        elif one["action"] == "free_completed":
            del blocks[one["addr"]]
    return segments, blocks


def largest_hole(segments: dict[int, int], blocks: dict[int, int]) -> int:
    largest = 0
    for start, size in segments.items():
        reached = start
        for address in sorted(one for one in blocks if start <= one < start + size):
            largest = max(largest, address - reached)
            reached = address + blocks[address]
        largest = max(largest, start + size - reached)
    return largest


@needs_corpus
@pytest.mark.parametrize("version", ["2.9.1", "2.15.0"])
def test_freeing_the_blockers_of_a_real_failure_opens_the_hole(version: str) -> None:
    path = PYTORCH / f"split_oom.default.torch{version}.pickle"
    device = only(explain_json(path))
    event, size = device["ooms"][-1]["event"], device["ooms"][-1]["requested_bytes"]
    trace = max(load(path)["device_traces"], key=len)
    segments, blocks = live_at(trace, event)
    assert size == 400 * MIB
    assert largest_hole(segments, blocks) < size
    assert device["blockers"]
    for blocker in device["blockers"]:
        freed = {int(one["address"], 16): one["bytes"] for one in blocker["blocks"]}
        assert freed.items() <= blocks.items()
        left = {address: blocks[address] for address in blocks if address not in freed}
        assert largest_hole(segments, left) >= blocker["hole_bytes"] >= size
        for one in blocker["blocks"]:
            assert Path(one["file"]).name.startswith("workload") and one["line"] == 69
    cheapest = device["blockers"][0]
    assert cheapest["release_bytes"] == 2 * 96 * MIB


@needs_corpus
def test_a_failure_with_much_in_holes_says_how_little_would_have_been_left() -> None:
    device = only(explain_json(PYTORCH / "cap_oom.default.torch2.9.1.pickle"))
    evidence = device["verdict"]["evidence"]
    truth = json.loads(next(line for line in (PYTORCH / "truth.jsonl").read_text().splitlines()
                            if "cap_oom.default" in line))
    assert evidence["reserved_bytes"] == truth["end_reserved"]
    assert evidence["active_bytes"] <= truth["peak_active"]
    spare = evidence["may_bytes"] - evidence["active_bytes"] - evidence["requested_bytes"]
    assert 0 < spare < 0.1 * evidence["may_bytes"]
    assert f"{spare / MIB:.2f} MiB would have been left over" in device["verdict"]["headline"]


@needs_corpus
def test_a_full_device_without_a_failed_request_is_not_called_out_of_memory() -> None:
    device = only(explain_json(SEGMENTS_ONLY))
    assert device["verdict"]["kind"] == "healthy"
    assert "out of memory" not in run(["explain", SEGMENTS_ONLY]).text


@needs_corpus
def test_a_request_that_cannot_fit_any_layout_is_a_matter_of_capacity() -> None:
    asked = verdict(SEGMENTS_ONLY, "--want", "1GiB", "--memory", "12GiB")
    assert (asked["kind"], asked["also"]) == ("capacity", [])
    assert asked["evidence"]["may_bytes"] == 12 * GIB
    assert asked["evidence"]["need_bytes"] == 11_840_159_744 + GIB
    assert asked["evidence"]["spare_bytes"] < 0
    assert verdict(SEGMENTS_ONLY, "--want", "1GiB")["kind"] == "undecided"
    assert verdict(SEGMENTS_ONLY, "--want", "1GiB", "--memory", "16GiB")["served_from"] == "driver"


# -- small states, judged by trying everything -------------------------------------------------------------------------

def random_segments(chance: random.Random) -> list[Document]:
    segments = []
    for number in range(chance.randint(1, 4)):
        blocks = []
        for _ in range(chance.randint(1, 7)):
            state = chance.choice(["active_allocated", "active_allocated", "inactive", "active_pending_free"])
            if blocks and state == "inactive" == blocks[-1]["state"]:
                state = "active_allocated"
            blocks.append(block(chance.randint(2, 9) * MIB, state))
        segments.append(segment(BASE + number * GIB, blocks, stream=chance.choice([0, 0, 0, 7]),
                                segment_type="large"))
    return segments


def subsets(items: list[Any]) -> Iterator[tuple[Any, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(len(items) + 1))


def cheapest_release(segments: list[Document], size: int) -> tuple[int, int] | None:
    """Least bytes, then fewest blocks, whose release opens a hole; pending blocks go by themselves."""
    best = None
    for one in segments:
        if one["stream"] != 0:
            continue
        live = [number for number, part in enumerate(one["blocks"]) if part["state"] == "active_allocated"]
        for freed in subsets(live):
            run_length = longest = 0
            for number, part in enumerate(one["blocks"]):
                run_length = run_length + part["size"] if number in freed or part["state"] != "active_allocated" else 0
                longest = max(longest, run_length)
            cost = (sum(one["blocks"][number]["size"] for number in freed), len(freed))
            if longest >= size and (best is None or cost < best):
                best = cost
    return best


def test_blockers_are_those_of_an_exhaustive_search() -> None:
    chance = random.Random(2026)
    found = 0
    for _ in range(150):
        segments = random_segments(chance)
        size = chance.randint(4, 30) * MIB
        document = snapshot(segments, [oom(size, device_free=0)])
        device = only(explain_json(document))
        usable = [part for one in segments if one["stream"] == 0 for part in one["blocks"]]
        if any(part["state"] == "inactive" and part["size"] >= size for part in usable):
            continue  # no request of that size would have failed
        best = cheapest_release(segments, size)
        assert bool(device["blockers"]) == (best is not None)
        if best is not None:
            found += 1
            first = device["blockers"][0]
            assert (first["release_bytes"], len(first["blocks"])) == best
    assert found > 50


# -- verdicts by construction ------------------------------------------------------------------------------------------

def full(size: int) -> Document:
    return segment(BASE, [block(size * MIB)])


def holes(count: int, size: int, **more: Any) -> Document:
    """Blocks of `size` MiB in use and free in turn."""
    return segment(BASE + GIB, [block(size * MIB, state) for _ in range(count)
                                for state in ("active_allocated", "inactive")], **more)


@pytest.mark.parametrize(("segments", "request_", "device_free", "options", "kind", "also"), [
    ([holes(10, 30)], 100, 20, (), "fragmentation", []),
    ([full(900)], 100, 20, (), "capacity", []),
    ([full(900)], 100, 4000, (), "limit", ["capacity"]),
    ([full(900)], 100, 20, ("--memory", "4GiB"), "outside", ["capacity"]),
    ([full(900)], 100, 20, ("--memory", "1500MiB"), "capacity", []),
    ([full(900), holes(1, 300, stream=7)], 200, 0, (), "stranded", ["fragmentation"]),
    ([full(900), holes(1, 300, segment_pool_id=(0, 1))], 200, 0, (), "stranded", ["fragmentation"]),
    ([full(400), holes(10, 20, stream=7)], 150, 0, (), "stranded", ["fragmentation"]),
])
def test_a_failure_has_the_kind_it_was_built_for(segments: list[Document], request_: int, device_free: int,
                                                 options: tuple[str, ...], kind: str, also: list[str]) -> None:
    document = snapshot(segments, [oom(request_ * MIB, device_free * MIB)])
    found = verdict(document, *options)
    assert (found["kind"], found["also"]) == (kind, also), found["headline"]


def test_every_failed_request_has_its_own_verdict() -> None:
    document = snapshot([holes(10, 30)], [oom(100 * MIB, 20 * MIB), oom(2000 * MIB, 20 * MIB)])
    device = only(explain_json(document))
    assert [one["verdict"]["kind"] for one in device["ooms"]] == ["fragmentation", "capacity"]
    assert device["verdict"] == device["ooms"][-1]["verdict"]
    text = run(["explain", "-"], stdin=pickle.dumps(document)).text
    assert "2 times, last" in text and "capacity" in text and "fragmentation" in text


def test_only_the_last_of_very_many_failures_are_judged() -> None:
    document = snapshot([holes(10, 30)], [oom(100 * MIB, 20 * MIB) for _ in range(1000)])
    kinds = [one["verdict"]["kind"] for one in only(explain_json(document))["ooms"]]
    assert kinds == ["undecided"] * 872 + ["fragmentation"] * 128


def test_a_failure_that_the_recording_does_not_explain_stays_undecided() -> None:
    found = verdict(snapshot([holes(2, 300)], [oom(100 * MIB, 20 * MIB)]))
    assert found["kind"] == "undecided"
    assert "300.00 MiB should have served" in found["headline"]
    assert found["advice"]


def test_what_is_kept_free_is_cache_or_fragmentation() -> None:
    cached = segment(BASE + 2 * GIB, [block(200 * MIB, "inactive")])
    assert verdict(snapshot([full(900), cached]))["kind"] == "cache"
    assert verdict(snapshot([holes(10, 30)]))["kind"] == "fragmentation"
    assert verdict(snapshot([full(900), holes(2, 20)]))["kind"] == "healthy"


def test_a_size_that_is_asked_about_is_judged_at_the_moment_of_the_report() -> None:
    frames = [frame("main")]
    document = snapshot([segment(BASE, [block(100 * MIB, "inactive")])],
                        [entry("segment_alloc", BASE, 100 * MIB, frames=frames),
                         entry("alloc", BASE, 100 * MIB, frames=frames),
                         entry("free_requested", BASE, 100 * MIB, frames=frames),
                         entry("free_completed", BASE, 100 * MIB, frames=frames)])
    options = ("--want", "60MiB", "--memory", "110MiB")
    assert verdict(document, *options)["served_from"] == "reserved memory"
    assert verdict(document, *options, "--at", "1")["kind"] == "capacity"
    assert verdict(document, *options, "--stream", "7", "--at", "1")["kind"] == "capacity"
    assert verdict(document, *options, "--stream", "7")["served_from"] == "driver after release"


@pytest.mark.parametrize("options", [("--want", "0"), ("--want", "much"), ("--want", "9999999TiB"),
                                     ("--context", "1GiB"), ("--fraction", "0.5"),
                                     ("--memory", "1GiB", "--context", "2GiB"),
                                     ("--memory", "1GiB", "--fraction", "1.5")])
def test_a_question_that_makes_no_sense_is_refused(options: tuple[str, ...]) -> None:
    assert run(["explain", *options, EXAMPLES[0]]).code == 2


def test_the_variable_to_set_is_the_one_that_the_release_reads() -> None:
    old = [oom(100 * MIB, 20 * MIB)]
    new = [oom(100 * MIB, 20 * MIB, pool_id=(0, 0))]
    assert "PYTORCH_CUDA_ALLOC_CONF=" in verdict(snapshot([holes(10, 30)], old))["advice"]
    assert " PYTORCH_ALLOC_CONF=" in verdict(snapshot([holes(10, 30)], new))["advice"]


# -- text and JSON -----------------------------------------------------------------------------------------------------

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def numbers(value: Any) -> Iterator[int]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)


def shown(size: int) -> str:
    """As the report writes sizes: two decimals, to the nearest."""
    unit = next(name for name in reversed(UNITS) if size >= UNITS[name] or name == "B")
    if unit == "B":
        return f"{size} B"
    hundredths = (size * 200 // UNITS[unit] + 1) // 2
    if hundredths == 102400:
        return f"1.00 {list(UNITS)[list(UNITS).index(unit) + 1]}"
    return f"{hundredths // 100}.{hundredths % 100:02} {unit}"


@pytest.mark.parametrize("path", named(EXAMPLES + recordings("pytorch") + recordings("snapshots")))
def test_every_size_and_count_of_the_text_is_in_the_json(path: Path) -> None:
    options = ("--top", "6")
    text = re.sub(r"\s+", " ", run(["explain", *options, "--width", "200", path]).text)
    device = only(explain_json(path, *options))
    known = set(numbers(device))
    rest = [device.get("holders_omitted", {})]
    for found in device["holders"], rest, device["holders"] + rest:
        known |= {sum(one.get(field, 0) for one in found) for field in ("at_bytes", "peak_bytes", "at_blocks")}
    places: dict[Any, list[int]] = {}
    for one in [*device["blockers"][:1], device["segments_to_empty"] or {"blocks": []}]:
        for made in one["blocks"]:
            places.setdefault((id(one), made["file"], made["line"], made["function"]), []).append(made["bytes"])
        known.add(len(one["blocks"]))
    known |= {sum(sizes) for sizes in places.values()}
    whole = explain_json(path)
    known |= {whole["source"]["bytes"], only(whole)["at"]["pinned_segment_count"] - 3}
    sizes = {shown(number) for number in known}
    for match in re.findall(r"\b\d+ B\b|\d+\.\d\d [KMGT]iB\b", text):
        assert match in sizes, (match, text)
    for match in re.findall(r"(?<![\w.,:])\d{1,3}(?:,\d{3})+(?![\w.,])", text):
        assert int(match.replace(",", "")) in known, (match, text)


# -- what a review found -----------------------------------------------------------------------------------------------

EXPANDABLE = {"allocator_settings": {"expandable_segments": True}}


def tail(used: int, free: int) -> Document:
    return segment(BASE, [block(used * MIB), block(free * MIB, "inactive")], is_expandable=True)


def test_a_tail_that_goes_back_to_the_driver_counts_once() -> None:
    asked = verdict(snapshot([tail(20, 980)], **EXPANDABLE), "--want", "1200MiB", "--memory", "1000MiB")
    assert asked["kind"] == "capacity"


def test_a_fraction_is_tested_with_the_whole_segment_also_where_pages_are_mapped() -> None:
    document = snapshot([tail(990, 10)], [oom(30 * MIB, 3000 * MIB)], **EXPANDABLE)
    assert verdict(document, "--memory", "4096MiB", "--fraction", "0.25")["kind"] == "limit"


def test_room_for_the_rest_of_a_request_is_no_room_for_it() -> None:
    other = segment(BASE + 4 * GIB, [block(100 * MIB)], is_expandable=True)
    document = snapshot([tail(20, 1000), other], [oom(1200 * MIB, 300 * MIB)], **EXPANDABLE)
    assert verdict(document)["kind"] != "limit"


def test_without_what_the_driver_had_left_a_failure_stays_undecided() -> None:
    entry_without = {"action": "oom", "size": 150 * MIB, "stream": 0}
    device = only(explain_json(snapshot([holes(2, 100)], [entry_without])))
    assert device["verdict"]["kind"] == "undecided"
    assert device["ooms"][0]["device_free_bytes"] is None


def test_segments_that_are_free_already_need_not_be_emptied() -> None:
    segments = [segment(BASE + at * GIB, [block(100 * MIB, state)])
                for at, state in enumerate(["inactive", "active_allocated", "active_allocated"])]
    device = only(explain_json(snapshot(segments), "--want", "150MiB", "--memory", "300MiB"))
    assert device["segments_to_empty"]["release_bytes"] == 100 * MIB


def test_a_hole_that_only_the_split_limit_forbids_is_called_so() -> None:
    segments = [segment(BASE, [block(30 * MIB), block(20 * MIB, "inactive")]),
                segment(BASE + GIB, [block(MIB), block(199 * MIB, "inactive")])]
    found = verdict(snapshot(segments, [oom(40 * MIB)], allocator_settings={"max_split_size": 64 * MIB}))
    assert found["kind"] == "fragmentation"
    assert "max_split_size_mb" in found["headline"] and "max_split_size_mb" in found["advice"]


def test_what_it_may_have_is_known_from_the_first_failure() -> None:
    failures = [oom(500 * MIB, 300 * MIB), *(oom(500 * MIB, 0) for _ in range(200))]
    asked = verdict(snapshot([segment(BASE, [block(100 * MIB)])], failures), "--want", "250MiB")
    assert asked["served_from"] == "driver"


def test_a_huge_request_of_a_tiny_file_costs_little() -> None:
    document = snapshot([segment(1 << 46, [block(1 << 45)])], [oom((1 << 45) - (1 << 21))])
    assert only(explain_json(document))["segments_to_empty"]["cheapest"] is False
