"""`unfrag replay`: real recordings reproduced entry by entry, and what-ifs against what PyTorch really did then.

The truth is PyTorch's own, from runs of its allocator under each setting (corpus/pytorch/truth.jsonl).
"""

from __future__ import annotations

import functools
import itertools
import json
import pickle
import shlex
import statistics
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import (BASE, CORPUS, EXAMPLES, GOLDEN, KIB, MIB, ROOT, Document, block, check_error, explain_json, load,
                     named, needs_corpus, only, recordings, run, segment, snapshot)
from snapshots.dialects import DIALECTS
from snapshots.document import build
from snapshots.simulate import Options, simulate

SCHEMA = json.loads((ROOT / "docs" / "format" / "replay.schema.json").read_text())
TRUTH_FILE = CORPUS / "pytorch" / "truth.jsonl"
TRUTH = [json.loads(line) for line in TRUTH_FILE.read_text().splitlines()] if TRUTH_FILE.exists() else []
PEAKS = ("peak_allocated", "peak_active", "peak_requested", "peak_reserved")
COUNTS = ("num_ooms", "num_alloc_retries", "num_device_alloc", "num_device_free")
EXAMPLE = ROOT / "examples" / "fragmentation_oom.pickle"


def recording(truth: Document) -> Path:
    return CORPUS / "pytorch" / truth["file"]


def card(truth: Document) -> list[str]:
    """The device that the recording was made on."""
    options = ["--memory", str(truth["total_memory"]), "--context", "500MiB"]
    return options if truth["fraction"] is None else [*options, "--fraction", str(truth["fraction"])]


def replay_json(source: Path | Document, *options: Any) -> Document:
    if isinstance(source, Path):
        done = run(["replay", "--format", "json", *options, source])
    else:
        done = run(["replay", "--format", "json", *options, "-"], stdin=pickle.dumps(source, 4))
    assert (done.code, done.message) == (0, "")
    return json.loads(done.text)


@functools.cache
def replayed(file: str, *options: str) -> Document:
    return replay_json(CORPUS / "pytorch" / file, *options)


def truths() -> Any:
    if not TRUTH:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no recordings at {CORPUS}"))]
    return [pytest.param(truth, id=truth["file"].removesuffix(".pickle")) for truth in TRUTH]


# -- fidelity ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("truth", truths())
def test_a_recording_on_its_own_device_is_reproduced_to_the_last_entry(truth: Document) -> None:
    report = replayed(truth["file"], *card(truth))
    assert (report["exact"], report["what_if"], report["first_divergence"]) == (True, False, None)
    assert {name: report[f"{name}_bytes"] for name in PEAKS} == {name: truth[name] for name in PEAKS}
    assert {name: report[name] for name in COUNTS} == {name: truth[name] for name in COUNTS}
    assert report["end_allocated_bytes"] == truth["end_allocated"]
    assert report["end_reserved_bytes"] == truth["end_reserved"]
    assert report["segment_peak"] == truth["segment_peak"]


@pytest.mark.parametrize("truth", truths())
def test_explain_takes_its_block_sizes_from_an_exact_replay(truth: Document) -> None:
    device = only(explain_json(recording(truth), *card(truth)))
    assert device["replays_exactly"] is True
    assert {name: device["peak"][f"{name[5:]}_bytes"] for name in PEAKS} == {name: truth[name] for name in PEAKS}
    assert device["peak"]["allocated_is_lower_bound"] is False


@pytest.mark.parametrize("truth", truths())
def test_a_recording_is_reproduced_although_nobody_names_the_device(truth: Document) -> None:
    report = replayed(truth["file"])
    assert report["exact"] is True
    assert {name: report[f"{name}_bytes"] for name in PEAKS} == {name: truth[name] for name in PEAKS}


@pytest.mark.parametrize("truth", [truth for truth in truths() if TRUTH and truth.values[0]["config"] == "gc6"])
def test_the_limit_is_inferred_where_the_garbage_collector_ran(truth: Document) -> None:
    report = replayed(truth["file"])
    limit = report["guesses"]["limit_bytes"]
    if truth["workload"] == "varlen":  # there it ran, and freed nothing else for any limit within 5 %
        assert abs(limit / (float(truth["fraction"]) * truth["total_memory"]) - 1) < 0.05
    else:
        assert limit is None


@pytest.mark.parametrize("torch", DIALECTS)
@pytest.mark.parametrize("conf", ["", "expandable_segments:True", "max_split_size_mb:64", "roundup_power2_divisions:4"])
def test_recordings_of_every_release_are_reproduced(torch: str, conf: str) -> None:
    document = build(simulate(Options("train", 1500, torch, conf)))
    report = replay_json(document)
    assert (report["exact"], report["guesses"]["initial_state"]) == (True, False)


@needs_corpus
def test_a_state_found_midway_is_within_0_3_percent_and_never_called_exact() -> None:
    errors = []
    for path in recordings("snapshots"):
        report = replay_json(path)
        recorded = report["recorded"]["file_peak_reserved_bytes"]
        error = abs(report["peak_reserved_bytes"] / recorded - 1)
        if report["source"]["complete"]:
            assert (report["exact"], error) == (True, 0), path.name
            continue
        assert report["exact"] is False and report["guesses"]["initial_state"], path.name
        text = " ".join(run(["replay", path]).text.split())
        assert "The recording begins mid-way" in text and "off by" in text
        errors.append(error)
    assert len(errors) == 8
    assert statistics.median(errors) <= 0.003


def moved(document: Document, number: int, by: int) -> Document:
    """The same recording with one allocation at another address."""
    allocations = [i for i, one in enumerate(document["device_traces"][0]) if one["action"] == "alloc"]
    document["device_traces"][0][allocations[number]]["addr"] += by
    return document


def test_the_first_difference_is_reported_with_both_states() -> None:
    document = load(EXAMPLE)
    entries = document["device_traces"][0]
    event = [i for i, one in enumerate(entries) if one["action"] == "alloc"][40]
    was = entries[event]["addr"]
    report = replay_json(moved(document, 40, 512 * KIB))
    assert report["exact"] is False
    found = report["first_divergence"]
    assert found["event"] == event
    assert (found["recorded"]["address"], found["replayed"]["address"]) == (hex(was + 512 * KIB), hex(was))
    assert found["recorded"]["size_bytes"] == found["replayed"]["size_bytes"] == entries[event]["size"]
    reserved = sum(one["size"] for one in entries[:event] if one["action"] == "segment_alloc")
    assert found["recorded"]["reserved_bytes"] == found["replayed"]["reserved_bytes"] == reserved
    done = run(["replay", "-"], stdin=pickle.dumps(document, 4))
    assert f"part at entry {event:,}" in done.text and hex(was) in done.text


def test_a_device_call_that_pytorch_made_and_the_replay_does_not_is_a_difference() -> None:
    document = load(EXAMPLE)
    entries = document["device_traces"][0]
    last = max(i for i, one in enumerate(entries) if one["action"] == "segment_alloc")
    entries.insert(last, {**entries[last], "addr": entries[last]["addr"] + (1 << 40)})
    assert replay_json(document)["exact"] is False


# -- what-if -----------------------------------------------------------------------------------------------------------

def crossings() -> Any:
    pairs = [(a, b) for a, b in itertools.permutations(TRUTH, 2)
             if (a["workload"], a["torch"]) == (b["workload"], b["torch"]) and a["workload"] != "cap_oom"]
    if not pairs:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason=f"no recordings at {CORPUS}"))]
    return [pytest.param(a, b, id=f"{a['workload']}-{a['torch'][:4]}-{a['config']}-{b['config']}") for a, b in pairs]


@pytest.mark.parametrize("made, asked", crossings())
def test_a_what_if_gives_what_pytorch_gave_under_those_settings(made: Document, asked: Document) -> None:
    report = replayed(made["file"], *card(asked), "--conf", asked["conf"] or "default")
    assert (report["what_if"], report["exact"]) == (True, None)
    off = abs(report["peak_reserved_bytes"] / asked["peak_reserved"] - 1)
    assert report["num_ooms"] == asked["num_ooms"]
    if made["workload"] == "varlen":  # two threads raced: the order of some frees differs from run to run
        assert off <= 0.015
    elif made["workload"] == "pools" and asked["config"] == "default" and off > 0:
        # The stand-in device filled a gap of its address space first: one segment of 2 MiB hangs on that.
        assert off <= 0.01 and abs(report["num_device_alloc"] - asked["num_device_alloc"]) <= 1
    else:
        assert off == 0
        assert report["num_device_alloc"] == asked["num_device_alloc"]


def test_settings_as_recorded_are_no_what_if() -> None:
    path = EXAMPLE
    report = replay_json(path, "--conf", "default")
    assert (report["what_if"], report["exact"]) == (False, True)


def test_a_request_that_failed_is_served_where_there_is_room_and_lives_on() -> None:
    recorded = replay_json(EXAMPLE)
    assert (recorded["num_ooms"], recorded["num_rescued"]) == (1, 0)
    rescued = replay_json(EXAMPLE, "--memory", "64GiB")
    assert (rescued["exact"], rescued["num_ooms"], rescued["num_rescued"]) == (None, 0, 1)
    size = next(one["size"] for one in load(EXAMPLE)["device_traces"][0] if one["action"] == "oom")
    assert rescued["end_allocated_bytes"] >= recorded["end_allocated_bytes"] + size


def test_what_fails_on_a_smaller_device_is_counted_and_skipped() -> None:
    report = replay_json(ROOT / "examples" / "leak.pickle", "--memory", "128MiB")
    assert report["num_ooms"] > 0 and report["num_newly_refused"] == report["num_ooms"]
    assert report["peak_reserved_bytes"] <= 128 * MIB
    text = run(["replay", "--memory", "128MiB", ROOT / "examples" / "leak.pickle"]).text
    assert "On a device of 128.00 MiB" in text and "was served" in text.replace("were", "was")


@needs_corpus
def test_the_order_of_addresses_can_be_chosen_and_what_hangs_on_it_is_said() -> None:
    path, conf = CORPUS / "pytorch" / "cap_oom.default.torch2.9.1.pickle", ("--conf", "max_split_size_mb:64")
    up, down = (replay_json(path, *conf, "--addresses", way) for way in ("up", "down"))
    assert (up["conditions"]["addresses"], down["conditions"]["addresses"]) == ("up", "down")
    figures = ("peak_reserved_bytes", "num_ooms", "num_alloc_retries", "num_device_alloc", "num_device_free")
    assert [up[name] for name in figures] != [down[name] for name in figures]
    for one, other in ((up, down), (down, up)):
        told = {row["addresses"]: row for row in one["other_addresses"]}[other["conditions"]["addresses"]]
        for name in (*figures, "num_rescued", "num_newly_refused"):
            assert told[name] == other[name], name
    text = " ".join(run(["replay", *conf, "--addresses", "up", path]).text.split())
    assert f"below them: {down['peak_reserved_bytes'] / 2**30:.2f} GiB reserved at the peak" in text


def test_where_nothing_hangs_on_addresses_that_is_said() -> None:
    assert "the figures do not depend on it" in run(["replay", "--conf", "max_split_size_mb:64", EXAMPLE]).text


@needs_corpus
def test_a_release_that_only_a_smaller_device_explains_does_not_happen_on_a_larger_one() -> None:
    for torch in ("2.9.1", "2.15.0"):
        path = CORPUS / "pytorch" / f"split_oom.expandable.torch{torch}.pickle"
        report = replay_json(path, "--memory", "64GiB")
        assert (report["what_if"], report["exact"], report["guesses"]["releases"]) == (True, None, 0)
        assert (report["num_alloc_retries"], report["num_device_free"]) == (0, 0)
        assert report["peak_reserved_bytes"] > report["recorded"]["peak_reserved_bytes"]


def test_settings_that_need_a_limit_say_so_where_there_is_none() -> None:
    for conf in ("garbage_collection_threshold:0.6", "per_process_memory_fraction:0.5"):
        without = run(["replay", "--torch", "2.15", "--conf", conf, EXAMPLE]).text
        limited = run(["replay", "--torch", "2.15", "--conf", conf, "--memory", "4GiB", "--fraction", "0.9", EXAMPLE]).text
        assert "have no effect here" in " ".join(without.split()) and "no effect" not in limited


@pytest.mark.parametrize("threshold", [5e-324, -1.0, 1e308, float("nan"), 0.6])
def test_a_threshold_that_nobody_could_set_breaks_nothing(threshold: float) -> None:
    document = moved(load(EXAMPLE), 40, 512 * KIB)
    document["allocator_settings"] = {**document["allocator_settings"], "garbage_collection_threshold": threshold}
    assert replay_json(document)["guesses"]["limit_bytes"] is None


def test_divisions_that_nobody_could_set_are_none() -> None:
    document = load(EXAMPLE)
    slots = {str(1 << slot): 127 for slot in range(16)}
    document["allocator_settings"] = {**document["allocator_settings"], "roundup_power2_divisions": slots}
    assert replay_json(document)["conditions"]["conf"] == ""


def test_a_cut_file_is_replayed_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pickle"
    cut.write_bytes(EXAMPLE.read_bytes()[:30_000])
    for command in (["replay"], ["advise"]):
        assert "CUT OFF" in run([*command, cut]).text
    report = replay_json(cut)
    assert report["source"]["truncated"] and report["first_divergence"] is None
    assert report["recorded"]["file_peak_reserved_bytes"] == report["peak_reserved_bytes"]


def test_the_next_command_keeps_the_options_that_the_result_rests_on() -> None:
    options = ["--memory", "4GiB", "--context", "100MiB", "--fraction", "0.75", "--torch", "2.9", "--addresses", "up"]
    for command in (["replay"], ["advise"], ["replay", "--conf", "expandable_segments:True"]):
        told = run([*command, *options, EXAMPLE]).text.splitlines()[-1].removeprefix("Next: unfrag ")
        assert f"--memory {4 << 30} --context {100 * MIB} --fraction 0.75 --torch 2.9 --addresses up" in told
        assert run(shlex.split(told)).code == 0


@pytest.mark.parametrize("spelling", ["max_split_size_mb:64", " max_split_size_mb : 64 ", "max_split_size_mb:64,",
                                      "PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:64",
                                      "PYTORCH_ALLOC_CONF=max_split_size_mb:64"])
def test_settings_may_be_spelled_as_people_paste_them(spelling: str) -> None:
    assert replay_json(EXAMPLE, "--conf", spelling)["conditions"]["conf"] == "max_split_size_mb:64"
    assert replay_json(EXAMPLE, "--conf", " default")["conditions"]["conf"] == ""


# -- options -----------------------------------------------------------------------------------------------------------

WRONG = {
    "unknown_key": (["--conf", "expandable:True"], "expandable"),
    "bad_value": (["--conf", "max_split_size_mb:5"], "max_split_size_mb"),
    "not_in_this_release": (["--conf", "large_segment_size_mb:64", "--torch", "2.9"], "2.9"),
    "another_allocator": (["--conf", "backend:cudaMallocAsync"], "cudaMallocAsync"),
    "no_version": (["--torch", "new"], "--torch new"),
    "too_old": (["--torch", "1.13"], "1.13"),
    "context_alone": (["--context", "500MiB"], "--memory"),
    "fraction_alone": (["--fraction", "0.5"], "--memory"),
    "memory_of_no_device": (["--memory", "1000000TiB"], "more than any device"),
    "fraction_nan": (["--memory", "8GiB", "--fraction", "nan"], "--fraction"),
    "fraction_of_two": (["--memory", "8GiB", "--fraction", "2"], "--fraction"),
    "context_larger": (["--memory", "1GiB", "--context", "2GiB"], "--context"),
    "no_direction": (["--addresses", "left"], "--addresses"),
    "no_device": (["--device", "5"], "--device 5"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_exit_with_two_and_say_what_would_work(name: str) -> None:
    options, part = WRONG[name]
    check_error(run(["replay", *options, EXAMPLE]), 2, part)


def test_a_snapshot_without_a_trace_cannot_be_replayed() -> None:
    document = snapshot([segment(BASE, [block(MIB)])])
    for one in (document, snapshot([]), snapshot([], [])):
        check_error(run(["replay", "-"], stdin=pickle.dumps(one, 4)), 3, "no trace", "_record_memory_history")


def test_the_same_input_gives_the_same_bytes_and_timing_only_adds_a_figure() -> None:
    plain = [run(["replay", "--format", "json", EXAMPLE]).out for _ in range(2)]
    assert plain[0] == plain[1]
    timed = replay_json(EXAMPLE, "--timing")
    assert timed.pop("events_per_second") > 1000
    assert timed == json.loads(plain[0])
    assert "entries a second" in run(["replay", "--timing", EXAMPLE]).text


def test_curves_go_to_a_json_file_and_the_report_to_standard_output(tmp_path: Path) -> None:
    target = tmp_path / "curves.json"
    done = run(["replay", "--conf", "expandable_segments:True", EXAMPLE, "-o", target])
    assert done.code == 0 and "With expandable_segments:True" in done.text
    report = json.loads(target.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    curves = report["curves"]
    assert len({len(column) for column in curves.values()}) == 1 and curves["event"] == sorted(set(curves["event"]))
    for name in PEAKS:
        assert max(curves[f"{name[5:]}_bytes"]) == report[f"{name}_bytes"]
    assert curves["reserved_bytes"][-1] == report["end_reserved_bytes"]


@pytest.mark.parametrize("options", [(), ("--conf", "expandable_segments:True"), ("--memory", "64GiB"), ("--timing",)],
                         ids=lambda options: "_".join(options) or "plain")
def test_reports_keep_to_their_schema_which_knows_every_field(options: tuple[str, ...]) -> None:
    strict = json.loads(json.dumps(SCHEMA))
    for part in [strict, *strict["$defs"].values()]:
        if "properties" in part:
            part["additionalProperties"] = False
    hanging = [CORPUS / "pytorch" / "cap_oom.default.torch2.9.1.pickle"] if TRUTH else []
    for source in (*hanging, EXAMPLE, moved(load(EXAMPLE), 40, 512 * KIB)):
        jsonschema.Draft202012Validator(strict).validate(replay_json(source, *options))


def test_the_schema_describes_every_field_in_a_sentence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in {"top": SCHEMA, **SCHEMA["$defs"]}.items():
        assert part["description"].endswith("."), name
        for field, said in part.get("properties", {}).items():
            assert said["description"].endswith("."), f"{name}.{field}"


def test_the_kept_report_of_version_1_keeps_to_the_schema() -> None:
    """replay.1.json is version 1 as first written. Never change it: it stands for the readers out there."""
    kept = json.loads((GOLDEN / "replay.1.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(kept)
    now = replay_json(EXAMPLE, "--conf", "expandable_segments:True")
    assert kept.keys() <= now.keys() and kept["conditions"].keys() <= now["conditions"].keys()


@pytest.mark.parametrize("path", named(EXAMPLES))
@pytest.mark.parametrize("options", [(), ("--conf", "expandable_segments:True", "--memory", "8GiB")], ids=["own", "if"])
def test_text_keeps_to_its_width_but_for_what_can_be_pasted(path: Path, options: tuple[str, ...]) -> None:
    for width in (60, 80, 132):
        text = run(["replay", "--width", str(width), *options, path]).text
        for line in text.splitlines():
            assert len(line) <= width or line.startswith(("Next: ", "Set it: ")), line
    assert run(["replay", "-q", *options, path]).text.count(".\n") == 1
