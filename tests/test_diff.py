"""`unfrag diff A B`: what changed between two recordings, and the bounds that it may be held to.

UNFRAG_UPDATE_GOLDEN=1 writes tests/golden/diff_* anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import (BASE, CORPUS, EXAMPLES, GOLDEN, MIB, ROOT, Document, block, check_error, entry, frame, needs_corpus,
                     run, segment, snapshot)

MENDED, LEAK = (ROOT / "examples" / f"{name}.pickle" for name in ("leak_mended", "leak"))
SCHEMA = json.loads((ROOT / "docs" / "format" / "diff.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def diff(a: Path, b: Path, *options: Any, code: int = 0, stdin: bytes | None = None) -> Document:
    done = run(["diff", "--format", "json", *options, a, b], stdin=stdin)
    assert (done.code, done.message) == (code, "")
    report = json.loads(done.text)
    VALIDATOR.validate(report)
    adds_up(report)
    return report


def adds_up(report: Document) -> None:
    """What grew, what shrank, what was left out and what stayed are all that is allocated, on both sides."""
    metrics = report["metrics"]
    for name, metric in metrics.items():
        known = metric["a"] is not None and metric["b"] is not None
        assert metric["change"] == (metric["b"] - metric["a"] if known else None), name
        assert (metric["change_percent"] is None) == (not known or metric["a"] == 0), name
        if metric["change_percent"] is not None:
            assert abs(metric["change_percent"] - metric["change"] / metric["a"] * 100) <= 0.0051, name
    has_peak = all(metrics["peak_allocated_bytes"][side] is not None for side in "ab")
    assert [total["moment"] for total in report["totals"]] == (["peak", "end"] if has_peak else ["end"])
    shown = []
    for total in report["totals"]:
        rows = [row for row in report["grew"] if row["moment"] == total["moment"]]
        metric = metrics[{"peak": "peak_allocated_bytes", "end": "now_allocated_bytes"}[total["moment"]]]
        for side in "ab":
            assert total[f"{side}_bytes"] == metric[side]
            assert total[f"{side}_bytes"] == (sum(row[f"{side}_bytes"] for row in rows) + total["unchanged_bytes"]
                                              + total[f"omitted_{side}_bytes"])
        changes = [row["change_bytes"] for row in rows]
        assert all(row["change_bytes"] == row["b_bytes"] - row["a_bytes"] != 0 for row in rows)
        assert changes == (sorted((one for one in changes if one > 0), reverse=True)
                           + sorted(one for one in changes if one < 0))
        shown += rows
    assert shown == report["grew"], "the peak comes first"
    for gate in report["gates"]:
        assert gate["b"] == metrics[gate["metric"]]["b"] and gate["a"] == metrics[gate["metric"]]["a"]
        assert gate["holds"] == (gate["b"] <= gate["limit"])


def changes(report: Document, moment: str = "peak") -> dict[str, int]:
    """For each line that changed by how much."""
    return {f"{row['function']}:{row['line']}": row["change_bytes"] for row in report["grew"]
            if row["moment"] == moment}


def write(path: Path, document: Document) -> Path:
    path.write_bytes(pickle.dumps(document, 4))
    return path


def recorded(sizes: dict[int, int], name: str = "/home/user/train.py", at: int = 0, **more: Any) -> Document:
    """A program whose line N takes sizes[N] bytes and keeps them; `at`: how far an edit has moved its lines."""
    blocks, trace = [], []
    total = sum(sizes.values())
    trace.append(entry("segment_alloc", BASE, total, frames=[]))
    address = BASE
    for line, size in sizes.items():
        stack = [frame("train", name, line + at), frame("<module>", name, 99 + at)]
        blocks.append(block(size, frames=stack))
        trace.append(entry("alloc", address, size, frames=stack))
        address += size
    return snapshot([segment(BASE, blocks)], trace, **more)


# -- recordings of PyTorch ---------------------------------------------------------------------------------------------

def truth() -> dict[str, Document]:
    lines = (CORPUS / "pytorch" / "truth.jsonl").read_text().splitlines() if CORPUS.is_dir() else []
    return {one["file"]: one for one in map(json.loads, lines)}


def recording(name: str, torch: str = "2.9.1") -> Path:
    return CORPUS / "pytorch" / f"{name}.torch{torch}.pickle"


PAIRS = [("varlen.default", "varlen.split64"), ("streams.default", "streams.round4"), ("varlen.gc6", "varlen.expandable"),
         ("split_oom.default", "split_oom.expandable"), ("cap_oom.default", "split_oom.split64"),
         ("pools.expandable", "fastai_resize.default")]


@needs_corpus
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_figures_are_those_that_pytorch_counted(a: str, b: str) -> None:
    report = diff(recording(a), recording(b))
    for side, name in (("a", a), ("b", b)):
        known = truth()[recording(name).name]
        found = {metric: value[side] for metric, value in report["metrics"].items()}
        for metric in ("num_ooms", "num_device_alloc", "num_device_free"):
            assert found[metric] == known[metric], metric
        assert found["num_alloc_retries"] == known["num_alloc_retries"]
        for metric in ("peak_reserved", "peak_requested"):
            assert found[f"{metric}_bytes"] == known[metric], metric
        for metric in ("end_allocated", "end_reserved"):
            assert found[f"{metric.replace('end', 'now')}_bytes"] == known[metric], metric
        for metric in ("peak_allocated", "peak_active"):
            exact = not report[side]["allocated_is_lower_bound"]
            assert found[f"{metric}_bytes"] <= known[metric], metric
            assert found[f"{metric}_bytes"] == known[metric] or not exact, metric


@needs_corpus
def test_a_setting_that_wastes_memory_is_told_from_a_program_that_needs_more() -> None:
    report = diff(recording("varlen.default"), recording("varlen.split64"))
    reserved = report["metrics"]["peak_reserved_bytes"]
    assert (reserved["a"], reserved["b"], reserved["change_percent"]) == (996147200, 1623195648, 62.95)
    assert report["metrics"]["peak_requested_bytes"]["change"] == 0
    assert report["headline"].startswith("B reserves 598.00 MiB (62.9 %) more than A at its peak, 1.51 GiB instead of ")


@needs_corpus
def test_rounding_shows_at_the_line_whose_blocks_it_makes_larger() -> None:
    report = diff(recording("streams.default"), recording("streams.round4"))
    allocated = [truth()[recording(name).name]["peak_allocated"] for name in ("streams.default", "streams.round4")]
    assert changes(report) == {"streams:41": allocated[1] - allocated[0]}
    assert report["metrics"]["peak_requested_bytes"]["change"] == 0
    assert report["headline"].startswith("Both reserve 114.00 MiB at their peaks.")


@needs_corpus
def test_who_ran_out_of_memory_comes_first() -> None:
    fails, works = recording("split_oom.default"), recording("split_oom.expandable")
    assert diff(fails, works)["headline"].startswith("A ran out of memory, B did not.")
    assert diff(works, fails)["headline"].startswith("B ran out of memory, A did not.")
    assert diff(fails, recording("cap_oom.default"))["headline"].startswith("Both ran out of memory.")


@needs_corpus
def test_a_renamed_program_is_the_same_by_its_functions() -> None:
    report = diff(recording("varlen.default"), recording("varlen.default", "2.15.0"))
    told = changes(report)
    assert told.pop("forward:14") == -9568256, "what one release keeps at the end and the other does not"
    assert all(abs(change) < MIB for change in told.values()), "the slack of blocks"
    row = next(row for row in report["grew"] if row["line"] == 14 and row["moment"] == "peak")
    assert row["moved_from"] == {"file": "/home/user/workload.py", "line": 14}
    assert report["notes"][0].endswith("workload15.py of B is taken for /home/user/workload.py of A.")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_recording_against_itself_has_not_changed(path: Path) -> None:
    report = diff(path, path, "--fail-on", "peak_reserved>+0%", "--fail-on", "now_allocated>+0")
    assert report["grew"] == []
    assert {metric["change"] for metric in report["metrics"].values()} == {0}
    text = run(["diff", path, path]).text
    assert "Who holds more" not in text and "Nobody holds more or less at the peak" in text


def test_the_other_way_round_it_is_the_opposite() -> None:
    there, back = diff(MENDED, LEAK), diff(LEAK, MENDED)
    for name, metric in there["metrics"].items():
        opposite = None if metric["change"] is None else -metric["change"]
        assert back["metrics"][name]["change"] == opposite, name
    assert sorted(one["change_bytes"] for one in there["grew"]) == sorted(-one["change_bytes"] for one in back["grew"])


def midway() -> Document:
    document = recorded({10: 2 * MIB})
    document["device_traces"][0] = document["device_traces"][0][1:]
    return document


# -- lines -------------------------------------------------------------------------------------------------------------

def test_the_line_that_leaks_is_named_and_those_that_moved_are_not() -> None:
    report = diff(MENDED, LEAK)
    no_stack = {"None:None": -MIB // 2}  # the slack of one block of the backward thread
    assert changes(report) == {"train:38": 46 * MIB, "train:39": -15360, **no_stack}
    assert changes(report, "end") == {"train:38": 47 * MIB + MIB // 2, "train:39": -15360}
    assert {row["line"]: row["b_bytes"] for row in report["grew"]}[39] == 0
    assert report["totals"][0]["unchanged_holders"] == 6


@pytest.mark.parametrize("at", [-9, -1, 1, 2, 30])
def test_a_line_is_known_by_its_function_where_an_edit_moved_it(tmp_path: Path, at: int) -> None:
    a = write(tmp_path / "a.pickle", recorded({10: MIB, 11: 2 * MIB, 12: 3 * MIB}))
    b = write(tmp_path / "b.pickle", recorded({10: MIB, 11: 7 * MIB, 12: 3 * MIB}, at=at))
    report = diff(a, b)
    assert changes(report) == {f"train:{11 + at}": 5 * MIB}
    assert report["grew"][0]["moved_from"] == {"file": "/home/user/train.py", "line": 11}
    assert "(line 11 in A)" in run(["diff", a, b]).text
    assert "(line 11 in A)" in run(["diff", "--format", "markdown", a, b]).text


def test_a_checkout_in_another_folder_is_the_same_program(tmp_path: Path) -> None:
    sizes = {10: MIB, 11: 2 * MIB}
    a = write(tmp_path / "a.pickle", recorded(sizes, "/ci/1/project/train.py"))
    b = write(tmp_path / "b.pickle", recorded({**sizes, 11: 3 * MIB}, "/ci/2/project/train.py"))
    report = diff(a, b)
    assert changes(report) == {"train:11": MIB}
    assert report["notes"] == ["/ci/2/project/train.py of B is taken for /ci/1/project/train.py of A."]


def test_lines_that_only_one_side_has_are_there(tmp_path: Path) -> None:
    a = write(tmp_path / "a.pickle", recorded({10: MIB}, "/home/user/old.py"))
    b = write(tmp_path / "b.pickle", snapshot([segment(BASE, [block(2 * MIB, frames=[frame("other", "/x/new.py", 5)])])],
                                              [entry("segment_alloc", BASE, 2 * MIB, frames=[]),
                                               entry("alloc", BASE, 2 * MIB, frames=[frame("other", "/x/new.py", 5)])]))
    assert changes(diff(a, b)) == {"other:5": 2 * MIB, "train:10": -MIB}
    assert "/home/user/old.py:10 train, in A" in run(["diff", "--width", "120", a, b]).text


def test_cpp_counts_by_function(tmp_path: Path) -> None:
    def native(size: int, line: int) -> Document:
        stack = [frame("at::native::empty(long)", "EmptyTensor.cpp", line)]
        return snapshot([segment(BASE, [block(size, frames=stack)])],
                        [entry("segment_alloc", BASE, size, frames=stack), entry("alloc", BASE, size, frames=stack)])
    a, b = write(tmp_path / "a.pickle", native(2 * MIB, 3)), write(tmp_path / "b.pickle", native(4 * MIB, 8))
    [row] = [row for row in diff(a, b)["grew"] if row["moment"] == "peak"]
    assert (row["file"], row["line"], row["origin"], row["moved_from"]) == (None, None, "native", None)
    assert row["change_bytes"] == 2 * MIB


def test_top_sums_up_the_rest(tmp_path: Path) -> None:
    sizes = {line: line * MIB for line in range(10, 30)}
    a = write(tmp_path / "a.pickle", recorded(sizes))
    b = write(tmp_path / "b.pickle", recorded({line: size + (MIB if line < 25 else -MIB) for line, size in sizes.items()}))
    assert len(diff(a, b)["grew"]) == 2 * 20
    report = diff(a, b, "--top", "2")
    assert len(report["grew"]) == 2 * (2 + 2)
    assert report["totals"][0]["omitted_holders"] == 16
    text = run(["diff", "--top", "2", a, b]).text
    assert "16 more, --top 15 lists all" in text
    assert "more, --top" not in run(["diff", "--top", "15", a, b]).text
    assert "16 more changed." in run(["diff", "--top", "2", "--format", "markdown", a, b]).text
    assert diff(a, b, "--top", "0")["grew"] == []


def test_stacks_show_how_a_line_was_reached() -> None:
    text = run(["diff", "--stacks", MENDED, LEAK]).text
    assert text.count("      /home/user/project/train.py:58 <module>\n") == 2, "of the line that grew, at each moment"
    assert "<module>" not in run(["diff", MENDED, LEAK]).text


# -- gates -------------------------------------------------------------------------------------------------------------

GATES = {  # A reserves 216006656 and allocates 168391168 bytes at its peak, B 266338304 and 216613888
    "peak_reserved>+23%": False, "peak_reserved>+24%": True, "peak_reserved>+23.4%": True, "peak_reserved>+48MiB": True,
    "peak_reserved>+47.9MiB": False, "peak_reserved>254MiB": True, "peak_reserved>266338303": False,
    "peak_reserved_bytes > 266338304": True, "peak_reserved>-3%": False, "num_ooms>0": True, "num_ooms>+0": True,
    "num_device_alloc>7": False, "num_device_alloc>+1": True, "num_device_free>+5%": True, "now_allocated>+5%": False,
    "peak_requested>+1GiB": True, "now_requested>1KiB": False,
}


@pytest.mark.parametrize("expression", GATES)
def test_a_gate_decides_the_exit_code(expression: str) -> None:
    holds = GATES[expression]
    report = diff(MENDED, LEAK, "--fail-on", expression, code=0 if holds else 1)
    assert [(gate["expression"], gate["holds"]) for gate in report["gates"]] == [(expression, holds)]
    text = run(["diff", "--width", "200", "--fail-on", expression, MENDED, LEAK])
    assert text.code == (0 if holds else 1)
    assert f"Gate {'holds' if holds else 'does not hold'}: {expression}: " in text.text


def test_one_gate_that_does_not_hold_is_enough_and_all_are_told(tmp_path: Path) -> None:
    gates = ["--fail-on", "num_ooms>0", "--fail-on", "peak_reserved>+5%", "--fail-on", "peak_reserved>+50%"]
    report = diff(MENDED, LEAK, *gates, code=1)
    assert [gate["holds"] for gate in report["gates"]] == [True, False, True]
    assert run(["diff", *gates, LEAK, MENDED]).code == 0
    quiet = run(["diff", "-q", *gates, MENDED, LEAK])
    assert quiet.code == 1
    assert "Gate does not hold: peak_reserved>+5%: " in quiet.text and "num_ooms" not in quiet.text
    target = tmp_path / "comment.md"
    written = run(["diff", *gates, "--format", "markdown", "-o", target, MENDED, LEAK])
    assert (written.code, written.out, written.err) == (1, b"", b"")
    assert "- `peak_reserved>+5%` **does not hold**: 254.00 MiB, " in target.read_text()
    assert "- `num_ooms>0` holds: 0, at most 0 allowed" in target.read_text()


def test_from_nothing_any_growth_is_more_than_a_percentage(tmp_path: Path) -> None:
    nothing = write(tmp_path / "a.pickle", snapshot([segment(BASE, [block(2 * MIB, "inactive")])],
                                                    [entry("segment_alloc", BASE, 2 * MIB)]))
    something = write(tmp_path / "b.pickle", recorded({10: 2 * MIB}))
    report = diff(nothing, something, "--fail-on", "peak_allocated>+1000%", code=1)
    assert report["metrics"]["peak_allocated_bytes"]["change_percent"] is None
    assert diff(nothing, nothing, "--fail-on", "peak_allocated>+0%")["gates"][0]["holds"]


WRONG = {"peak_reserved": "has no '>'", "peak>+5%": "'peak' is no metric", "peak_reserved<5GiB": "has no '>'",
         "peak_reserved>5%": "needs a sign", "peak_reserved>": "has no bound", "peak_reserved>+5 apples": "is not a size",
         "peak_reserved>=5GiB": "is not a size", "num_ooms>1MiB": "it has no unit", "num_ooms>+1.5": "it has no unit",
         "peak_reserved>+x%": "is no percentage", "": "has no '>'", "\x1b[31m>1": "is no metric"}


@pytest.mark.parametrize("expression", WRONG, ids=repr)
def test_a_gate_of_another_form_is_an_error_before_anything_is_read(expression: str, tmp_path: Path) -> None:
    check_error(run(["diff", "--fail-on", expression, tmp_path / "nowhere", tmp_path / "nowhere"]), 2, WRONG[expression])


def test_a_gate_on_what_a_recording_does_not_tell_is_an_error(tmp_path: Path) -> None:
    part = write(tmp_path / "part.pickle", midway())
    check_error(run(["diff", "--fail-on", "num_alloc_retries>0", LEAK, part]), 3, "a recording does not count retries")
    assert run(["diff", "--fail-on", "num_alloc_retries>0", MENDED, LEAK]).code == 0
    untraced = write(tmp_path / "untraced.pickle", snapshot([segment(BASE, [block(2 * MIB)])]))
    check_error(run(["diff", "--fail-on", "peak_reserved>+5%", MENDED, untraced]), 3, f"{untraced}: ",
                "peak_reserved is not known", "no trace was recorded")
    check_error(run(["diff", "--fail-on", "peak_reserved>+5%", untraced, MENDED]), 3, f"{untraced}: ")
    assert run(["diff", "--fail-on", "peak_reserved>1GiB", untraced, MENDED]).code == 0
    assert run(["diff", "--fail-on", "now_reserved>+5%", untraced, untraced]).code == 0


# -- what a recording does not tell ------------------------------------------------------------------------------------

def test_without_a_trace_the_ends_are_compared(tmp_path: Path) -> None:
    stack = [frame("train", "/home/user/train.py", 10)]
    sides = [write(tmp_path / f"{size}.pickle", snapshot([segment(BASE, [block(size * MIB, frames=stack)])]))
             for size in (2, 3)]
    report = diff(*sides)
    assert report["metrics"]["peak_reserved_bytes"] == {"a": None, "b": None, "change": None, "change_percent": None}
    assert report["metrics"]["num_ooms"]["a"] is None
    assert changes(report, "end") == {"train:10": MIB}
    assert report["headline"].startswith("B reserves 1.00 MiB (50.0 %) more than A at the end")
    assert [note[:14] for note in report["notes"]] == ["A has no trace", "B has no trace"]
    assert "peak_reserved" not in run(["diff", *sides]).text


@needs_corpus
def test_a_trace_with_nothing_but_a_snapshot_in_it_is_none() -> None:
    path = CORPUS / "snapshots" / "opt13b_oom_segments_only.pickle"
    report = diff(path, path)
    assert report["a"]["events"] == 1 and report["metrics"]["peak_reserved_bytes"]["a"] is None


def test_a_recording_that_begins_midway_says_so(tmp_path: Path) -> None:
    part = write(tmp_path / "part.pickle", midway())
    report = diff(LEAK, part)
    assert (report["a"]["complete"], report["b"]["complete"]) == (True, False)
    assert "The trace of B begins mid-way: its peaks and counts are of what it recorded." in report["notes"]


def test_a_cut_file_is_compared_with_its_warning(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pickle"
    cut.write_bytes(LEAK.read_bytes()[:100_000])
    report = diff(LEAK, cut)
    assert report["b"]["truncated"] and report["b"]["warnings"] and not report["a"]["truncated"]
    text = run(["diff", LEAK, cut]).text
    assert "CUT OFF" in text and "Warnings\n  - B: " in text
    assert "- `B: " in run(["diff", "--format", "markdown", LEAK, cut]).text


def test_two_devices_are_chosen_between(tmp_path: Path) -> None:
    def on(device: int, size: int) -> tuple[Document, list[Document]]:
        one = recorded({10: size})
        return {**one["segments"][0], "device": device}, one["device_traces"][0]
    first, second = on(0, 2 * MIB), on(1, 5 * MIB)
    both = write(tmp_path / "both.pickle", snapshot([first[0], second[0]], first[1], second[1]))
    alone = write(tmp_path / "alone.pickle", snapshot([first[0]], first[1]))
    assert diff(both, both, "--device", "1")["metrics"]["peak_reserved_bytes"]["b"] == 5 * MIB
    assert diff(alone, both, "--device", "0")["metrics"]["peak_reserved_bytes"]["change"] == 0
    check_error(run(["diff", "--device", "1", both, alone]), 2, str(alone), "--device 1", "one of 0")
    other = write(tmp_path / "other.pickle", snapshot([second[0]], [], second[1]))
    report = diff(alone, other)
    assert (report["a"]["device"], report["b"]["device"]) == (0, 1)
    assert report["notes"][0].startswith("Device 0 of A is compared with device 1 of B")


# -- usage, output -----------------------------------------------------------------------------------------------------

def test_wrong_usage_and_bad_files_are_one_clear_error(tmp_path: Path) -> None:
    check_error(run(["diff", LEAK]), 2, "B is missing", "--conf or --memory")
    check_error(run(["diff", "-", "-"]), 2, "both A and B are standard input")
    check_error(run(["diff", "--format", "xml", LEAK, LEAK]), 2)
    check_error(run(["diff", tmp_path / "nowhere.pickle", LEAK]), 3, "nowhere.pickle: cannot be opened")
    check_error(run(["diff", LEAK, tmp_path]), 3, "cannot be opened")
    bad = tmp_path / "bad.pickle"
    bad.write_text("this is no snapshot")
    check_error(run(["diff", LEAK, bad]), 3, f"{bad}@byte 0: ")
    empty = write(tmp_path / "empty.pickle", snapshot([]))
    check_error(run(["diff", LEAK, empty]), 3, f"{empty}: there is nothing to compare")
    check_error(run(["diff", LEAK, LEAK, "-o", LEAK]), 2, "input")


def test_help_has_examples() -> None:
    text = run(["diff", "--help"]).text
    assert "unfrag diff main.pickle branch.pickle --fail-on 'peak_reserved>+5%'" in text and "--format markdown" in text
    assert "diff" in run(["--help"]).text


def test_the_gate_takes_one_value_so_that_the_files_may_follow() -> None:
    assert run(["diff", "--fail-on", "num_ooms>0", LEAK, LEAK]).code == 0
    assert run(["diff", LEAK, "--fail-on", "num_ooms>0", LEAK]).code == 0


def test_one_side_may_be_standard_input() -> None:
    done = run(["diff", "-", LEAK], stdin=LEAK.read_bytes())
    assert done.code == 0
    assert done.text.startswith("A: standard input, device 0, 1,824 trace entries\n")


def test_quiet_is_the_headline_alone() -> None:
    done = run(["diff", "-q", "--width", "400", MENDED, LEAK])
    assert done.text.count("\n") == 1
    assert done.text.startswith("B reserves 48.00 MiB (23.3 %) more than A at its peak, 254.00 MiB instead of 206.00 MiB")


def test_colours_only_when_asked() -> None:
    plain = run(["diff", "--fail-on", "peak_reserved>1", MENDED, LEAK]).text
    coloured = run(["diff", "--fail-on", "peak_reserved>1", "--color", "always", MENDED, LEAK]).text
    assert "\x1b" not in plain and "\x1b[31mGate does not hold" in coloured


def test_names_from_a_recording_cannot_write_into_a_comment(tmp_path: Path) -> None:
    evil = "f`|@everyone <img src=x> [l](http://x)\n# h\x1b[31m"
    sides = []
    for size in (2, 4):
        stack = [frame(evil, "/home/user/`|\n.py", 10)]
        sides.append(write(tmp_path / f"{size}`@all.pickle", snapshot(
            [segment(BASE, [block(size * MIB, frames=stack)])],
            [entry("segment_alloc", BASE, size * MIB, frames=stack), entry("alloc", BASE, size * MIB, frames=stack)])))
    text = run(["diff", "--format", "markdown", *sides]).text
    assert "@everyone" in text and all(one == "\n" or one.isprintable() for one in text)
    for line in text.splitlines():
        outside = "".join(line.split("`")[::2])
        assert line.count("`") % 2 == 0
        for mark in ("@", "<img", "](", "# h"):
            assert mark not in outside, line
        if line.startswith("|"):
            assert line.count("|") in (5, 6), line


# -- JSON --------------------------------------------------------------------------------------------------------------

def test_reports_keep_to_their_schema_and_it_knows_every_field() -> None:
    strict = json.loads(json.dumps(SCHEMA))
    for part in [strict, *strict["$defs"].values()]:
        if "properties" in part:
            part["additionalProperties"] = False
    gates = ["--fail-on", "peak_reserved>1"]
    for a, b in [(MENDED, LEAK), (LEAK, MENDED), (EXAMPLES[0], EXAMPLES[1])]:
        jsonschema.Draft202012Validator(strict).validate(diff(a, b, *gates, "--top", "3", code=1))


def test_the_schema_describes_every_field_in_a_sentence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in {"top": SCHEMA, **SCHEMA["$defs"]}.items():
        assert part["description"].endswith("."), name
        for field, said in part.get("properties", {}).items():
            assert said["description"].endswith("."), f"{name}.{field}"
        assert "additionalProperties" not in part


def test_every_version_of_the_format_that_ever_was_keeps_to_its_schema(tmp_path: Path) -> None:
    """diff.1.json is version 1 as first written. Never change it: it stands for the readers out there."""
    kept = json.loads((GOLDEN / "diff.1.json").read_text())
    VALIDATOR.validate(kept)
    adds_up(kept)
    now = diff(MENDED, LEAK, "--fail-on", "peak_reserved>1", code=1)

    def fields(value: object, path: str = "") -> set[str]:
        if isinstance(value, list):
            return set().union(*(fields(one, path + "[]") for one in value)) if value else set()
        if not isinstance(value, dict):
            return {path}
        return set().union(*(fields(one, f"{path}.{key}") for key, one in value.items()))

    noted = diff(LEAK, write(tmp_path / "part.pickle", midway()))
    assert fields(kept) <= fields(now) | fields(noted)


# -- golden files ------------------------------------------------------------------------------------------------------

SHOWN = {"leak.80.txt": (), "leak.60.txt": ("--width", "60", "--stacks"), "leak.md": ("--format", "markdown"),
         "mended.80.txt": ("--top", "1")}


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_are_compared_as_kept(name: str) -> None:
    files = ["examples/leak_mended.pickle", "examples/leak.pickle"]
    if name.startswith("mended"):
        files.reverse()
    gates = ["--fail-on", "peak_allocated>+5%", "--fail-on", "num_ooms>0"]
    done = run(["diff", "--width", "80", *SHOWN[name], *gates, *files] if "--width" not in SHOWN[name]
               else ["diff", *SHOWN[name], *gates, *files], cwd=ROOT)
    assert (done.code, done.message) == (0 if name.startswith("mended") else 1, "")
    kept = GOLDEN / f"diff_{name}"
    if os.environ.get("UNFRAG_UPDATE_GOLDEN") == "1":
        kept.write_text(done.text)
    assert done.text == kept.read_text(), "if this is better, run again with UNFRAG_UPDATE_GOLDEN=1"


@pytest.mark.parametrize("width", [60, 80, 140])
def test_lines_keep_within_the_width(width: int) -> None:
    for a, b in [(MENDED, LEAK), (EXAMPLES[0], EXAMPLES[1])]:
        for line in run(["diff", "--width", width, "--stacks", a, b]).text.splitlines():
            assert len(line) <= width, line


# -- a recording beside its what-if ------------------------------------------------------------------------------------

FRAGMENTED = ROOT / "examples" / "fragmentation_oom.pickle"


def test_a_recording_is_compared_with_itself_under_other_settings() -> None:
    conf = ("--conf", "expandable_segments:True")
    done = run(["diff", FRAGMENTED, *conf, "--format", "json"])
    assert (done.code, done.message) == (0, "")
    report = json.loads(done.text)
    VALIDATOR.validate(report)
    adds_up(report)
    replay = json.loads(run(["replay", FRAGMENTED, *conf, "--format", "json"]).text)
    for metric, value in report["metrics"].items():
        name = metric.replace("now_", "end_")
        if name in replay:
            assert (value["a"], value["b"]) == (replay["recorded"][name], replay[name]), metric
    assert changes(report, "end")["evaluate:92"] == 1000 * MIB  # the request that failed lives on
    text = " ".join(run(["diff", FRAGMENTED, *conf]).text.split())
    assert f"B: {FRAGMENTED} with expandable_segments:True" in text and "A ran out of memory, B did not." in text
    assert run(["diff", FRAGMENTED, *conf, "--fail-on", "num_ooms>0"]).code == 0
    assert run(["diff", FRAGMENTED, "--memory", "1GiB", "--fail-on", "num_ooms>1"]).code == 1


def test_a_what_if_that_is_none_and_a_second_file_beside_it_are_errors() -> None:
    check_error(run(["diff", FRAGMENTED, "--conf", "default"]), 2, "that is how it was recorded")
    check_error(run(["diff", FRAGMENTED, LEAK, "--conf", "default"]), 2, "no place for B")
    check_error(run(["diff", FRAGMENTED, "--conf", "nonsense:1"]), 2, "nonsense")
