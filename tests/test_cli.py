"""The command line of `unfrag explain`: exit codes, messages, output, text for people and JSON for programs.

UNFRAG_UPDATE_GOLDEN=1 writes tests/golden/explain_*.txt anew; read the difference before committing it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import pty
import re
import struct
import subprocess
import termios
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import (BASE, EXAMPLES, GOLDEN, MIB, PROGRAM, ROOT, Document, Result, as_json, block, check_error,
                     conservation, entry, environment, explain_json, frame, gzip_member, named, only, recordings,
                     run, segment, small_snapshot, snapshot)

LEAK = ROOT / "examples" / "leak.pickle"
OOM = ROOT / "examples" / "fragmentation_oom.pickle"
SCHEMA = json.loads((ROOT / "docs" / "format" / "explain.schema.json").read_text())
RESULT = Path("result.txt")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.pickle"
    path.write_text("this is no snapshot")
    return path


# -- exit codes and messages -------------------------------------------------------------------------------------------

def test_a_report_exits_with_zero_and_says_nothing_on_standard_error() -> None:
    done = run(["explain", LEAK])
    assert (done.code, done.message) == (0, "")
    assert done.text.startswith(str(LEAK)) or str(LEAK) in done.text


def test_version_and_help_are_fine() -> None:
    assert re.fullmatch(r"unfrag \d+\.\d+\.\d+\n", run(["--version"]).text)
    assert "explain" in run(["--help"]).text
    help_text = run(["explain", "--help"])
    assert help_text.code == 0
    assert "unfrag explain oom.pickle" in help_text.text


USAGE = {
    "no_command": [],
    "unknown_command": ["explode"],
    "unknown_option": ["explain", "--frobnicate", LEAK],
    "unknown_format": ["explain", "--format", "xml", LEAK],
    "unknown_color": ["explain", "--color", "blue", LEAK],
    "unknown_group": ["explain", "--group", "mood", LEAK],
    "too_narrow": ["explain", "--width", "59", LEAK],
    "too_wide": ["explain", "--width", "1001", LEAK],
    "no_width": ["explain", "--width", "wide", LEAK],
    "negative_top": ["explain", "--top", "-1", LEAK],
    "no_size": ["explain", "--max-unpacked", "5 bananas", LEAK],
    "no_moment": ["explain", "--at", "noon", LEAK],
    "moment_with_rest": ["explain", "--at", "5x", LEAK],
    "negative_moment": ["explain", "--at=-1", LEAK],
    "moment_after_the_end": ["explain", "--at", "1824", LEAK],
    "moment_2_to_the_32_less_2": ["explain", "--at", "4294967294", LEAK],
    "moment_2_to_the_32_less_1": ["explain", "--at", "4294967295", LEAK],
    "moment_2_to_the_32": ["explain", "--at", "4294967296", LEAK],
    "no_oom": ["explain", "--at", "oom", LEAK],
    "no_such_device": ["explain", "--device", "1", LEAK],
    "negative_device": ["explain", "--device=-1", LEAK],
    "output_without_name": ["explain", LEAK, "-o"],
}


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_exits_with_two_and_one_clear_line(name: str) -> None:
    done = run(USAGE[name])
    check_error(done, 2)
    assert done.out == b""


def test_a_message_says_what_would_work() -> None:
    check_error(run(["explain", "--at", "1824", LEAK]), 2, str(LEAK), "1824 trace entries", "0 to 1823")
    check_error(run(["explain", "--device", "7", LEAK]), 2, "--device 7", "one of 0")
    check_error(run(["explain", "--group", "mood", LEAK]), 2, "try unfrag explain --help")


def test_a_missing_file_a_folder_and_a_bad_file_exit_with_three(tmp_path: Path, bad: Path) -> None:
    check_error(run(["explain", tmp_path / "nowhere.pickle"]), 3, "nowhere.pickle: cannot be opened")
    check_error(run(["explain", tmp_path]), 3, "cannot be opened")
    check_error(run(["explain", bad]), 3, f"{bad}@byte 0: ", "plain text")
    check_error(run(["explain", "-"], stdin=b""), 3, "standard input@byte 0: the file is empty")


def test_a_place_that_cannot_be_written_exits_with_five(tmp_path: Path) -> None:
    target = tmp_path / "no" / "such" / "folder.txt"
    check_error(run(["explain", LEAK, "-o", target]), 5, str(target), "cannot be written")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "explain", LEAK], stdout=full, stderr=subprocess.PIPE, env=environment())
    check_error(Result(done.returncode, b"", done.stderr), 5, "standard output", "No space left")


def test_a_closed_pipe_ends_silently() -> None:
    for options in ([], ["--format", "json"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PROGRAM, "explain", *options, LEAK], stdout=writer, stderr=subprocess.PIPE,
                              env=environment())
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"'{PROGRAM}' explain --format json '{LEAK}' | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, env=environment())
    assert (done.returncode, done.stderr) == (0, b"")


# -- -o ----------------------------------------------------------------------------------------------------------------

def test_output_goes_to_the_file_and_nowhere_else(tmp_path: Path) -> None:
    target = tmp_path / RESULT
    for options in ([], ["--format", "json"], ["-q"]):
        target.write_text("what was there before")
        done = run(["explain", *options, LEAK, "-o", target])
        assert (done.code, done.out, done.err) == (0, b"", b"")
        assert target.read_bytes() == run(["explain", *options, LEAK]).out
        assert os.listdir(tmp_path) == [target.name]


def test_a_failed_command_leaves_the_older_file_whole(tmp_path: Path) -> None:
    target = tmp_path / RESULT
    target.write_text("precious")
    for arguments in ([tmp_path / "nowhere"], ["-"], [LEAK, "--at", "99999"], [LEAK, "--width", "1"]):
        assert run(["explain", *arguments, "-o", target], stdin=b"nonsense").code in (2, 3)
        assert target.read_text() == "precious"
        assert os.listdir(tmp_path) == [target.name]


def test_a_full_disk_leaves_the_older_file_whole(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    target = tmp_path / RESULT
    target.write_text("precious")
    script = f"trap '' XFSZ; ulimit -f 1; exec '{PROGRAM}' explain --format json '{LEAK}' -o '{target}'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, env=environment())
    check_error(Result(done.returncode, done.stdout, done.stderr), 5, str(target))
    assert target.read_text() == "precious"
    assert os.listdir(tmp_path) == [target.name]


def test_output_never_replaces_an_input(tmp_path: Path) -> None:
    source = tmp_path / "snapshot.pickle"
    source.write_bytes(LEAK.read_bytes())
    symbolic, hard = tmp_path / "symbolic", tmp_path / "hard"
    symbolic.symlink_to(source)
    hard.hardlink_to(source)
    for target in (source, symbolic, hard, tmp_path / "." / "snapshot.pickle"):
        for files in ([source], [LEAK, source]):
            check_error(run(["explain", *files, "-o", target]), 2, "input")
    check_error(run(["explain", symbolic, "-o", source]), 2, "input")
    assert source.read_bytes() == LEAK.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["hard", "snapshot.pickle", "symbolic"]


def test_output_to_something_that_is_no_file_does_not_replace_it(tmp_path: Path) -> None:
    """-o /dev/stdout and the like: a pipe is written to, not renamed over."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        run(["explain", "-q", LEAK, "-o", pipe])
        assert pipe.is_fifo()
    finally:
        os.close(reader)


# -- options -----------------------------------------------------------------------------------------------------------

def test_one_result_for_one_input() -> None:
    for options in ([], ["--format", "json"], ["--at", "peak", "--stacks"]):
        assert run(["explain", *options, OOM]).out == run(["explain", *options, OOM]).out


def test_quiet_leaves_only_the_result() -> None:
    quiet, full = run(["explain", "-q", OOM]), run(["explain", OOM])
    assert quiet.code == 0
    assert "ran out of memory" in quiet.text
    assert len(quiet.text.splitlines()) < 12 < len(full.text.splitlines())


@pytest.mark.parametrize("moment", ["0", "100", "1546", "peak", "oom", "end", None])
def test_every_kind_of_moment_is_explained(moment: str | None) -> None:
    options = ["--at", moment] if moment else []
    device = only(explain_json(OOM, *options))
    kind = "event" if moment and moment.isdigit() else moment or "oom"
    event = {"peak": device["peak"]["allocated_event"], "oom": device["ooms"][-1]["event"], "end": None}.get(
        kind, int(moment) if moment and moment.isdigit() else None)
    assert (device["at"]["moment"], device["at"]["event"]) == (kind, event)
    text = run(["explain", *options, OOM]).text
    if event is not None:
        assert f"after entry {event:,}" in re.sub(r"\s+", " ", text)


def test_without_a_failed_request_the_end_is_explained() -> None:
    assert only(explain_json(LEAK)) == {**only(explain_json(LEAK, "--at", "end"))}


def test_a_moment_can_be_asked_of_a_snapshot_without_a_trace() -> None:
    document = {"segments": small_snapshot()["segments"]}
    for moment in ("peak", "end"):
        assert only(explain_json(document, "--at", moment))["at"]["requested_bytes"] == 500
    check_error(run(["explain", "--at", "0", "-"], stdin=pickle.dumps(document)), 2, "--at 0")
    check_error(run(["explain", "--at", "oom", "-"], stdin=pickle.dumps(document)), 2, "--at oom")


@pytest.mark.parametrize("group", ["line", "function", "stream", "segment"])
def test_every_grouping_holds_the_same_bytes(group: str) -> None:
    for path in EXAMPLES:
        device = only(explain_json(path, "--group", group))
        holders = device["holders"]
        assert holders == sorted(holders, key=lambda one: (-one["at_bytes"], -one["peak_bytes"], -one["now_bytes"]))
        assert sum(one["peak_bytes"] for one in holders) == device["peak"]["allocated_bytes"]
        keys = [{"line": (one["file"], one["line"], one["function"]), "function": (one["file"], one["function"]),
                 "stream": one.get("stream"), "segment": one.get("segment")}[group] for one in holders]
        assert len(set(keys)) == len(keys)
        assert f"by {group}" in run(["explain", "--group", group, path]).text


@pytest.mark.parametrize("top", [0, 1, 3, 1000])
def test_top_limits_the_list_and_not_the_sum(top: int) -> None:
    device, whole = only(explain_json(OOM, "--top", top)), only(explain_json(OOM))
    assert device["holders"] == whole["holders"][:top]
    assert ("holders_omitted" in device) == (top < len(whole["holders"]))
    if "holders_omitted" in device:
        assert device["holders_omitted"]["holders"] == len(whole["holders"]) - top
    totals = re.findall(r".* TOTAL$", run(["explain", "--top", top, OOM]).text, re.MULTILINE)
    assert totals == re.findall(r".* TOTAL$", run(["explain", OOM]).text, re.MULTILINE)
    assert len(totals) == 1


def test_stacks_are_shown_when_asked_for() -> None:
    device = only(explain_json(LEAK))
    deepest = device["holders"][0]["stack"][-1]
    place = f"{deepest['file']}:{deepest['line']}"
    assert place not in run(["explain", LEAK]).text
    assert place in run(["explain", "--stacks", LEAK]).text


def two_devices() -> Document:
    parts = small_snapshot()
    other = segment(BASE + 4 * MIB, [block(2 * MIB)], device=1)
    trace = [entry("segment_alloc", BASE + 4 * MIB, 2 * MIB), entry("alloc", BASE + 4 * MIB, 2 * MIB)]
    return snapshot(parts["segments"] + [other], parts["device_traces"][0], trace)


def test_a_device_can_be_chosen() -> None:
    data = pickle.dumps(two_devices(), 4)
    assert explain_json(data)["device"] == 0
    assert explain_json(data, "--device", 1)["device"] == 1
    assert explain_json(data, "--device", 1)["devices"] == explain_json(data)["devices"]
    assert "Device 0 is" in run(["explain", "-"], stdin=data).text
    text = run(["explain", "--device", "1", "-"], stdin=data).text
    assert "Device 1 is" in text
    assert "--device 0" in text


def test_a_moment_belongs_to_the_chosen_device() -> None:
    report = explain_json(two_devices(), "--device", 1, "--at", 0)
    assert [device["at"]["moment"] for device in report["devices"]] == ["end", "event"]


def test_several_files_give_a_report_each_and_a_summary(bad: Path) -> None:
    done = run(["explain", *EXAMPLES])
    assert done.code == 0
    assert all(str(path) in done.text for path in EXAMPLES)
    assert done.text.splitlines()[-1].startswith(f"{len(EXAMPLES)} of {len(EXAMPLES)} files explained")
    done = run(["explain", LEAK, bad, OOM])
    check_error(done, 3, str(bad))
    assert done.text.splitlines()[-1].startswith("2 of 3 files explained")


def test_several_files_give_a_json_object_a_line(bad: Path) -> None:
    done = run(["explain", "--format", "json", LEAK, bad, OOM])
    check_error(done, 3, str(bad))
    reports = [json.loads(line) for line in done.text.splitlines()]
    assert [report["source"]["path"] for report in reports] == [str(LEAK), str(OOM)]
    for report in reports:
        conservation(report)


def test_a_limit_on_unpacking_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "leak.pickle.gz"
    path.write_bytes(gzip_member(LEAK.read_bytes()))
    assert run(["explain", path]).code == 0
    for size in ("200kB", "200000", "1MiB", "1 GiB"):
        assert run(["explain", "--max-unpacked", size, path]).code == 0
    check_error(run(["explain", "--max-unpacked", "100000", path]), 3, "100")


# -- colours, width and characters -------------------------------------------------------------------------------------

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(args: list[Any], columns: int = 80, **changes: str) -> str:
    """What the program shows where standard output is a terminal."""
    try:
        leader, follower = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error}")
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=follower, stderr=subprocess.PIPE,
                               env=environment(**{"TERM": "xterm", **changes}))
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 1 << 16):
            shown += piece
    except OSError:  # the other side is closed
        pass
    os.close(leader)
    assert process.wait() == 0
    return shown.decode().replace("\r\n", "\n")


def test_colours_are_for_terminals_unless_asked_for() -> None:
    assert ESCAPE.search(on_terminal(["explain", OOM]))
    assert not ESCAPE.search(on_terminal(["explain", OOM], NO_COLOR="1"))
    assert not ESCAPE.search(on_terminal(["explain", OOM], TERM="dumb"))
    assert not ESCAPE.search(on_terminal(["explain", "--color", "never", OOM]))
    assert not ESCAPE.search(run(["explain", OOM]).text)
    assert not ESCAPE.search(run(["explain", "--color", "auto", OOM]).text)


def test_colours_can_be_asked_for_anywhere(tmp_path: Path) -> None:
    target = tmp_path / RESULT
    coloured = run(["explain", "--color", "always", OOM], NO_COLOR="1").text
    assert ESCAPE.search(coloured)
    assert ESCAPE.sub("", coloured) == run(["explain", OOM]).text
    assert run(["explain", "--color", "always", OOM, "-o", target]).code == 0
    assert target.read_text() == coloured


def test_every_colour_ends_on_its_line() -> None:
    for line in run(["explain", "--color", "always", OOM]).text.split("\n\n"):
        assert len(re.findall(r"\x1b\[[1-9]", line)) == line.count("\x1b[0m")


def test_json_has_no_colours() -> None:
    assert run(["explain", "--color", "always", "--format", "json", OOM]).out == \
        run(["explain", "--format", "json", OOM]).out


def test_the_terminal_gives_the_width() -> None:
    for columns in (70, 100):
        shown = on_terminal(["explain", "--color", "never", OOM], columns)
        assert shown == run(["explain", "--width", columns, OOM]).text


def columns_of(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    return len(line) + wide


# Runs with the file's folder as the working directory, so that its name is short.
WIDE_FILES = EXAMPLES + [path for path in recordings("snapshots") + recordings("pytorch")
                         if path.stat().st_size < 700_000 and "gc6" not in path.name]


@pytest.mark.parametrize("path", named(WIDE_FILES))
def test_no_line_is_wider_than_asked_for(path: Path) -> None:
    """But for the command to type next, which has to be one line."""
    for width in (60, 72, 80, 100, 133, 200):
        for options in ([], ["--at", "peak", "--group", "function"], ["--group", "segment"]):
            text = run(["explain", "--width", width, *options, path.name], cwd=path.parent).text
            for line in text.splitlines():
                assert columns_of(line) <= width or line.startswith("Next: "), line


def test_a_name_of_any_length_stays_within_the_width() -> None:
    stack = [frame("f" * 300, "/home/" + "d" * 300 + "/train.py", 12345678)]
    data = pickle.dumps(small_snapshot(stack), 4)
    for width in (60, 80, 200):
        for line in run(["explain", "--width", width, "-"], stdin=data).text.splitlines():
            assert columns_of(line) <= width, line


def test_another_locale_gets_plain_ascii() -> None:
    for locale in ("C", "POSIX", "en_US.ISO-8859-1"):
        done = run(["explain", OOM], LANG=locale)
        assert done.code == 0
        assert done.out.isascii()
    assert not run(["explain", OOM], LANG="C", LC_ALL="de_DE.utf8").out.isascii()


# -- nothing from a file reaches the terminal as it is -----------------------------------------------------------------

NASTY = ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "two\nlines", "carriage\rreturn", "tab\tbed", "back\b\b\bspace",
         "nul\0", "\x7f", "\x9b31m", "\u202eright to left", "\u2066isolate", "\u2028separator", "\ufeffmark",
         "lone\udc9bsurrogate", "\u200binvisible", "%s%n{}{0}", "a" * 500 + "\x1b[2J"]


def is_plain(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def check_plain(text: str) -> None:
    strange = {char for char in text if char != "\n" and not is_plain(char)}
    assert not strange, sorted(map(ascii, strange))


def strings_in(value: Any) -> Any:
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from strings_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    elif isinstance(value, str):
        yield value


def nasty_snapshot(nasty: str) -> Document:
    """The same string wherever a snapshot has one."""
    stack = [frame(nasty, nasty, 1), frame(nasty, "/home/" + nasty + ".py", 2)]
    document = small_snapshot(stack)
    document["device_traces"][0] += [
        entry(nasty, BASE, 1), {"action": "oom", "device_free": 1, "size": 512, "stream": 0, "frames": stack},
        entry("alloc", BASE + 4096, 512, frames=stack, compile_context=nasty, user_metadata=nasty, category=nasty,
              internal_metadata=nasty, forward_frames=[nasty, nasty], **{nasty: nasty}),
        entry("free_requested", BASE + 4096, 512), entry("free_completed", BASE + 4096, 512)]
    document["segments"][0]["segment_type"] = nasty
    document["segments"][0]["blocks"][0].update(user_metadata=nasty, forward_frames=[nasty])
    document["segments"][0]["blocks"][1][nasty] = nasty
    document["allocator_settings"] = {"PYTORCH_CUDA_ALLOC_CONF": nasty, nasty: nasty, "list": [nasty, {nasty: nasty}]}
    document["external_annotations"] = [{"name": nasty, "stage": nasty, "device": 0, "time_us": 1}]
    document[nasty] = nasty
    return document


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_no_string_of_a_file_reaches_the_output_as_it_is(nasty: str) -> None:
    forms = [pickle.dumps(nasty_snapshot(nasty), 4)]
    if "\udc9b" not in nasty:
        forms += [pickle.dumps(nasty_snapshot(nasty), 0), as_json(nasty_snapshot(nasty))]
    for data in forms:
        for options in ([], ["--stacks", "--group", "function"], ["-q"], ["--at", "peak"]):
            done = run(["explain", *options, "-"], stdin=data)
            assert (done.code, done.err) == (0, b"")
            check_plain(done.text)
            blocks = done.text.count("\n")
            assert blocks == run(["explain", *options, "-"], stdin=data).text.count("\n")
        raw = run(["explain", "--format", "json", "-"], stdin=data).text
        check_plain(raw)
        for text in strings_in(explain_json(data)):
            assert all(map(is_plain, text)), ascii(text)


@pytest.mark.parametrize("name", [b"\x1b[31mred.pickle", b"two\nlines.pickle", b"invalid\xff\x9b.pickle",
                                  "\u202egnp.pickle".encode(), b"-dash.pickle", b"with space.pickle"])
def test_the_name_of_a_file_is_shown_safely(name: bytes, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    path.write_bytes(pickle.dumps(small_snapshot(), 4))
    for options in ([], ["--format", "json"], ["-q"], ["--device", "9"], ["--at", "99"]):
        done = run(["explain", *options, path])
        check_plain(done.text + done.message)
    assert explain_json(path)["source"]["bytes"] == path.stat().st_size
    path.write_bytes(b"nonsense")
    check_error(run(["explain", path]), 3, "@byte 0")
    path.unlink()
    check_error(run(["explain", path]), 3, "cannot be opened")
    check_plain(run(["explain", path]).message)


def test_what_was_typed_is_shown_safely(tmp_path: Path) -> None:
    for arguments in (["\x1b[31m"], ["explain", "--group", "\x1b[31m", LEAK], ["explain", "--at", "\x1b[31m", LEAK],
                      ["explain", "--\x1b[31m", LEAK], ["explain", "--max-unpacked", "1\x1b[31m", LEAK],
                      ["explain", LEAK, "-o", tmp_path / "no" / "\x1b[31m"]):
        done = run(arguments)
        assert done.code in (2, 5)
        check_plain(done.message)


def test_names_inside_an_archive_are_shown_safely(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    for names in (["\x1b[31mred"], ["\x1b[31mred", "\u202eb", "two\nlines", "x" * 1000]):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "nothing")
        check_plain(run(["explain", path]).message)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("snapshot.pickle", pickle.dumps(small_snapshot(), 4))
        done = run(["explain", path])
        assert done.code == 0
        check_plain(done.text)


# -- JSON --------------------------------------------------------------------------------------------------------------

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def rich_snapshot() -> Document:
    """Two devices, pinned host memory, a failed request, private pools: every field has something to say."""
    document = two_devices()
    trace = document["device_traces"][0]
    trace.append({"action": "oom", "device_free": 4096, "size": 8 * MIB, "stream": 0, "pool_id": (0, 1),
                  "frames": [frame("main"), frame("inner", line=7)]})
    document["segments"] += [segment(BASE + 8 * MIB, [block(MIB, "active_pending_free"), block(MIB, "inactive")],
                                     segment_pool_id=(0, 1), stream=94_000_000_000_000),
                             segment(BASE + 16 * MIB, [block(20 * MIB, frames=[frame("grow", line=3)]),
                                                       block(20 * MIB, "inactive")], is_expandable=True)]
    document["host_segments"] = [segment(BASE, [block(MIB, requested=1_000_000)], device=-1)]
    document["host_traces"] = []
    document["allocator_settings"] = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "max_split_size": -1}
    document["surprise"] = 1
    return document


REPORTS = [("--top", 1), ("--group", "stream"), ("--group", "segment"), ("--group", "function"), ("--at", 0),
           ("--at", "peak"), ()]


@pytest.mark.parametrize("path", named(EXAMPLES + recordings("snapshots") + recordings("pytorch")))
def test_reports_keep_to_their_schema(path: Path) -> None:
    VALIDATOR.validate(explain_json(path))


@pytest.mark.parametrize("options", REPORTS, ids=lambda options: "_".join(map(str, options)).strip("-") or "plain")
def test_reports_with_options_keep_to_their_schema(options: tuple[Any, ...]) -> None:
    for source in (rich_snapshot(), small_snapshot(), OOM, snapshot([])):
        if options != ("--at", 0) or source != snapshot([]):
            VALIDATOR.validate(explain_json(source, *options))


def test_every_version_of_the_format_that_ever_was_keeps_to_its_schema() -> None:
    """explain.1.json is version 1 as first written. Never change it: it stands for the readers out there."""
    kept = json.loads((GOLDEN / "explain.1.json").read_text())
    VALIDATOR.validate(kept)
    conservation(kept)


def test_fields_of_the_kept_report_are_still_there() -> None:
    def fields(value: Any, path: str = "") -> set[str]:
        if isinstance(value, list):
            return set().union(*(fields(one, path + "[]") for one in value)) if value else set()
        if not isinstance(value, dict):
            return {f"{path}: {'number' if isinstance(value, (int, float)) else type(value).__name__}"}
        return set().union(*(fields(one, f"{path}.{key}") for key, one in value.items()))

    kept = json.loads((GOLDEN / "explain.1.json").read_text())
    now = [fields(explain_json(rich_snapshot(), "--top", 1, "--group", group))
           for group in ("line", "stream", "segment")]
    assert fields(kept) <= set().union(*now)


def test_the_schema_describes_every_field_in_a_sentence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in {"top": SCHEMA, **SCHEMA["$defs"]}.items():
        assert part["description"].endswith("."), name
        for field, said in part.get("properties", {}).items():
            assert said["description"].endswith("."), f"{name}.{field}"
        assert "additionalProperties" not in part


def test_the_schema_knows_every_field_that_is_written() -> None:
    strict = json.loads(json.dumps(SCHEMA))
    for part in [strict, *strict["$defs"].values()]:
        if "properties" in part:
            part["additionalProperties"] = False
    for options in REPORTS:
        jsonschema.Draft202012Validator(strict).validate(explain_json(rich_snapshot(), *options))


def test_json_is_one_line_of_valid_utf_8() -> None:
    stack = [frame("größe\u4e94"), frame("lone\udc9b")]
    done = run(["explain", "--format", "json", "-"], stdin=pickle.dumps(small_snapshot(stack), 4))
    assert done.text.count("\n") == 1
    assert "größe\u4e94" in done.text


# -- golden files ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", named(EXAMPLES))
def test_the_examples_are_explained_as_kept(path: Path) -> None:
    done = run(["explain", "--width", "80", path.relative_to(ROOT)], cwd=ROOT)
    assert (done.code, done.message) == (0, "")
    kept = GOLDEN / f"explain_{path.stem}.txt"
    if os.environ.get("UNFRAG_UPDATE_GOLDEN") == "1":
        kept.write_text(done.text)
    assert done.text == kept.read_text(), "if this is better, run again with UNFRAG_UPDATE_GOLDEN=1"


@pytest.mark.parametrize(("arguments", "what"), [
    ([], "a command is missing"),
    (["explian", "oom.pickle"], "explian is no command"),
    (["explain", "oom.pickle", "--bogus"], "--bogus"),
])
def test_what_is_no_command_or_option_is_named(arguments: list[str], what: str) -> None:
    done = run(arguments)
    assert (done.code, done.text) == (2, "")
    assert what in done.message and "; try unfrag" in done.message
