"""The dictionary that torch.cuda.memory._snapshot() returns: same keys, same order, same sharing of objects.

After PyTorch torch/csrc/cuda/Module.cpp (THCPModule_memorySnapshot) and torch/csrc/profiler/python/
combined_traceback.cpp (py_symbolize). Which objects are shared matters: pickle writes a shared object once and refers
to it afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .allocator import Allocator
from .blocks import Block
from .dialects import Dialect
from .settings import DIVISION_SLOTS, Settings
from .trace import ACTIONS, NO_CONTEXT, OOM, Annotation, Contexts, Stacks, Trace

Document = dict[str, Any]


def fresh(text: str) -> str:
    """An equal string that is an object of its own (strings shorter than two characters are always shared)."""
    return text.encode().decode()


@dataclass
class Recording:
    """Everything a snapshot is made of: an allocator per device, of whose trace the last `ring` events are kept."""

    dialect: Dialect
    settings: Settings
    allocators: list[Allocator]
    annotations: list[Annotation]
    stacks: Stacks
    contexts: Contexts
    ring: int

    def first_event(self, trace: Trace) -> int:
        """The number of the first event that the ring buffer still holds."""
        return max(0, len(trace) - self.ring)


class Frames:
    """The symbolized tracebacks: one list per context, one dictionary per frame."""

    def __init__(self, recording: Recording) -> None:
        self._contexts = recording.contexts
        self._stacks = recording.stacks
        self._frames: dict[int, dict[str, Any]] = {}
        self._lists: dict[int, list[dict[str, Any]]] = {}

    def of_context(self, context: int) -> list[dict[str, Any]]:
        """The frame list of a context, always the same object."""
        found = self._lists.get(context)
        if found is None:
            found = self._lists[context] = [self.frame(number) for number in self.frame_numbers(context)]
        return found

    def lists(self) -> dict[int, list[dict[str, Any]]]:
        """The frame lists made so far, by context."""
        return self._lists

    def frame_numbers(self, context: int) -> tuple[int, ...]:
        """The frames of a context by number, innermost first."""
        return self._stacks.sites[self._contexts.sites[context]]

    def frame(self, number: int) -> dict[str, Any]:
        """The dictionary of a frame, always the same object."""
        found = self._frames.get(number)
        if found is None:
            frame = self._stacks.frames[number]
            found = {"name": fresh(frame.name), "filename": fresh(frame.filename), "line": frame.line}
            self._frames[number] = found
        return found


class Entries:
    """The dictionaries of trace entries, made one at a time."""

    def __init__(self, dialect: Dialect, frames: Frames) -> None:
        self._dialect = dialect
        self._frames = frames

    def entry(self, trace: Trace, index: int) -> Document:
        """Event number `index` of a trace."""
        action = trace.actions[index]
        result: Document = {
            "action": ACTIONS[action],
            "device_free" if action == OOM else "addr": trace.addresses[index],
            "size": trace.sizes[index],
            "stream": trace.streams[index],
        }
        if self._dialect.time_us:
            result["time_us"] = trace.times_us[index]
        if self._dialect.compile_context:
            result["compile_context"] = fresh("N/A")
        if self._dialect.user_metadata:
            result["user_metadata"] = ""
        if self._dialect.pool_id:
            result["pool_id"] = tuple(list(trace.pool_ids[trace.pools[index]]))
        context = trace.contexts[index]
        if context != NO_CONTEXT:
            result["frames"] = self._frames.of_context(context)
        return result


def build(recording: Recording) -> Document:
    """The whole dictionary."""
    frames = Frames(recording)
    result = build_without_traces(recording, frames)
    entries = Entries(recording.dialect, frames)
    for allocator in recording.allocators:
        trace = allocator.trace
        first = recording.first_event(trace)
        result["device_traces"].append([entries.entry(trace, index) for index in range(first, len(trace))])
    return result


def build_without_traces(recording: Recording, frames: Frames) -> Document:
    """The dictionary with an empty list for `device_traces`."""
    no_frames: list[Document] = []
    segments = [_segment(allocator.device.ordinal, run, allocator.trace, frames, no_frames)
                for allocator in recording.allocators for run in allocator.runs()]
    result: Document = {"segments": segments, "device_traces": [],
                        "allocator_settings": _settings(recording.dialect, recording.settings)}
    if recording.dialect.annotations:
        result["external_annotations"] = [_annotation(annotation) for annotation in recording.annotations]
    if recording.dialect.host:
        result["host_segments"] = []
        result["host_traces"] = []
    return result


def _segment(device: int, run: list[Block], trace: Trace, frames: Frames, no_frames: list[Document]) -> Document:
    head = run[0]
    used = [block for block in run if not block.is_idle()]
    result: Document = {
        "device": device,
        "address": head.address,
        "total_size": sum(block.size for block in run),
        "allocated_size": sum(block.size for block in used if block.allocated),
        "active_size": sum(block.size for block in used),
        "requested_size": sum(block.requested for block in used),
        "stream": head.stream,
        "segment_type": "small" if head.pool.small else "large",
        "segment_pool_id": tuple(list(trace.pool_ids[head.pool.number])),
        "is_expandable": head.reservation is not None,
    }
    if head.segment_context == NO_CONTEXT:
        result["frames"] = no_frames
    result["blocks"] = [_block(block, frames, no_frames) for block in run]
    if head.segment_context != NO_CONTEXT:  # stacks are symbolized last, so the key comes last
        result["frames"] = frames.of_context(head.segment_context)
    return result


def _block(block: Block, frames: Frames, no_frames: list[Document]) -> Document:
    state = "inactive" if block.is_idle() else "active_allocated" if block.allocated else "active_pending_free"
    return {
        "address": block.address,
        "size": block.size,
        "requested_size": block.requested,
        "state": state,
        "frames": frames.of_context(block.context) if block.context != NO_CONTEXT else no_frames,
    }


def _settings(dialect: Dialect, settings: Settings) -> Document:
    """`max_split_size` is -1 when unlimited: an unsigned maximum stored as signed."""
    result: Document = {
        "PYTORCH_CUDA_ALLOC_CONF": fresh(settings.text),
        "max_split_size": -1 if settings.max_split_size is None else settings.max_split_size,
        "garbage_collection_threshold": settings.garbage_collection_threshold,
        "expandable_segments": settings.expandable_segments,
        "pinned_num_register_threads": 1,
        "release_lock_on_cudamalloc": False,
        "pinned_use_cuda_host_register": False,
    }
    if dialect.graph_capture_reuse:
        result["graph_capture_record_stream_reuse"] = False
    if dialect.host:
        result["max_round_threshold"] = -1
        result["max_cached_size"] = -1
    result["roundup_power2_divisions"] = {str(1 << slot): settings.divisions[slot] for slot in range(DIVISION_SLOTS)}
    return result


def _annotation(annotation: Annotation) -> Document:
    """`stage` and `name` come from a hash map of strings, so their keys are objects of their own each time."""
    return {fresh("stage"): fresh(annotation.stage), fresh("name"): fresh(annotation.name), "device": annotation.device,
            "time_us": annotation.time_us}
