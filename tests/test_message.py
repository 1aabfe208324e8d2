"""`unfrag explain --message`: real messages of every release, as they come out of logs and notebooks, and tables.

The texts in tests/messages are real ones, named for the release that printed them (as far as it is known) and for what
they show; paths are replaced. UNFRAG_UPDATE_GOLDEN=1 writes tests/golden/message_*.txt anew.
"""

from __future__ import annotations

import html
import json
import os
import random
import re
from pathlib import Path

import jsonschema
import pytest

from support import CORPUS, EXAMPLES, GOLDEN, ROOT, Document, check_error, named, needs_corpus, run

MESSAGES = sorted((ROOT / "tests" / "messages").glob("*.txt"))
SCHEMA = json.loads((ROOT / "docs" / "format" / "message.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

GIB = 1 << 30
UNITS = {"B": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": GIB}


def text_of(name: str) -> str:
    return (ROOT / "tests" / "messages" / f"{name}.txt").read_text()


def explain(text: str | bytes) -> Document:
    data = text if isinstance(text, bytes) else text.encode()
    done = run(["explain", "--format", "json", "--message", "-"], stdin=data)
    assert (done.code, done.message) == (0, "")
    report = json.loads(done.text)
    VALIDATOR.validate(report)
    consistent(report)
    return report


def consistent(report: Document) -> None:
    """What holds for every report: the sums are sums, and the verdict is one that its evidence allows."""
    figures, verdict = report["figures"], report["verdict"]
    evidence = verdict["evidence"]
    assert verdict["kind"] not in verdict["also"]
    assert figures.keys() == report["precision"].keys()
    for name, value in figures.items():
        assert (value is None) == (report["precision"][name] is None), name
    if report["message"] is None:
        return
    if evidence["spare_bytes"] is not None:
        assert evidence["spare_bytes"] == evidence["may_bytes"] - evidence["need_bytes"]
        assert evidence["spare_plus_minus_bytes"] >= 0
    if verdict["kind"] == "fragmentation":
        assert evidence["unallocated_bytes"] + evidence["room_bytes"] >= figures["requested_bytes"]
    if verdict["kind"] == "stranded":
        assert figures["private_free_bytes"] >= figures["requested_bytes"]


def size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text.split()
    return round(float(number) * UNITS[unit])


# -- real messages -----------------------------------------------------------------------------------------------------

# name: verdict, device, backend, and the figures as printed: requested, total, free, limit, allocated, reserved,
# unallocated, free in private pools
KNOWN = {
    "1.1_cached": ("fragmentation", 0, "CUDA", "294.00 MiB", "7.79 GiB", "61.62 MiB", None, "6.27 GiB", None,
                   "617.88 MiB", None),
    "1.8_reserved": ("fragmentation", 0, "CUDA", "2.87 GiB", "14.76 GiB", "19.75 MiB", None, "8.77 GiB", "13.71 GiB",
                     None, None),
    "1.8_limit": ("capacity", 0, "CUDA", "37.25 GiB", "23.68 GiB", "15.79 GiB", "2.37 GiB", "192.29 MiB", "5.05 GiB",
                  None, None),
    "1.13_outside": ("outside", 0, "CUDA", "50.00 MiB", "31.75 GiB", "44.69 MiB", None, "5.22 GiB", "5.22 GiB", None,
                     None),
    "1.13_lightning": ("capacity", 1, "CUDA", "12.00 GiB", "39.41 GiB", "7.67 GiB", None, "29.30 GiB", "29.98 GiB",
                       None, None),
    "2.0_windows": ("capacity", 0, "CUDA", "10.73 GiB", "8.00 GiB", "0 bytes", None, "17.20 GiB", "19.15 GiB", None,
                    None),
    "2.1_container": ("capacity", 0, "CUDA", "496.00 MiB", "14.75 GiB", "235.06 MiB", None, "14.06 GiB", None,
                      "330.42 MiB", None),
    "2.1_room": ("undecided", 0, "CUDA", "2.00 GiB", "4.00 GiB", "2.80 GiB", None, "0 bytes", None, "0 bytes", None),
    "2.2_fragmentation": ("fragmentation", 0, "CUDA", "7.50 GiB", "21.99 GiB", "6.62 GiB", None, "6.15 GiB", None,
                          "8.71 GiB", None),
    "2.3_full": ("capacity", 0, "CUDA", "22.00 MiB", "23.65 GiB", "11.06 MiB", None, "22.90 GiB", None, "194.87 MiB",
                 None),
    "2.5_pools": ("stranded", 0, "CUDA", "2.00 MiB", "47.53 GiB", "896.00 KiB", None, "47.00 GiB", None, "149.10 MiB",
                  "46.22 GiB"),
    "2.5_vllm_log": ("capacity", 2, "CUDA", "128.00 MiB", "79.33 GiB", "16.00 MiB", None, "69.59 GiB", None,
                     "118.90 MiB", "46.00 MiB"),
    "2.6_two_processes": ("capacity", 0, "CUDA", "124.68 GiB", "95.22 GiB", "51.23 GiB", None, "25.50 GiB", None,
                          "3.14 GiB", None),
    "2.6_limit": ("limit", 0, "CUDA", "996.00 MiB", "44.43 GiB", "9.06 GiB", "17.69 GiB", "17.44 GiB", None,
                  "59.88 MiB", None),
    "2.7_wsl_limit": ("limit", 0, "CUDA", "3.98 GiB", "31.84 GiB", "16.30 GiB", "17.51 GiB", "6.74 GiB", None,
                      "7.02 GiB", None),
    "2.8_hip": ("undecided", 0, "HIP", "432.00 MiB", "15.92 GiB", "7.12 GiB", None, "8.08 GiB", None, "321.96 MiB",
                None),
    "2.9_transformers_ranks": ("capacity", 2, "CUDA", "18.84 GiB", "39.38 GiB", "276.56 MiB", None, "35.59 GiB", None,
                               "2.31 GiB", None),
    "2.9_ddp_contexts": ("outside", 0, "CUDA", "572.00 MiB", "39.49 GiB", "321.31 MiB", None, "36.04 GiB", None,
                         "321.37 MiB", None),
    "2.10_hydra_repr": ("outside", 0, "CUDA", "96.00 MiB", "47.41 GiB", "8.38 MiB", None, "27.02 GiB", None,
                        "23.31 MiB", None),
    "2.10_monai": ("capacity", 0, "CUDA", "32.00 GiB", "23.52 GiB", "23.05 GiB", None, "0 bytes", None, "0 bytes",
                   None),
    "2.11_hip_log": ("capacity", 0, "HIP", "12.95 GiB", "127.00 GiB", "18.55 GiB", None, "99.37 GiB", None,
                     "121.80 MiB", None),
    "2.12_xpu": ("undecided", 0, "XPU", "4.66 GiB", "5.65 GiB", "5.65 GiB", None, "195.50 KiB", None, "1.81 MiB", None),
    "xpu_full": ("outside", 0, "XPU", "20.00 MiB", "11.93 GiB", "5.62 MiB", None, "10.43 GiB", None, "94.57 MiB", None),
    "async": ("undecided", 0, "CUDA", "512.00 KiB", "15.99 GiB", "0 bytes", None, "15.16 GiB", None, None, None),
    "mps": ("limit", None, "MPS", "292.50 MiB", None, None, "27.20 GiB", "9.57 GiB", None, None, None),
}


def test_every_message_has_its_figures_here() -> None:
    assert {path.stem for path in MESSAGES if not path.stem.startswith("summary")} == KNOWN.keys()


@pytest.mark.parametrize("name", KNOWN)
def test_a_real_message_is_read_to_the_figure(name: str) -> None:
    kind, device, backend, *printed = KNOWN[name]
    report = explain(text_of(name))
    figures = report["figures"]
    assert (report["verdict"]["kind"], report["message"]["device"], report["message"]["backend"]) == \
        (kind, device, backend)
    fields = ("requested", "total", "free", "limit", "allocated", "reserved", "unallocated", "private_free")
    assert [figures[f"{field}_bytes"] for field in fields] == [size(one) for one in printed]


@needs_corpus
def test_messages_of_recorded_failures_agree_with_what_pytorch_counted() -> None:
    """PyTorch 2.9.1 and 2.15.0 wrote these; the figures beside them are its own statistics."""
    failures = [one for one in map(json.loads, (CORPUS / "pytorch" / "truth.jsonl").read_text().splitlines())
                if one["oom"]]
    assert {one["torch"].split("+")[0] for one in failures} == {"2.9.1", "2.15.0"}
    for one in failures:
        report = explain(one["oom"])
        figures = report["figures"]
        assert figures["total_bytes"] == one["total_memory"]
        half_a_hundredth = 0.0051 * (1 << 30)
        reserved = figures["allocated_bytes"] + figures["unallocated_bytes"]
        assert abs(reserved - one["peak_reserved"]) < max(2 * half_a_hundredth, 0.01 * one["peak_reserved"])
        wanted = "capacity" if one["config"] == "expandable" else "fragmentation"
        assert report["verdict"]["kind"] == wanted


def test_processes_are_told_apart() -> None:
    gpu = explain(text_of("2.9_ddp_contexts"))["processes"]
    assert [one["pid"] for one in gpu] == [3721648, None, 1374765, 1374763, 1374764]
    assert [one["self"] for one in gpu] == [False, True, False, False, False]
    container = explain(text_of("2.6_two_processes"))["processes"]
    assert [(one["pid"], one["self"]) for one in container] == [(608946, False), (734147, True)]
    assert explain(text_of("2.7_wsl_limit"))["processes"] == [{"pid": None, "bytes": None, "self": True}]


def test_the_last_of_several_is_explained_and_they_are_counted() -> None:
    report = explain(text_of("2.3_full") + text_of("1.8_reserved") + "CUDA error: out of memory\n" + text_of("2.6_limit"))
    assert report["source"]["messages"] == 3
    assert report["figures"]["requested_bytes"] == 996 << 20
    assert "the last of 2 out-of-memory messages" in \
        run(["explain", "--width", "80", "--message", "tests/messages/2.11_hip_log.txt"], cwd=ROOT).text


BARE_AGAIN = "RuntimeError: CUDA out of memory. Tried to allocate {}\n"


def test_a_message_is_not_hidden_by_its_first_words_alone() -> None:
    """A re-raise, or a wrapper's line in the log."""
    whole = explain(text_of("2.6_limit"))
    report = explain(text_of("2.3_full") + text_of("2.6_limit") + BARE_AGAIN.format("996.00 MiB") * 2)
    assert report["source"]["messages"] == 4
    assert report["later"] is None
    for field in ("message", "figures", "verdict", "notes"):
        assert report[field] == whole[field], field


def test_another_failure_without_figures_after_the_message_is_told() -> None:
    text = text_of("2.6_limit") + BARE_AGAIN.format("20.00 MiB")
    report = explain(text)
    assert report["figures"] == explain(text_of("2.6_limit"))["figures"]
    assert report["later"] == {"messages": 1, "requested_bytes": 20 << 20}
    assert report["notes"][0].startswith("A later message without figures asked for 20.00 MiB")
    shown = run(["explain", "--width", "200", "--message", "-"], stdin=text.encode()).text
    assert "the last with figures of 2 out-of-memory messages" in shown and "- A later message without figures" in shown
    many = explain(text + BARE_AGAIN.format("1.00 GiB") + BARE_AGAIN.format("996.00 MiB"))
    assert many["later"] == {"messages": 2, "requested_bytes": 1 << 30}
    assert many["notes"][0].startswith("2 later messages without figures asked for other sizes, the last for 1.00 GiB")


# -- as they come ------------------------------------------------------------------------------------------------------

def wrapped(text: str, width: int) -> str:
    return "\n".join(line[at:at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))


def boxed(text: str) -> str:
    rows = wrapped(text, 50).split("\n")
    return "╭" + "─" * 52 + "╮\n" + "".join(f"│ {row:50} │\n" for row in rows) + "╰" + "─" * 52 + "╯\n"


def coloured(text: str) -> str:
    name = re.compile(r"(\w*(?:Error|RuntimeError))(?=[:(])")
    return name.sub("\x1b[0;31m\\1\x1b[0m", text).replace("\n", "\x1b[K\r\n")


WRAPPINGS = {
    "narrow_terminal": lambda text: wrapped(text, 37),
    "one_letter_a_line": lambda text: wrapped(text, 1),
    "colours": coloured,
    "notebook_file": lambda text: json.dumps({"ename": "OutOfMemoryError", "traceback": coloured(text).split("\r\n")}),
    "web_page": lambda text: f"<pre><span class='ansi-red-fg'>{html.escape(text)}</span></pre>".replace(" ", "&nbsp;"),
    "rich_box": boxed,
    "mail_quote": lambda text: "".join(f"> {line}\n" for line in wrapped(text, 70).split("\n")),
    "comment": lambda text: "".join(f"# {line}\n" for line in wrapped(text, 70).split("\n")),
    "python_literal": lambda text: "\n".join(f'    "{line}"' for line in wrapped(text, 60).split("\n")),
    "repr": repr,
    "windows": lambda text: text.replace("\n", "\r\n"),
    "utf_16": lambda text: text.encode("utf-16"),
    "fastai": lambda text: "Exception occured in `TrainEvalCallback` when calling event `before_batch`:\n\t" + text,
    "around_a_log": lambda text: "epoch 1\nGPU memory 3.20 GiB free;\n" + text + "12.00 GiB allowed; 9.99 GiB free;\n",
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_message_reads_the_same_however_it_is_wrapped(wrapping: str) -> None:
    for path in MESSAGES:
        plain = explain(path.read_text())
        packed = explain(WRAPPINGS[wrapping](path.read_text()))
        for field in ("message", "figures", "processes", "summary", "verdict", "cannot_tell"):
            assert packed[field] == plain[field], (path.name, field)


BARE = {
    "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported": "driver itself",
    "torch.AcceleratorError: CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in": "driver itself",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`": "cuBLAS",
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate more than 1EB memory.": "overflowed size",
    "torch.OutOfMemoryError: CUDA out of memory. Allocation preemptively rejected": "throw_on_cudamalloc_oom",
    "torch.cuda.OutOfMemoryError: CUDA out of memory.": "no figures",
    "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes": "host's",
    "CUDA out of memory. Tried to allocate 218.96 GiB": "what the driver had left",
}


@pytest.mark.parametrize("text", BARE, ids=lambda text: text[:40])
def test_an_error_with_few_figures_is_undecided_and_says_why(text: str) -> None:
    report = explain(text)
    assert report["verdict"]["kind"] == "undecided"
    assert BARE[text] in report["verdict"]["headline"]
    assert report["record"]


# -- tables ------------------------------------------------------------------------------------------------------------

def test_a_table_is_read_to_the_figure() -> None:
    report = explain(text_of("summary_2.3"))
    table = report["summary"]
    assert report["message"] is None and set(report["figures"].values()) == {None}
    assert (table["device"], table["ooms"], table["retries"]) == (0, 0, 0)
    assert table["reserved"] == {"current_bytes": 5684 << 20, "peak_bytes": 5868 << 20, "allocated_bytes": 5870 << 20,
                                 "freed_bytes": 190464 << 10}
    assert table["allocations"] == {"current": 629, "peak": 670, "allocated": 487593, "freed": 486964}
    assert table["oversize_segments"] is None
    assert report["verdict"]["kind"] == "healthy"
    assert report["verdict"]["evidence"]["free_bytes"] == 60 << 20
    assert report["verdict"]["evidence"]["holes_bytes"] == 60505 << 10


def test_an_old_table_and_one_without_its_frame_are_read() -> None:
    table = explain(text_of("summary_1.4"))["summary"]
    assert (table["ooms"], table["retries"]) == (1, 1)
    assert table["reserved"]["current_bytes"] == 12420 << 20
    rows = [line for line in text_of("summary_2.3").splitlines() if "memory  " in line]
    assert explain("\n".join(rows))["summary"]["active"]["peak_bytes"] == 5673 << 20


def test_a_message_and_a_table_are_both_explained() -> None:
    report = explain(text_of("summary_2.3") + text_of("2.6_limit"))
    assert report["verdict"]["kind"] == "limit"
    assert report["summary"]["reserved"]["current_bytes"] == 5684 << 20


# -- usage, output, exit codes -----------------------------------------------------------------------------------------

FULL = ROOT / "tests" / "messages" / "2.3_full.txt"


def test_nothing_to_explain_prints_how_to_record() -> None:
    done = run(["explain"])
    assert (done.code, done.message) == (0, "")
    for line in ("torch.cuda.memory._record_memory_history(max_entries=", 'torch.cuda.memory._dump_snapshot("oom.pickle")',
                 "unfrag explain oom.pickle", "--message"):
        assert line in done.text


def test_a_report_ends_with_the_lines_that_record() -> None:
    text = run(["explain", "--message", FULL]).text
    assert text.endswith("Next: unfrag explain oom.pickle\n")
    assert "_record_memory_history(max_entries=" in text
    assert explain(text_of("xpu_full"))["record"][1].startswith("torch.xpu.memory.")
    assert explain(text_of("mps"))["record"] == []


def test_the_lines_that_record_are_python() -> None:
    compile("\n".join(explain(text_of("2.3_full"))["record"]), "record", "exec")


@pytest.mark.parametrize("more", [[EXAMPLES[0]], ["-"], ["--at", "3"], ["--device", "0"], ["--top", "1"], ["--stacks"],
                                  ["--group", "line"], ["--max-unpacked", "1"]], ids=str)
def test_a_message_goes_without_a_snapshot_and_its_options(more: list[str | Path]) -> None:
    check_error(run(["explain", "--message", FULL, *more]), 2, "--message excludes ")


def test_text_without_a_message_is_one_clear_error(tmp_path: Path) -> None:
    what = "no out-of-memory message and no memory_summary table in this text"
    check_error(run(["explain", "--message", "-"], stdin=b"all is well\n"), 3, "standard input@byte 0", what)
    check_error(run(["explain", "--message", EXAMPLES[0]]), 3, what)
    check_error(run(["explain", "--message", "-"], stdin=b""), 3, "the file is empty")
    check_error(run(["explain", "--message", tmp_path / "nowhere.txt"]), 3, "cannot be opened")
    check_error(run(["explain", "--message", tmp_path]), 3, "cannot be opened")
    check_error(run(["explain", "--message", ""]), 3, "cannot be opened")


def test_output_goes_to_a_file_that_is_no_input(tmp_path: Path) -> None:
    source, target = tmp_path / "error.txt", tmp_path / "report.txt"
    source.write_text(text_of("2.3_full"))
    for options in ([], ["--format", "json"], ["-q"]):
        done = run(["explain", "--message", source, *options, "-o", target])
        assert (done.code, done.out, done.err) == (0, b"", b"")
        assert target.read_bytes() == run(["explain", "--message", source, *options]).out
    check_error(run(["explain", "--message", source, "-o", source]), 2, "input")
    assert source.read_text() == text_of("2.3_full")


def test_quiet_is_the_verdict_alone() -> None:
    text = run(["explain", "-q", "--width", "200", "--message", FULL]).text
    assert text.count("\n") == 1
    assert text.startswith("Verdict: capacity. 22.90 GiB are allocated")


def test_colours_only_when_asked() -> None:
    plain = run(["explain", "--message", FULL]).text
    red = run(["explain", "--color", "always", "--message", FULL]).text
    assert "\x1b[31mVerdict: capacity." in red and "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", red) == plain


@pytest.mark.parametrize("width", [60, 80, 140])
def test_lines_keep_within_the_width(width: int) -> None:
    for path in MESSAGES:
        for line in run(["explain", "--width", width, "--message", path.relative_to(ROOT)], cwd=ROOT).text.splitlines():
            assert len(line) <= width or "torch." in line, (path.name, line)


# -- hostile input -----------------------------------------------------------------------------------------------------

def plain(text: str) -> None:
    assert all(one == "\n" or one.isprintable() for one in text)


def test_nothing_from_the_text_reaches_the_terminal_unescaped(tmp_path: Path) -> None:
    path = tmp_path / "bad\x1b[31m\nname.txt"
    path.write_bytes(b"\x1b]0;title\x07\x9b31m\xff\x00 \xe2\x80\xae" + text_of("2.6_limit").encode() + b"\x1b[2J\xff")
    for options in ([], ["--format", "json"]):
        done = run(["explain", *options, "--message", path])
        assert done.code == 0
        plain(done.text)
    path.write_bytes(b"\x1b[2J")
    done = run(["explain", "--message", path])
    assert done.code == 3
    plain(done.message)


def test_any_bytes_give_a_report_or_one_error() -> None:
    source = random.Random(7)
    texts = [path.read_bytes() for path in MESSAGES]
    for _ in range(150):
        data = bytearray(source.choice(texts))
        for _ in range(source.randrange(1, 30)):
            at = source.randrange(len(data))
            data[at:at + source.randrange(4)] = source.choice(
                [b"", b"\x00", b"\xff", b"9" * 30, b"GiB", b"|", b"free;", b"\x1b[", b"<", b"Tried to allocate 1.00 GiB"])
        for options in ([], ["--format", "json"]):
            done = run(["explain", *options, "--message", "-"], stdin=bytes(data))
            assert done.code in (0, 3)
            plain(done.text + done.message)
            if done.code == 0 and options:
                report = json.loads(done.text)
                VALIDATOR.validate(report)
                consistent(report)


FLOODS = [b"Tried to allocate 1.00 GiB (GPU 0; ", b"memory summary, device ID 0", b"| Allocated memory |", b"<a", b"\x1b[",
          b"CUDA error: out of memory", b"1.00 GiB memory in use.", b"9", b"&a", b"\\u001b[", b"|"]


@pytest.mark.parametrize("flood", FLOODS, ids=repr)
def test_a_flood_of_words_takes_no_time_and_hides_no_message(flood: bytes) -> None:
    data = flood * (4_000_000 // len(flood)) + b"\n" + text_of("2.6_limit").encode()
    done = run(["explain", "--format", "json", "--message", "-"], stdin=data)
    assert done.code == 0
    assert json.loads(done.text)["figures"]["limit_bytes"] == size("17.69 GiB")


def test_of_a_huge_log_the_end_is_looked_at() -> None:
    line = b"2026-01-01 00:00:00 INFO step 1 loss 0.1234567890123456789\n"
    data = text_of("2.3_full").encode() + line * (70 * (1 << 20) // len(line)) + text_of("2.6_limit").encode()
    report = explain(data)
    assert report["source"]["bytes"] == len(data)
    assert report["source"]["skipped_bytes"] > 0
    assert report["source"]["messages"] == 1
    assert report["verdict"]["kind"] == "limit"


# -- JSON --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", named(MESSAGES))
def test_reports_keep_to_their_schema_and_it_knows_every_field(path: Path) -> None:
    strict = json.loads(json.dumps(SCHEMA))
    for part in [strict, *strict["$defs"].values()]:
        if "properties" in part:
            part["additionalProperties"] = False
    jsonschema.Draft202012Validator(strict).validate(explain(path.read_text()))


def test_the_schema_describes_every_field_in_a_sentence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in {"top": SCHEMA, **SCHEMA["$defs"]}.items():
        assert part["description"].endswith("."), name
        for field, said in part.get("properties", {}).items():
            assert said["description"].endswith("."), f"{name}.{field}"
        assert "additionalProperties" not in part


def test_every_version_of_the_format_that_ever_was_keeps_to_its_schema() -> None:
    """message.1.json is version 1 as first written. Never change it: it stands for the readers out there."""
    kept = json.loads((GOLDEN / "message.1.json").read_text())
    VALIDATOR.validate(kept)
    consistent(kept)
    now = explain(text_of("summary_2.3") + text_of("2.9_ddp_contexts"))

    def fields(value: object, path: str = "") -> set[str]:
        if isinstance(value, list):
            return set().union(*(fields(one, path + "[]") for one in value)) if value else set()
        if not isinstance(value, dict):
            return {path}
        return set().union(*(fields(one, f"{path}.{key}") for key, one in value.items()))

    assert fields(kept) <= fields(now)


# -- golden files ------------------------------------------------------------------------------------------------------

SHOWN = ["1.8_reserved", "1.13_outside", "2.1_room", "2.3_full", "2.5_pools", "2.6_limit", "async", "mps", "summary_2.3"]


@pytest.mark.parametrize("name", SHOWN)
def test_messages_are_explained_as_kept(name: str) -> None:
    done = run(["explain", "--width", "80", "--message", f"tests/messages/{name}.txt"], cwd=ROOT)
    assert (done.code, done.message) == (0, "")
    kept = GOLDEN / f"message_{name}.txt"
    if os.environ.get("UNFRAG_UPDATE_GOLDEN") == "1":
        kept.write_text(done.text)
    assert done.text == kept.read_text(), "if this is better, run again with UNFRAG_UPDATE_GOLDEN=1"


def test_an_angle_bracket_before_the_message_hides_nothing() -> None:
    report = explain("epoch 3 loss<best: " + text_of("1.8_reserved") + " -> skipping")
    assert report["figures"] == explain(text_of("1.8_reserved"))["figures"]
