"""Recording from within a program, and explaining its errors, with real PyTorch on the null device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import support

TORCH = [python for python in os.environ.get("UNFRAG_TEST_TORCH", "").split(":") if python]
PACKAGE = str(support.ROOT / "build/release/python")

START = """
import json, sys, torch, unfrag

def tell(**facts):
    print("FACTS " + json.dumps(facts))

def mib(count):
    return torch.zeros(count << 20, dtype=torch.uint8, device="cuda")
"""


def same_version(python: str) -> bool:
    """The package is built for one version of Python."""
    shown = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
    return shown.stdout.strip() == str(sys.version_info[:2])


PYTHONS = [pytest.param(python, id=Path(python).parents[1].name.split("-")[1]) for python in TORCH if same_version(python)]
if not PYTHONS:
    PYTHONS = [pytest.param("", id="none", marks=pytest.mark.skip(reason="no Python with torch for this package"))]
every_torch = pytest.mark.parametrize("python", PYTHONS)


def run(tmp_path: Path, python: str, code: str, *options: str) -> tuple[dict[str, Any], str]:
    """The facts that a program tells when it is rehearsed, and all that it prints."""
    program = tmp_path / "program.py"
    program.write_text(START + textwrap.dedent(code))
    done = support.run(["rehearse", "-q", "--python", python, *(options or ("--memory", "1GiB")), program],
                       PYTHONPATH=PACKAGE)
    printed = done.out.decode() + done.err.decode()
    assert done.code == 0, printed
    told: dict[str, Any] = {}
    for line in printed.splitlines():
        if line.startswith("FACTS "):
            told.update(json.loads(line.removeprefix("FACTS ")))
    assert told, printed
    return told, printed


@every_torch
def test_a_block_of_code_is_recorded_and_explained(tmp_path, python):
    told, printed = run(tmp_path, python, """
        before = mib(4)
        with unfrag.record() as r:
            kept = mib(30)
            mib(20)
        device = r.explanation.chosen
        tell(now=device.now.allocated_bytes, peak=device.peak.allocated_bytes, holder=r.trace.holders()[0].line,
             file=r.trace.holders()[0].file, actions=[row for row in r.trace.events.column_names], notes=r.notes,
             on=torch._C._cuda_isHistoryEnabled() if hasattr(torch._C, "_cuda_isHistoryEnabled") else False)
        """)
    assert told["now"] == 34 << 20 and told["peak"] == 54 << 20
    assert told["file"].endswith("program.py") and told["holder"] == 8
    assert told["notes"] == [] and told["on"] is False
    assert "Who holds the allocated memory" in printed


@every_torch
def test_running_out_is_explained_at_its_moment(tmp_path, python):
    told, printed = run(tmp_path, python, """
        try:
            with unfrag.record() as r:
                kept = [mib(100) for _ in range(5)]
                mib(900)
        except torch.OutOfMemoryError as error:
            explained = unfrag.explain_error(error)
            tell(same=r.error == f"OutOfMemoryError: {error}", verdict=r.explanation.verdict.kind, asked=r.explanation.chosen.ooms[0].requested_bytes,
                 held=r.explanation.chosen.at.allocated_bytes, kind=explained.kind,
                 message=explained.message.figures.requested_bytes, text=str(explained)[:40])
        """)
    assert told["same"] and told["verdict"] == "capacity" and told["asked"] == 900 << 20
    assert told["held"] == 500 << 20
    assert told["kind"] == "allocator" and told["message"] == 900 << 20
    assert "ran out of memory" in printed


@every_torch
def test_an_error_without_a_recording_is_explained_by_the_state_there_is(tmp_path, python):
    told, _ = run(tmp_path, python, """
        kept = [mib(100) for _ in range(5)]
        try:
            mib(900)
        except RuntimeError as error:
            found = unfrag.explain_error(error)
        tell(held=found.explanation.chosen.now.allocated_bytes, kind=found.explanation.verdict.kind,
             need=found.explanation.verdict.evidence.requested_bytes)
        """)
    assert told["held"] == 500 << 20 and told["need"] == 900 << 20
    assert told["kind"] == "capacity"


@every_torch
def test_a_recording_of_the_programs_own_is_used_and_left_on(tmp_path, python):
    told, _ = run(tmp_path, python, """
        torch.cuda.memory._record_memory_history(max_entries=1000)
        first = mib(8)
        with unfrag.record(show=False) as r:
            second = mib(16)
        third = mib(32)
        after = torch.cuda.memory._snapshot()["device_traces"][0]
        tell(inside=len(r.trace.events), after=len(after), notes=r.notes,
             held=[holder.now_bytes for holder in r.trace.holders()])
        """)
    assert told["after"] > told["inside"] > 2
    assert "own recording is used" in told["notes"][0]
    assert told["held"] == [24 << 20]


@every_torch
def test_a_block_without_cuda_says_so_and_another_error_passes(tmp_path, python):
    told, _ = run(tmp_path, python, """
        with unfrag.record(show=False) as r:
            pass
        tell(trace=r.trace is None, notes=r.notes, initialized=torch.cuda.is_initialized(), text=str(r))
        try:
            with unfrag.record(show=False) as r:
                mib(3)
                raise KeyError("mine")
        except KeyError:
            tell(error=r.error, events=len(r.trace.events))
        """)
    assert told["trace"] and not told["initialized"] and "CUDA has not been used" in told["notes"][0]
    assert "nothing was recorded" in told["text"]
    assert told["error"] is None and told["events"] >= 2


@every_torch
def test_blocks_may_be_nested_and_follow_each_other(tmp_path, python):
    told, _ = run(tmp_path, python, """
        with unfrag.record(show=False) as outer:
            a = mib(5)
            with unfrag.record(show=False) as inner:
                b = mib(6)
            c = mib(7)
        with unfrag.record(show=False) as later:
            d = mib(8)
        tell(sizes=[[e["size_bytes"] for e in t.events.to_dicts() if e["action"] == "alloc"]
                    for t in (outer.trace, inner.trace, later.trace)])
        """)
    assert told["sizes"] == [[5 << 20, 6 << 20, 7 << 20], [5 << 20, 6 << 20], [8 << 20]]


@every_torch
def test_the_live_snapshot_is_what_its_file_is(tmp_path, python):
    told, _ = run(tmp_path, python, """
        torch.cuda.memory._record_memory_history()
        kept = [mib(n) for n in (3, 30, 21)]
        del kept[1]
        import pickle
        snapshot = torch.cuda.memory._snapshot()
        with open(sys.argv[0] + ".pickle", "wb") as file:
            pickle.dump(snapshot, file)
        live = unfrag.load(snapshot)
        tell(same=live == unfrag.load(sys.argv[0] + ".pickle"), events=len(live.events))
        """)
    assert told["same"] and told["events"] > 5


@every_torch
def test_python_side_errors_of_every_form_are_recognised(tmp_path, python):
    told, _ = run(tmp_path, python, """
        def kind(error):
            try:
                return unfrag.explain_error(error).kind
            except unfrag.UsageError:
                return None
        inner = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        outer = RuntimeError("training failed")
        outer.__cause__ = inner
        tell(kinds=[kind(error) for error in (
            inner, outer, RuntimeError("CUDA error: out of memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            ValueError("no such thing"))])
        """)
    assert told["kinds"] == ["allocator", "allocator", "cuda", "cublas", None]


def test_without_torch_a_recording_says_what_is_missing():
    code = "import unfrag\ntry:\n  unfrag.record().__enter__()\nexcept unfrag.MissingError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": PACKAGE})
    assert "torch" in done.stdout, done.stderr


@every_torch
def test_of_several_errors_the_last_is_explained(tmp_path, python):
    told, _ = run(tmp_path, python, """
        asked = []
        try:
            with unfrag.record(show=False) as r:
                for size in (3000, 2000):
                    try:
                        mib(size)
                    except torch.OutOfMemoryError as error:
                        asked.append(unfrag.explain_error(error).explanation.verdict.evidence.requested_bytes >> 20)
                mib(1500)
        except torch.OutOfMemoryError:
            pass
        tell(asked=asked, last=r.explanation.verdict.evidence.requested_bytes >> 20, ooms=len(r.explanation.chosen.ooms))
        """)
    assert told == {"asked": [3000, 2000], "last": 1500, "ooms": 3}


@every_torch
def test_what_it_keeps_holds_no_memory_of_the_device(tmp_path, python):
    told, _ = run(tmp_path, python, """
        def train():
            big = mib(100)
            mib(2000)
        try:
            with unfrag.record(show=False) as r:
                train()
        except torch.OutOfMemoryError:
            pass
        tell(allocated=torch.cuda.memory_allocated(), error=r.error[:18])
        """)
    assert told["allocated"] == 0 and told["error"].startswith("OutOfMemoryError")


@every_torch
def test_nothing_takes_the_place_of_the_programs_own_error(tmp_path, python):
    told, _ = run(tmp_path, python, """
        class Odd(Exception):
            @property
            def exceptions(self):
                raise ZeroDivisionError("mine")
        stdout, seen = sys.stdout, []
        for error in (Odd("odd"), torch.OutOfMemoryError("CUDA out of memory.")):
            try:
                with unfrag.record() as r:
                    mib(1)
                    sys.stdout = None
                    raise error
            except Exception as raised:
                sys.stdout = stdout
                seen.append(raised is error)
        try:
            raise torch.OutOfMemoryError("before")
        except torch.OutOfMemoryError:
            try:
                with unfrag.record(show=False) as later:
                    raise KeyError("another")
            except KeyError:
                pass
        tell(seen=seen, before=later.error, on=torch._C._cuda_isHistoryEnabled())
        """)
    assert told == {"seen": [True, True], "before": None, "on": False}


@every_torch
def test_a_recording_begins_once(tmp_path, python):
    told, _ = run(tmp_path, python, """
        with unfrag.record(show=False) as r:
            try:
                with r:
                    pass
            except unfrag.UsageError as error:
                said = str(error)
        tell(said=said, on=torch.cuda.is_initialized() and torch._C._cuda_isHistoryEnabled())
        """)
    assert "has begun already" in told["said"] and told["on"] is False
