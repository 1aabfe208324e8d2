"""`unfrag advise`: every figure of a candidate is what a replay gives, and the recommendation is right about it.

For the recordings of corpus/pytorch the truth is what PyTorch really did under those settings.
"""

from __future__ import annotations

import functools
import json
import pickle
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import (BASE, CORPUS, EXAMPLES, GOLDEN, MIB, ROOT, Document, block, check_error, explain_json, named,
                     needs_corpus, run, segment, snapshot)
from test_replay import TRUTH, card, recording, replay_json

SCHEMA = json.loads((ROOT / "docs" / "format" / "advise.schema.json").read_text())
FRAGMENTED = ROOT / "examples" / "fragmentation_oom.pickle"
FULL = ROOT / "examples" / "capacity_oom.pickle"
LEAK = ROOT / "examples" / "leak.pickle"
FIGURES = ("peak_reserved_bytes", "peak_active_bytes", "peak_allocated_bytes", "num_ooms", "num_alloc_retries",
           "num_device_alloc", "num_device_free", "num_rescued", "num_newly_refused")


@functools.cache
def advise_json(path: Path, *options: str) -> Document:
    done = run(["advise", "--format", "json", *options, path])
    assert (done.code, done.message) == (0, "")
    return json.loads(done.text)


def candidate(report: Document, conf: str) -> Document:
    (found,) = [one for one in report["candidates"] if one["conf"] == conf]
    return found


def truth_of(workload: str, config: str, torch: str) -> Document:
    (found,) = [one for one in TRUTH if (one["workload"], one["config"]) == (workload, config)
                and one["torch"].startswith(torch)]
    return found


# -- no false hope ---

@needs_corpus
def test_a_device_that_is_far_too_small_gets_no_setting_but_the_size_that_would_do() -> None:
    path = recording(truth_of("split_oom", "default", "2.15.0"))
    report = advise_json(path, "--memory", "1GiB", "--context", "0")
    failed = report["candidates"][0]["num_ooms"]
    fewest = min(one["num_ooms"] for one in report["candidates"])
    assert failed / 2 < fewest < failed
    assert report["recommended"] is None
    least = min(one["needs_bytes"] for one in report["candidates"] if one["needs_bytes"] is not None)
    text = run(["advise", "--memory", "1GiB", "--context", "0", path]).text
    words = " ".join(text.split())
    assert "No setting helps enough: with the best, " in words
    assert f"{fewest} of {failed} requests still fail. The device is too small" in words
    assert f"the program needs about {least / 2**30:.2f} GiB" in words
    assert "The least you can shave" not in words  # what the file says is of the device it was recorded on


# -- right about what PyTorch did --------------------------------------------------------------------------------------

@needs_corpus
@pytest.mark.parametrize("torch", ["2.9.1", "2.15.0"])
def test_fragmentation_is_cured_by_the_two_settings_that_cured_it(torch: str) -> None:
    made = truth_of("split_oom", "default", torch)
    report = advise_json(recording(made), *card(made))
    for conf, config in (("expandable_segments:True", "expandable"), ("max_split_size_mb:64", "split64")):
        found = candidate(report, conf)
        assert (found["num_ooms"], found["num_rescued"]) == (0, 1)
        for truth in TRUTH:
            if (truth["workload"], truth["config"], truth["torch"]) == ("split_oom", config, made["torch"]):
                assert found["peak_reserved_bytes"] == truth["peak_reserved"] and truth["num_ooms"] == 0
                assert found["num_device_alloc"] == truth["num_device_alloc"]
    assert report["recommended"]["conf"] == "expandable_segments:True"
    text = run(["advise", "--top", "40", *card(made), recording(made)]).text
    assert "expandable_segments:True serves the request that failed" in " ".join(text.split())
    assert "\n  max_split_size_mb:64\n" in text


@needs_corpus
def test_a_setting_that_serves_the_request_says_how_little_is_left() -> None:
    made = truth_of("cap_oom", "default", "2.9.1")
    report = advise_json(recording(made), *card(made))
    found = candidate(report, "expandable_segments:True")
    assert (found["num_ooms"], found["num_rescued"]) == (0, 1)
    request = [one for one in explain_json(recording(made))["devices"][0]["ooms"]][-1]["requested_bytes"]
    capacity = made["total_memory"] - 500 * MIB
    assert found["left_bytes"] < capacity / 10 and found["left_bytes"] > request  # it went on for 553 allocations
    text = " ".join(run(["advise", *card(made), recording(made)]).text.split())
    assert "expandable_segments:True serves the request that failed" in text
    assert f"without a single hole {found['left_bytes'] / MIB:.2f} MiB would then be left" in text


@needs_corpus
def test_a_full_device_gets_no_recommendation_but_what_to_free() -> None:
    made = truth_of("cap_oom", "expandable", "2.9.1")
    report = advise_json(recording(made), *card(made))
    assert (report["verdict"], report["recommended"]) == ("capacity", None)
    assert "the device is full" in report["headline"]
    assert any("least you can shave" in one for one in report["instead"])
    assert any("workload.py" in one and "holds" in one for one in report["instead"])
    found = candidate(report, "expandable_segments:True,roundup_power2_divisions:4")
    assert (found["num_ooms"], found["num_rescued"]) == (0, 1)
    assert found["left_bytes"] < 200 * MIB
    text = run(["advise", *card(made), recording(made)]).text
    assert "No setting helps: the device is full" in text and "export" not in text
    assert f"{found['left_bytes'] / MIB:.2f} MiB  expandable_segments:True,roundup_power2_divisions:4" in text


@pytest.mark.parametrize("path", named(EXAMPLES))
def test_every_figure_of_a_candidate_is_what_a_replay_gives(path: Path) -> None:
    report = advise_json(path)
    in_force = report["candidates"][0]
    assert report["recorded"]["exact"] is True
    for one in report["candidates"]:
        alone = replay_json(path, "--conf", one["conf"] or "default")
        assert {name: one[name] for name in FIGURES} == {name: alone[name] for name in FIGURES}, one["conf"]
        assert one["depends_on_addresses"] == bool(alone["other_addresses"])
        assert one["saved_bytes"] == in_force["peak_reserved_bytes"] - one["peak_reserved_bytes"]
        if one["same_as"] is not None:
            other = candidate(report, one["same_as"])
            assert other["same_as"] is None and {name: one[name] for name in FIGURES} == {name: other[name]
                                                                                         for name in FIGURES}


@pytest.mark.parametrize("path", named(EXAMPLES))
def test_the_least_device_serves_all_and_a_smaller_one_does_not(path: Path) -> None:
    for one in advise_json(path)["candidates"][:6]:
        if one["needs_bytes"] is None:
            continue
        conf = ("--conf", one["conf"] or "default")
        enough = replay_json(path, "--memory", str(one["needs_bytes"]), *conf)
        assert enough["num_ooms"] == 0, one["conf"]
        fineness = max(2 * MIB, one["needs_bytes"] // 256 + 2 * MIB)
        less = replay_json(path, "--memory", str(one["needs_bytes"] - fineness), *conf)
        assert less["num_ooms"] > 0, one["conf"]


# -- recommendation ----------------------------------------------------------------------------------------------------

def test_the_recommended_line_can_be_pasted_and_is_understood() -> None:
    report = advise_json(FRAGMENTED)
    conf, line = report["recommended"]["conf"], report["recommended"]["line"]
    shown = subprocess.run(["sh", "-c", f"{line} env"], capture_output=True, text=True, check=True).stdout
    assert f"PYTORCH_CUDA_ALLOC_CONF={conf}\n" in shown
    assert replay_json(FRAGMENTED, "--conf", conf)["num_ooms"] == 0
    text = run(["advise", FRAGMENTED]).text
    assert f"\n  export {line}\n" in text
    next_command = text.splitlines()[-1].removeprefix("Next: unfrag ")
    assert run(shlex.split(next_command)).code == 0


def with_settings(conf: str, **more: Any) -> Document:
    document = pickle.loads(FRAGMENTED.read_bytes())  # written by tools/gen_snapshot.py
    document["allocator_settings"] = {**document.get("allocator_settings", {}), "PYTORCH_CUDA_ALLOC_CONF": conf, **more}
    return document


def test_settings_in_force_that_place_no_block_are_kept() -> None:
    conf = "pinned_use_cuda_host_register:True,pinned_num_register_threads:8"
    done = run(["advise", "--format", "json", "-"], stdin=pickle.dumps(with_settings(conf), 4))
    report = json.loads(done.text)
    assert report["recommended"]["conf"] == f"expandable_segments:True,{conf}"
    for one in report["candidates"]:
        assert one["conf"].endswith(conf)


def test_only_keys_that_the_release_has_are_tried() -> None:
    old = advise_json(FRAGMENTED, "--torch", "2.4")
    new = advise_json(FRAGMENTED, "--torch", "2.15")
    def keys(report: Document) -> set[str]:
        return {pair.split(":")[0] for one in report["candidates"] for pair in one["conf"].split(",") if ":" in pair}
    assert "max_non_split_rounding_mb" not in keys(old) and "large_segment_size_mb" not in keys(old)
    assert {"max_non_split_rounding_mb", "large_segment_size_mb"} <= keys(new)
    assert "garbage_collection_threshold" not in keys(new)  # does nothing without a limit
    assert "garbage_collection_threshold" in keys(advise_json(FRAGMENTED, "--memory", "8GiB", "--fraction", "0.5"))


def test_drawbacks_are_those_of_the_release() -> None:
    old = candidate(advise_json(FRAGMENTED, "--torch", "2.4"), "expandable_segments:True")["drawbacks"]
    new = candidate(advise_json(FRAGMENTED, "--torch", "2.9"), "expandable_segments:True")["drawbacks"]
    assert any("before PyTorch 2.5" in one for one in old) and not any("before PyTorch 2.5" in one for one in new)
    assert any("pidfd_getfd" in one for one in new)
    for part in ("NCCL", "CUDA graphs", "Windows", "pluggable"):
        assert any(part in one for one in new), part
    assert candidate(advise_json(FRAGMENTED), "")["drawbacks"] == []


def test_what_runs_well_is_left_alone() -> None:
    report = advise_json(LEAK)
    assert report["recommended"] is None and report["headline"].startswith("Keep the default settings")


def test_a_larger_device_is_no_full_one() -> None:
    assert advise_json(FULL)["recommended"] is None
    roomy = advise_json(FULL, "--memory", "64GiB")
    assert roomy["candidates"][0]["num_ooms"] == 0 and "full" not in roomy["headline"]


def test_requests_are_counted_on_the_device_that_was_asked_about() -> None:
    report = advise_json(FRAGMENTED, "--memory", "3.3GiB")
    failed = report["candidates"][0]["num_ooms"]
    assert failed > 1
    for one in report["candidates"]:
        assert 0 <= one["num_served"] <= failed and one["num_ooms"] >= failed - one["num_served"]
        assert one["serves_last"] <= (one["num_served"] > 0)
    best = candidate(report, report["recommended"]["conf"])
    assert (best["num_ooms"], best["num_served"]) == (0, failed)
    assert f"serves the {failed} requests that failed" in report["headline"]
    assert best["left_bytes"] <= 3.3 * 2**30 - best["peak_reserved_bytes"] + 200 * MIB


# -- the command -------------------------------------------------------------------------------------------------------

def test_several_files_get_a_report_each_and_a_summary() -> None:
    done = run(["advise", FRAGMENTED, FULL, LEAK])
    assert done.code == 0 and done.text.endswith("3 of 3 files replayed; a setting helps in 1\n")
    lines = run(["advise", "--format", "json", FRAGMENTED, LEAK]).text.splitlines()
    assert [Path(json.loads(line)["source"]["path"]).name for line in lines] == [FRAGMENTED.name, LEAK.name]


def test_explain_appends_the_same_advice_on_request() -> None:
    alone = advise_json(FRAGMENTED)
    appended = explain_json(FRAGMENTED, "--advise")["advice"]
    assert appended == {key: value for key, value in alone.items() if key not in ("schema", "source", "device")}
    text = run(["explain", "--advise", FRAGMENTED]).text
    assert "Which settings help" in text and "export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True" in text
    assert run(["explain", FRAGMENTED]).text.splitlines()[-1] == f"Next: unfrag advise {FRAGMENTED}"


def test_a_snapshot_without_a_trace_gets_no_advice() -> None:
    document = pickle.dumps(snapshot([segment(BASE, [block(MIB)])]), 4)
    check_error(run(["advise", "-"], stdin=document), 3, "no trace")
    check_error(run(["explain", "--advise", "-"], stdin=document), 3, "no trace")


def test_the_same_input_gives_the_same_bytes_although_cores_share_the_work() -> None:
    assert len({run(["advise", "--format", "json", FRAGMENTED]).out for _ in range(3)}) == 1


@pytest.mark.parametrize("path", named(EXAMPLES))
def test_reports_keep_to_their_schema_which_knows_every_field(path: Path) -> None:
    strict = json.loads(json.dumps(SCHEMA))
    for part in [strict, *strict["$defs"].values()]:
        if "properties" in part:
            part["additionalProperties"] = False
    jsonschema.Draft202012Validator(strict).validate(advise_json(path))


def test_the_schema_describes_every_field_in_a_sentence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in {"top": SCHEMA, **SCHEMA["$defs"]}.items():
        assert part["description"].endswith("."), name
        for field, said in part.get("properties", {}).items():
            assert said["description"].endswith("."), f"{name}.{field}"


def test_the_kept_report_of_version_1_keeps_to_the_schema() -> None:
    """advise.1.json is version 1 as first written. Never change it: it stands for the readers out there."""
    kept = json.loads((GOLDEN / "advise.1.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(kept)
    now = advise_json(FRAGMENTED)
    assert kept.keys() <= now.keys() and kept["candidates"][0].keys() <= now["candidates"][0].keys()


@pytest.mark.parametrize("path", named(EXAMPLES))
def test_text_keeps_to_its_width_but_for_what_can_be_pasted(path: Path) -> None:
    confs = tuple(one["conf"] for one in advise_json(path)["candidates"] if one["conf"])
    for width in (60, 80, 132):
        for line in run(["advise", "--width", str(width), path]).text.splitlines():
            assert len(line) <= width or line.startswith("Next: ") or line.endswith(confs), line
