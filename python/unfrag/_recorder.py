"""The recording of PyTorch's CUDA allocator: begun, watched, taken at the first out-of-memory error, ended.

It stands alone, as `unfrag record` takes this very file into programs that have no unfrag: the standard library only,
torch only where it is asked to begin, Python from 3.8. PyTorch has one recording a process. Where the program has begun
its own, before or while ours runs, that one is used as it is and never switched off; ours makes room for it and comes back
when the program ends it. CUDA is never initialised from here, so that programs which fork later still may: the recording
begins when the program first uses CUDA.

Threads: all functions hold the GIL alone and no lock of their own, as an observer that waits for one could wait for ever.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import threading
from typing import Any, Callable, Dict, Iterator, List, Optional

DEFAULT_ENTRIES = 100_000
Snapshot = Dict[str, Any]


class RecordingError(RuntimeError):
    """PyTorch's recording cannot be used here; the text says what is missing."""


class Recording:
    """One that asked for a recording: `start` makes it, `stop` ends it."""

    def __init__(self, max_entries: int, stacks: str, on_begin: Optional[Callable[[], None]],
                 on_oom: Optional[Callable[[Snapshot], None]]) -> None:
        self.max_entries = max_entries
        self.stacks = stacks
        self.on_begin = on_begin
        self.on_oom = on_oom
        self.began = False  # CUDA has been used since `start`
        self.oom: Optional[Snapshot] = None  # as it was at the first out-of-memory error
        self.notes: List[str] = []  # what a reader of the snapshots has to know
        self.ooms = 0  # how many out-of-memory errors it met

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


_active: List[Recording] = []
_ours = False  # PyTorch records because of us
_observed = False  # an observer cannot be taken away again: one a process
_queued = False
_originals: Dict[str, Any] = {}
_thread = threading.local()
_SWITCHES = ("_cuda_record_memory_history", "_cuda_record_memory_history_legacy")


def start(max_entries: int = DEFAULT_ENTRIES, stacks: str = "python", *,
          on_begin: Optional[Callable[[], None]] = None,
          on_oom: Optional[Callable[[Snapshot], None]] = None) -> Recording:
    """Records from now on, or from the first use of CUDA where there was none yet.

    max_entries: the ring keeps so many of the latest entries a device. stacks: "python", or "all" for C++ frames too.
    on_begin: called once CUDA is in use. on_oom: called with the snapshot of the first out-of-memory error, on the
    thread that met it and before the error is raised; what it raises is noted, not passed on.
    Raises RecordingError where torch is missing or has no CUDA, ValueError for arguments that make no sense.
    """
    if max_entries < 1:
        raise ValueError(f"max_entries is {max_entries}; at least 1 entry is kept")
    if stacks not in ("python", "all"):
        raise ValueError(f"stacks is {stacks!r}; 'python' and 'all' are known")
    torch = _torch_with_cuda()
    recording = Recording(max_entries, stacks, on_begin, on_oom)
    if _active and _active[0].max_entries < max_entries:
        recording.note(f"an outer recording keeps {_active[0].max_entries:,} entries, and this one with it")
    _watch(torch)
    _active.append(recording)
    try:
        if torch.cuda.is_initialized():
            _begin()
        else:
            _when_initialized(torch)
    except BaseException:
        stop(recording)
        raise
    return recording


def stop(recording: Recording) -> None:
    """Ends it. PyTorch goes on recording where the program had it do so, or another recording is active."""
    global _ours
    if recording not in _active:
        return
    _active.remove(recording)
    if _active:
        return
    torch = sys.modules["torch"]
    if _ours and torch.cuda.is_initialized():  # Not in a forked child, whose allocator may be locked for ever.
        with _own_call(), contextlib.suppress(Exception):
            torch.cuda.memory._record_memory_history(None)
    _ours = False
    _unwatch()


def snapshot() -> Snapshot:
    """What `torch.cuda.memory._snapshot()` says. Raises RecordingError where it says nothing."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        raise RecordingError("CUDA has not been used in this process: there is nothing to take a snapshot of")
    # What the collector would free now is memory that the program holds, and freeing it could run anything.
    collects = gc.isenabled()
    gc.disable()
    try:
        taken = torch.cuda.memory._snapshot()
    except Exception as error:
        raise RecordingError(_refused(torch, "a snapshot", error)) from error
    finally:
        if collects:
            gc.enable()
    if not isinstance(taken, dict) or "segments" not in taken:
        raise RecordingError(f"the snapshots of torch {_version(torch)} have another shape than any that is known")
    return taken


def last_oom() -> Optional[Snapshot]:
    """The snapshot of the latest out-of-memory error of the innermost recording, where that is the only one it met."""
    return _active[-1].oom if _active and _active[-1].ooms == 1 else None


def is_recording() -> Optional[bool]:
    """Whether PyTorch records, for whomever; None where this release does not say."""
    torch = sys.modules.get("torch")
    asked = getattr(getattr(torch, "_C", None), "_cuda_isHistoryEnabled", None)
    try:
        return None if asked is None else bool(asked())
    except Exception:
        return None


# -- PyTorch, as it is here --------------------------------------------------------------------------------------------

def _version(torch: Any) -> str:
    return str(getattr(torch, "__version__", "of no known release"))


def _torch_with_cuda() -> Any:
    try:
        import torch  # type: ignore[import-not-found]
    except ImportError as error:
        raise RecordingError(f"torch cannot be imported ({error}); install a CUDA build of PyTorch") from error
    if not hasattr(torch._C, "_cuda_init"):
        raise RecordingError(f"torch {_version(torch)} is not built for CUDA; install a CUDA build of PyTorch")
    missing = [name for name in ("_record_memory_history", "_snapshot") if not hasattr(torch.cuda.memory, name)]
    if missing:
        raise RecordingError(f"torch {_version(torch)} has no torch.cuda.memory.{missing[0]}; 2.1 to 2.15 have it")
    return torch


def _refused(torch: Any, what: str, error: BaseException) -> str:
    text = f"torch {_version(torch)} refuses {what}: {type(error).__name__}: {error}"
    with contextlib.suppress(Exception):
        backend = torch.cuda.memory.get_allocator_backend()
        if backend != "native":
            text += f" (the allocator is {backend}, of which PyTorch records nothing)"
    return text


def _when_initialized(torch: Any) -> None:
    """Has `_begin_late` called at the end of CUDA's initialisation, whoever causes it, in forked children too."""
    global _queued
    if _queued:
        return
    queue = getattr(torch.cuda, "_lazy_call", None)
    if queue is None:
        raise RecordingError(f"torch {_version(torch)} has no torch.cuda._lazy_call: recording can only begin after "
                             "CUDA is in use, as after torch.cuda.init()")
    _queued = True
    queue(_begin_late)


def _begin_late() -> None:
    """What it would raise would be CUDA's failure to the program."""
    global _queued
    _queued = False
    if not _active:
        return
    try:
        _begin()
    except Exception as error:
        for recording in _active:
            recording.note(str(error))


def _begin() -> None:
    """CUDA is in use. Raises RecordingError where PyTorch does not record."""
    begun = [recording for recording in _active if not recording.began]
    for recording in begun:
        recording.began = True
    try:
        _observe_ooms()
        if not _ours and _active:
            _use_or_switch_on()
    finally:
        for recording in begun:
            if recording.on_begin is not None:
                recording.on_begin()


def _use_or_switch_on() -> None:
    if is_recording():
        _note("the program's own recording is used, with the entries and stacks that it keeps")
    else:
        _switch_on()


def _note(text: str) -> None:
    for recording in _active:
        recording.note(text)


@contextlib.contextmanager
def _own_call() -> Iterator[None]:
    _thread.own = True
    try:
        yield
    finally:
        _thread.own = False


def _switch_on() -> None:
    global _ours
    torch = sys.modules["torch"]
    first = _active[0]
    try:
        with _own_call():
            torch.cuda.memory._record_memory_history("all", context="all", stacks=first.stacks,
                                                     max_entries=first.max_entries)
        _ours = True
    except Exception as error:
        raise RecordingError(_refused(torch, "to record", error)) from error


# -- the program's own recording ---------------------------------------------------------------------------------------

def _watch(torch: Any) -> None:
    """Learns when the program begins or ends a recording. PyTorch does not tell, so its two switches are wrapped."""
    for name in _SWITCHES:
        switch = getattr(torch._C, name, None)
        if switch is not None and name not in _originals:
            _originals[name] = switch
            setattr(torch._C, name, _watched(switch))


def _unwatch() -> None:
    module = sys.modules["torch"]._C
    for name, switch in list(_originals.items()):
        if getattr(getattr(module, name, None), "__wrapped__", None) is switch:
            setattr(module, name, switch)
            del _originals[name]


def _watched(switch: Any) -> Any:
    @functools.wraps(switch)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if getattr(_thread, "own", False) or not _active:
            return switch(*args, **kwargs)
        enabled = args[0] if args else kwargs.get("enabled")
        if enabled is None or enabled is False:
            return _program_ends(switch, args, kwargs)
        return _program_begins(switch, args, kwargs)

    watched.__wrapped__ = switch
    return watched


def _program_begins(switch: Any, args: Any, kwargs: Any) -> Any:
    """Ours ends first: entries of it would be in the program's own snapshots."""
    global _ours
    if _ours:
        _ours = False
        with _own_call():
            sys.modules["torch"].cuda.memory._record_memory_history(None)
        _note("the program began a recording of its own, which is used; what came before it is not in it")
    else:
        _note("the program's own recording is used, with the entries and stacks that it keeps")
    try:
        return switch(*args, **kwargs)
    except BaseException:
        _come_back()
        raise


def _program_ends(switch: Any, args: Any, kwargs: Any) -> Any:
    if _ours:  # It has none, and would not have noticed.
        return None
    result = switch(*args, **kwargs)
    _note("the program ended its own recording, and with it what was recorded until then")
    _come_back()
    return result


def _come_back() -> None:
    if not _active or not sys.modules["torch"].cuda.is_initialized() or is_recording():
        return
    try:
        _switch_on()
    except RecordingError as error:
        _note(str(error))


# -- out of memory -----------------------------------------------------------------------------------------------------

def _observe_ooms() -> None:
    """Before CUDA is initialised PyTorch has no allocators yet, and forgets the observer."""
    global _observed
    if _observed:
        return
    torch = sys.modules["torch"]
    attach = getattr(torch._C, "_cuda_attach_out_of_memory_observer", None)
    try:
        if attach is None:
            raise AttributeError("torch._C has no _cuda_attach_out_of_memory_observer")
        attach(_on_oom)
        _observed = True
    except Exception as error:
        _note(_refused(torch, "to tell of out-of-memory errors when they happen", error))


def _on_oom(*_: Any) -> None:
    """Runs where the request failed, with the GIL and without the allocator's lock: a snapshot and files are safe.

    An exception from here would be raised in place of the out-of-memory error. One of the program's own signal handlers
    (KeyboardInterrupt, SystemExit) is let through, as it would be a moment later.
    """
    try:
        for recording in _active:
            recording.ooms += 1
        waiting = [recording for recording in _active if recording.ooms == 1]
        if not waiting:
            return
        taken = snapshot()
        for recording in waiting:
            recording.oom = taken
            if recording.on_oom is not None:
                recording.on_oom(taken)
    except Exception as error:
        _note(f"the snapshot of an out-of-memory error was lost: {type(error).__name__}: {error}")
