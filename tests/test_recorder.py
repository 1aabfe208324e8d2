"""The recorder by itself: with a PyTorch that lacks what it calls, and within a program on the null device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from test_errors_of_torch import ROOT, load
from torches import every_torch, run_on_torch


def fake_torch(**without: Any) -> Any:
    """A PyTorch that records nothing and remembers what it was told."""
    said: list[Any] = []
    queue: list[Any] = []
    native = SimpleNamespace(
        _cuda_init=None, on=False, said=said,
        _cuda_isHistoryEnabled=lambda: native.on,
        _cuda_record_memory_history=lambda enabled, *rest: said.append(enabled) or setattr(native, "on", bool(enabled)),
        _cuda_attach_out_of_memory_observer=lambda observer: said.append("observer"))
    memory = SimpleNamespace(
        _record_memory_history=lambda enabled, **rest: native._cuda_record_memory_history(enabled, rest),
        _snapshot=lambda: {"segments": [], "device_traces": []}, get_allocator_backend=lambda: "native")
    cuda = SimpleNamespace(memory=memory, ready=False, is_initialized=lambda: cuda.ready, _lazy_call=queue.append,
                           queue=queue)
    torch = SimpleNamespace(__version__="2.99", _C=native, cuda=cuda)
    for name in without:
        for holder in (native, cuda, memory):
            vars(holder).pop(name, None)
    return torch


@pytest.fixture
def recorder() -> Iterator[Any]:
    before = sys.modules.get("torch")
    yield load("_recorder")
    if before is None:
        sys.modules.pop("torch", None)
    else:
        sys.modules["torch"] = before


def install(torch: Any, ready: bool = True) -> Any:
    sys.modules["torch"] = torch
    torch.cuda.ready = ready
    return torch


def test_it_begins_where_cuda_is_in_use_and_ends_what_it_began(recorder: Any) -> None:
    torch = install(fake_torch())
    switch = torch._C._cuda_record_memory_history
    recording = recorder.start()
    assert (torch._C.said, recording.began) == (["observer", "all"], True)
    recorder.stop(recording)
    recorder.stop(recording)
    assert torch._C.said == ["observer", "all", None]
    assert torch._C._cuda_record_memory_history is switch


def test_it_waits_for_cuda_and_does_nothing_where_it_ended_before(recorder: Any) -> None:
    torch = install(fake_torch(), ready=False)
    recorder.stop(recorder.start())
    later = recorder.start()
    (begin,) = torch.cuda.queue
    assert torch._C.said == []
    torch.cuda.ready = True
    begin()
    assert (torch._C.said, later.began) == (["observer", "all"], True)
    recorder.stop(later)
    begin()
    assert torch._C.said == ["observer", "all", None]


def test_nested_recordings_share_one_and_the_last_to_end_ends_it(recorder: Any) -> None:
    torch = install(fake_torch())
    outer, inner = recorder.start(10), recorder.start(20)
    assert "keeps 10 entries" in inner.notes[0]
    recorder.stop(outer)
    assert torch._C.on
    recorder.stop(inner)
    assert not torch._C.on


@pytest.mark.parametrize(("missing", "part"), [
    ("_cuda_init", "not built for CUDA"), ("_snapshot", "has no torch.cuda.memory._snapshot; 2.1 to 2.15 have it"),
    ("_record_memory_history", "has no torch.cuda.memory._record_memory_history"),
])
def test_what_it_cannot_do_without_is_said(recorder: Any, missing: str, part: str) -> None:
    install(fake_torch(**{missing: None}))
    with pytest.raises(recorder.RecordingError, match=part):
        recorder.start()


def test_without_a_queue_it_begins_only_where_cuda_is_in_use(recorder: Any) -> None:
    torch = install(fake_torch(_lazy_call=None), ready=False)
    with pytest.raises(recorder.RecordingError, match="no torch.cuda._lazy_call"):
        recorder.start()
    torch.cuda.ready = True
    assert recorder.start().began


def test_without_an_observer_or_a_way_to_ask_it_records_all_the_same_and_says_so(recorder: Any) -> None:
    torch = install(fake_torch(_cuda_attach_out_of_memory_observer=None, _cuda_isHistoryEnabled=None))
    recording = recorder.start()
    assert torch._C.said == ["all"]
    assert "refuses to tell of out-of-memory errors" in recording.notes[0]
    assert recorder.is_recording() is None


def test_a_switch_with_other_parameters_is_an_error_in_words_and_leaves_nothing_behind(recorder: Any) -> None:
    torch = install(fake_torch())
    switch = torch._C._cuda_record_memory_history
    torch.cuda.memory._record_memory_history = lambda on: None
    with pytest.raises(recorder.RecordingError, match="torch 2.99 refuses to record: TypeError"):
        recorder.start()
    assert torch._C._cuda_record_memory_history is switch


def test_a_late_failure_is_a_note_and_not_cudas(recorder: Any) -> None:
    torch = install(fake_torch(), ready=False)
    torch.cuda.memory._record_memory_history = lambda on: None
    recording = recorder.start()
    torch.cuda.ready = True
    torch.cuda.queue[0]()
    assert "refuses to record" in recording.notes[0]


def test_the_observer_passes_nothing_on_but_what_a_signal_raised(recorder: Any) -> None:
    torch = install(fake_torch())

    def fails(_: Any) -> None:
        raise OSError("disk full")

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    recording = recorder.start(on_oom=fails)
    recorder._on_oom(0, 1, 2, 3)
    assert recording.oom == torch.cuda.memory._snapshot()
    assert "disk full" in recording.notes[0]
    recorder.stop(recording)
    recorder.start(on_oom=interrupted)
    with pytest.raises(KeyboardInterrupt):
        recorder._on_oom(0, 1, 2, 3)


@pytest.mark.parametrize(("arguments", "part"), [((0,), "max_entries is 0"), ((1, "cpp"), "stacks is 'cpp'")])
def test_arguments_that_make_no_sense_are_refused(recorder: Any, arguments: Any, part: str) -> None:
    install(fake_torch())
    with pytest.raises(ValueError, match=part):
        recorder.start(*arguments)


def test_a_snapshot_where_cuda_was_not_used_is_refused(recorder: Any) -> None:
    install(fake_torch(), ready=False)
    with pytest.raises(recorder.RecordingError, match="CUDA has not been used in this process"):
        recorder.snapshot()


def test_importing_it_imports_nothing_else_of_ours_and_no_torch() -> None:
    code = ("import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]); import _recorder, _errors_of_torch; "
            "new = set(sys.modules) - before; assert not {n for n in new if n.split('.')[0] in ('torch', 'numpy', 'unfrag')}")
    subprocess.run([sys.executable, "-c", code, ROOT / "python" / "unfrag"], check=True, timeout=60)


IN_PROGRAM = """
import sys
sys.path.insert(0, "@")
import _recorder, _errors_of_torch, torch

def take(mib):
    return torch.empty(mib << 20, dtype=torch.uint8, device="cuda")

def on():
    return torch._C._cuda_isHistoryEnabled()

switch = torch._C._cuda_record_memory_history
recording = _recorder.start()
assert not torch.cuda.is_initialized() and not recording.began
kept = take(10)
assert recording.began and on()
try:
    take(50_000)
except Exception as error:
    found = _errors_of_torch.find_out_of_memory(error)
    assert found.kind == "allocator" and "Tried to allocate" in found.text, found
else:
    raise SystemExit("no error")
assert any(entry["action"] == "oom" for entry in recording.oom["device_traces"][0])
assert sum(segment["allocated_size"] for segment in recording.oom["segments"]) == 10 << 20
_recorder.stop(recording)
assert not on() and torch._C._cuda_record_memory_history is switch and not recording.notes, recording.notes

torch.cuda.memory._record_memory_history(max_entries=5)   # the program's own, before
recording = _recorder.start()
more = [take(3) for _ in range(9)]
assert len(_recorder.snapshot()["device_traces"][0]) == 5
_recorder.stop(recording)
assert on() and "the program's own recording is used" in recording.notes[0]
torch.cuda.memory._record_memory_history(None)

recording = _recorder.start()                             # and within: it goes on behind ours
torch.cuda.memory._record_memory_history("all", stacks="python")
_recorder.stop(recording)
assert on()
torch.cuda.memory._record_memory_history(None)
assert not on()
print("ALL WELL")
"""


@every_torch
def test_a_block_of_code_is_recorded_and_a_recording_of_the_programs_own_left_on(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(IN_PROGRAM.replace("@", str(ROOT / "python" / "unfrag")))
    done = run_on_torch(python, program)
    assert "ALL WELL" in done.stdout, done.stderr
