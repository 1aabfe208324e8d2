"""What the allocator records: events in columns (one array per field), call stacks, annotations, and the clock."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import NamedTuple

# The actions of a trace entry, by the code stored in Trace.actions (PyTorch torch/csrc/cuda/Module.cpp: action_to_str).
ACTIONS = ("alloc", "free_requested", "free_completed", "segment_alloc", "segment_free", "segment_map", "segment_unmap",
           "oom")
(ALLOC, FREE_REQUESTED, FREE_COMPLETED, SEGMENT_ALLOC, SEGMENT_FREE, SEGMENT_MAP, SEGMENT_UNMAP,
 OOM) = range(len(ACTIONS))

NO_CONTEXT = 0


class Frame(NamedTuple):
    """One frame of a call stack."""

    name: str
    filename: str
    line: int


class Clock:
    """Microseconds since the Unix epoch."""

    def __init__(self, start_us: int) -> None:
        self.now_us = start_us


class Stacks:
    """Interned frames and call sites. A site is a call stack as a tuple of frame numbers, innermost first."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.sites: list[tuple[int, ...]] = []
        self._frame_numbers: dict[Frame, int] = {}
        self._site_numbers: dict[tuple[int, ...], int] = {}

    def site(self, frames: tuple[Frame, ...]) -> int:
        """The number of the call site with these frames, innermost first."""
        key = tuple(map(self._frame_number, frames))
        number = self._site_numbers.get(key)
        if number is None:
            number = self._site_numbers[key] = len(self.sites)
            self.sites.append(key)
        return number

    def _frame_number(self, frame: Frame) -> int:
        number = self._frame_numbers.get(frame)
        if number is None:
            number = self._frame_numbers[frame] = len(self.frames)
            self.frames.append(frame)
        return number


class Contexts:
    """Gathered tracebacks: the context of an event is one traceback object, and objects may be shared.

    PyTorch gathers a new traceback in every malloc and free and keeps it by reference, so the entries of one call share
    it, and so does the block while it lives (CUDACachingAllocator.cpp: maybeGatherContext); two calls from the same
    place have equal but distinct ones. `sharing`: "distinct" does that, "shared" makes one traceback per call site,
    "none" gathers nothing (context=None).
    """

    def __init__(self, sharing: str) -> None:
        self.sites = array("I", [0])  # context number -> site number; context 0 is "none gathered"
        self._keep = sharing != "none"
        self._per_site: dict[int, int] = {}
        self._shared = sharing == "shared"

    def gather(self, site: int) -> int:
        """The context of a call that happens at `site` now."""
        if not self._keep:
            return NO_CONTEXT
        if self._shared and site in self._per_site:
            return self._per_site[site]
        self.sites.append(site)
        context = len(self.sites) - 1
        if self._shared:
            self._per_site[site] = context
        return context


class Trace:
    """The events of one device in order, one array per field.

    `addresses` holds the free bytes of the device for an `oom` event, whose entry has `device_free` for `addr`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.actions = array("B")
        self.addresses = array("Q")
        self.sizes = array("Q")
        self.streams = array("q")
        self.times_us = array("q")
        self.contexts = array("I")
        self.pools = array("H")  # number in `pool_ids`
        self.pool_ids: list[tuple[int, int]] = [(0, 0)]

    def __len__(self) -> int:
        return len(self.actions)

    def record(self, action: int, address: int, size: int, stream: int, pool: int, context: int) -> None:
        """Appends one event; the clock moves on by a microsecond."""
        self.actions.append(action)
        self.addresses.append(address)
        self.sizes.append(size)
        self.streams.append(stream)
        self.pools.append(pool)
        self.contexts.append(context)
        now = self.clock.now_us
        self.times_us.append(now)
        self.clock.now_us = now + 1


@dataclass(frozen=True)
class Annotation:
    """One end of a record_function range."""

    name: str
    stage: str  # START or END
    device: int
    time_us: int
