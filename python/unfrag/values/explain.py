"""Of unfrag.explain/1 (docs/format/explain.md): what `explain` finds.

Sizes are bytes and counts plain integers, addresses hexadecimal text, events numbers of trace entries, counted from 0
in each device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unfrag.values._base import Value

if TYPE_CHECKING:
    from unfrag.values.advise import AdviceFields


class EmptiedSegment(Value):
    """A segment."""

    #: Where it begins.
    address: str
    #: Its size.
    bytes: int


class Source(Value):
    """The file and how much of it could be read."""

    #: The file as named on the command line, escaped; - is standard input.
    path: str
    #: Size of the snapshot, unpacked, as far as it was read.
    bytes: int
    #: Number of trace entries read, over all devices and the host.
    events: int
    #: Whether every trace starts at the process's first allocation, so that nothing had to be inferred.
    complete: bool
    #: Whether the file was cut or damaged; then the report covers what precedes that place.
    truncated: bool
    #: The oldest PyTorch release that could have written the file, as MAJOR.MINOR without unit; None where nothing
    #: tells.
    torch_at_least: str | None
    #: Allocator settings as the file has them: texts, numbers, booleans, lists and objects.
    settings: Value
    #: What the reader noticed, in sentences: damage, unknown keys, entries that contradict each other.
    warnings: Sequence[str]


class Device(Value):
    """All that was found out about one device."""

    #: Ordinal of the device in the recorded process; 0 for host.
    index: int
    #: Number of trace entries of this device.
    events: int
    #: Whether this trace starts at the process's first allocation.
    complete: bool
    #: Whether a replay agrees with every entry of the trace from the process's first allocation on; then no size is a
    #: lower bound.
    replays_exactly: bool | None
    #: Sums at the time of the snapshot, as its segments show them.
    now: Now
    #: The highest sums after any trace entry, each with the entry that first reached it.
    peak: Peak
    #: What free memory is good for: at the time of the snapshot, or at the moment asked for with at=.
    fragmentation: Fragmentation
    #: Of the request of want=, else of the last failed request, else of the end.
    verdict: Verdict | None
    #: What stands in the way of the request of the verdict, cheapest first: least bytes, then fewest blocks; one for
    #: each of at most 5 segments, empty where none is large enough.
    blockers: Sequence[Blocker] | None
    #: What could go back to the driver instead, for the fewest bytes; None where nothing would do.
    segments_to_empty: SegmentsToEmpty | None
    #: Requests that failed for lack of memory, in order.
    ooms: Sequence[Oom]
    #: Where every byte is at one moment: that of at=, else of the last failed request, else of the snapshot.
    at: At
    #: Who holds allocated memory, most bytes at the moment first; with holders_omitted they add up to the allocated
    #: bytes.
    holders: Sequence[Holder]
    #: Sums of the holders that top= left out; absent where none was.
    holders_omitted: Omitted | None
    #: What the allocated memory is for, one of each kind in a fixed order; the bytes of each moment add up to the
    #: allocated bytes.
    kinds: Sequence[KindUse] | None
    #: Segments with free bytes that an active block keeps from the driver, most free bytes first: as the snapshot shows
    #: it, or at the moment of at=.
    pinned_segments: Sequence[PinnedSegment]
    #: The highest sums within each of at most 256 stretches of equal length.
    timeline: Timeline
    #: Lines of the program that hold more from iteration to iteration, at the quietest point of each, most bytes gained
    #: first; up to the last failed request, else of the whole trace.
    growth: Sequence[Suspect] | None
    #: Where the program begins again, as the trace shows it: what growth is measured by.
    iterations: Iterations | None


class Now(Value):
    """Sums at the time of the snapshot."""

    #: Bytes held from the driver in segments.
    reserved_bytes: int
    #: Bytes in blocks that the program holds.
    allocated_bytes: int
    #: Bytes in blocks that the program holds or that wait for other streams.
    active_bytes: int
    #: Bytes that were asked for, of the active blocks.
    requested_bytes: int
    #: Number of segments.
    segments: int


class Peak(Value):
    """The highest sums after any trace entry."""

    #: Most bytes in blocks that the program held.
    allocated_bytes: int
    #: The first trace entry, counted from 0, after which that was reached; None: before the first entry.
    allocated_event: int | None
    #: Most bytes in blocks held or waiting for other streams.
    active_bytes: int
    #: The first trace entry, counted from 0, after which that was reached; None: before the first entry.
    active_event: int | None
    #: Most bytes asked for, of the active blocks.
    requested_bytes: int
    #: The first trace entry, counted from 0, after which that was reached; None: before the first entry.
    requested_event: int | None
    #: Most bytes held from the driver.
    reserved_bytes: int
    #: The first trace entry, counted from 0, after which that was reached; None: before the first entry.
    reserved_event: int | None
    #: Whether allocated_bytes and active_bytes may be higher: blocks above 1 MiB of plain segments may be up to 1 MiB
    #: larger than their entry tells.
    allocated_is_lower_bound: bool


class Fragmentation(Value):
    """What free memory is good for."""

    #: Inactive bytes in segments.
    free_bytes: int
    #: Bytes of the largest hole of any one pool and stream.
    largest_free_bytes: int
    #: Bytes that empty_cache would return to the driver.
    releasable_bytes: int
    #: Inactive or pending bytes that the last failed request, else the default pool of the default stream, may not use.
    stranded_bytes: int


class Oom(Value):
    """A request that failed for lack of memory."""

    #: Its trace entry, counted from 0.
    event: int
    #: Bytes of the request after rounding.
    requested_bytes: int
    #: Bytes the driver had left; None where the entry does not say.
    device_free_bytes: int | None
    #: Raw handle of the stream, a signed 64-bit number without unit; 0 is the default stream.
    stream: int
    #: The private pool, a pair of numbers without unit; [0, 0] is the default pool.
    pool_id: Sequence[int] | None
    #: Frames of the recorded stack, innermost first; empty where none was recorded.
    stack: Sequence[Frame]
    #: Function of the user's own line that made it; None without a stack.
    function: str | None
    #: Its file.
    file: str | None
    #: Its line number.
    line: int | None
    #: Why it failed.
    verdict: Verdict | None


class At(Value):
    """Where every byte is at one moment: requested, rounding, pending, free in segments and free segments add up to
    reserved."""

    #: Which moment: an entry, the peak of allocated bytes, the last failed request, or the snapshot itself.
    moment: str
    #: The trace entry, counted from 0, after which it is; None for the snapshot itself or before the first entry.
    event: int | None
    #: Bytes that had been requested, of blocks allocated or waiting for other streams.
    requested_bytes: int
    #: Bytes of those blocks beyond what was requested.
    rounding_bytes: int
    #: Bytes of whole blocks that wait for other streams, part of requested and rounding.
    pending_bytes: int
    #: Free bytes in segments that also hold active blocks.
    free_in_segments_bytes: int
    #: Bytes of segments with nothing active.
    free_segments_bytes: int
    #: Bytes held from the driver: the sum of the five above.
    reserved_bytes: int
    #: Bytes of expandable segments mapped earlier and unmapped again, outside reserved_bytes.
    unmapped_bytes: int
    #: What free memory is good for at that moment.
    fragmentation: Fragmentation
    #: The same bytes by pool and stream, which cannot use one another's free memory; each column adds up to the total.
    pools: Sequence[PoolUse]
    #: Bytes of allocated blocks that contradict the segments, outside reserved; 0 in a sound file.
    outside_bytes: int | None
    #: Bytes in blocks that the program holds.
    allocated_bytes: int | None
    #: Bytes in blocks that the program holds or that wait for other streams.
    active_bytes: int | None
    #: Segments with free bytes that an active block keeps from the driver then, most free bytes first: at most 20.
    pinned_segments: Sequence[PinnedSegment] | None
    #: Bytes that were asked for, of the allocated blocks alone.
    allocated_requested_bytes: int | None
    #: What those blocks are larger.
    allocated_rounding_bytes: int | None
    #: Number of such segments in all.
    pinned_segment_count: int | None


class PoolUse(Value):
    """The memory of one pool and stream."""

    #: Raw handle of the stream, a signed 64-bit number without unit; 0 is the default stream.
    stream: int
    #: The private pool, a pair of numbers without unit; [0, 0] is the default pool.
    pool_id: Sequence[int]
    #: Which requests the segments serve: small (up to 1 MiB), large, or unknown where the file does not say; no unit.
    pool: str
    #: Number of its segments; expandable ones count by run of mapped pages.
    segments: int
    #: Bytes held from the driver.
    reserved_bytes: int
    #: Bytes in blocks that the program holds.
    allocated_bytes: int
    #: Bytes of blocks given back that wait for other streams.
    pending_bytes: int
    #: Free bytes.
    free_bytes: int
    #: Of the free bytes, those in segments with nothing active.
    free_segments_bytes: int
    #: Bytes of the largest hole.
    largest_free_bytes: int


class Frame(Value):
    """One place in the program."""

    #: Name of the function, escaped; None where no stack was recorded or holders are grouped otherwise.
    function: str | None
    #: Path of the source file as recorded, escaped; None like function.
    file: str | None
    #: Line in that file, counted from 1 (0: not known); None like function, and with group= function.
    line: int | None


class Holder(Value):
    """One line, function, stream or segment (group=...) and the allocated blocks that it holds."""

    #: Bytes it holds at the time of the snapshot.
    now_bytes: int
    #: Bytes it held when most was allocated.
    peak_bytes: int
    #: Bytes it holds at the moment of at.
    at_bytes: int
    #: Number of blocks it holds at the time of the snapshot.
    blocks: int
    #: Number of blocks it held when most was allocated.
    peak_blocks: int
    #: Number of blocks it holds at the moment of at.
    at_blocks: int
    #: With group= stream: raw handle of the stream, a signed 64-bit number without unit.
    stream: int | None
    #: With group= segment: address of the segment.
    segment: str | None
    #: Name of the function, escaped; None where no stack was recorded or holders are grouped otherwise.
    function: str | None
    #: Path of the source file as recorded, escaped; None like function.
    file: str | None
    #: Line in that file, counted from 1 (0: not known); None like function, and with group= function.
    line: int | None
    #: The stack that holds most of it, innermost frame first; empty where none was recorded.
    stack: Sequence[Frame]
    #: True for the row of blocks that contradict the segments.
    outside: bool | None
    #: Whose code the line is; None without a stack.
    origin: str | None
    #: What most of its bytes are for: at the moment of at, else at the peak, else in the snapshot.
    kind: str | None


class KindUse(Value):
    """The allocated blocks of one kind."""

    #: What the memory is for; unknown where the recording does not tell.
    kind: str
    #: Bytes of this kind at the time of the snapshot.
    now_bytes: int
    #: Bytes of this kind at the moment of at.
    at_bytes: int
    #: Bytes of this kind when most was allocated.
    peak_bytes: int
    #: Number of blocks of this kind at the time of the snapshot.
    now_blocks: int
    #: Number of blocks of this kind at the moment of at.
    at_blocks: int
    #: Number of blocks of this kind when most was allocated.
    peak_blocks: int


class Omitted(Value):
    """Sums of the holders that top= left out."""

    #: Number of holders left out.
    holders: int
    #: Bytes they hold at the time of the snapshot.
    now_bytes: int
    #: Bytes they held when most was allocated.
    peak_bytes: int
    #: Bytes they hold at the moment of at.
    at_bytes: int
    #: Number of blocks that they hold as the snapshot shows it.
    blocks: int | None
    #: Number of blocks that they held at the allocated peak.
    peak_blocks: int | None
    #: Number of blocks that they held at the moment of at.
    at_blocks: int | None


class PinnedSegment(Value):
    """A segment that cannot go back to the driver."""

    #: Address of the segment, or of a run of mapped pages.
    address: str
    #: Size of the segment.
    bytes: int
    #: Bytes in its active blocks.
    held_bytes: int
    #: Bytes in its holes.
    free_bytes: int
    #: Number of its active blocks.
    blocks: int
    #: Raw handle of the stream, a signed 64-bit number without unit; 0 is the default stream.
    stream: int
    #: The private pool, a pair of numbers without unit; [0, 0] is the default pool.
    pool_id: Sequence[int]
    #: Which requests the segments serve: small (up to 1 MiB), large, or unknown where the file does not say; no unit.
    pool: str
    #: Whether it belongs to an expandable segment.
    expandable: bool
    #: The largest of its active blocks.
    largest_block: PinningBlock


class PinningBlock(Value):
    """A block that keeps its segment from the driver."""

    #: Address of the block.
    address: str
    #: Size of the block.
    bytes: int
    #: Name of the function, escaped; None where no stack was recorded or holders are grouped otherwise.
    function: str | None
    #: Path of the source file as recorded, escaped; None like function.
    file: str | None
    #: Line in that file, counted from 1 (0: not known); None like function, and with group= function.
    line: int | None


class Timeline(Value):
    """Columns of equal length: one value for each stretch of the recording."""

    #: The last trace entry of each stretch, counted from 0.
    event: Sequence[int]
    #: Highest allocated bytes within each stretch.
    allocated_bytes: Sequence[int]
    #: Highest active bytes within each stretch.
    active_bytes: Sequence[int]
    #: Highest requested bytes within each stretch.
    requested_bytes: Sequence[int]
    #: Highest reserved bytes within each stretch.
    reserved_bytes: Sequence[int]


class Verdict(Value):
    """Why a request failed or would fail, or what there is to say of a state where none did."""

    #: The first of the kinds, in this order, that holds; docs/guide/verdicts.md defines them. No unit.
    kind: str
    #: The others that hold, in the same order.
    also: Sequence[str]
    #: The verdict in one sentence of plain English.
    headline: str
    #: What to do about it or what to record next time, in plain English; may be empty.
    advice: str
    #: With want=, where the request would be served from; absent where it would fail.
    served_from: str | None
    #: The figures that prove it.
    evidence: Evidence


class Evidence(Value):
    """The figures behind a verdict; those of a request are absent where it is about none, and may, need and spare where
    it is not known how much the process may have."""

    #: Bytes held from the driver.
    reserved_bytes: int
    #: Bytes in blocks in use or waiting for other streams.
    active_bytes: int
    #: Reserved bytes that are not active.
    free_bytes: int
    #: Free bytes in segments with nothing active.
    free_segments_bytes: int
    #: Free bytes in segments that also hold active blocks.
    free_in_segments_bytes: int
    #: Bytes that empty_cache would return.
    releasable_bytes: int
    #: Bytes that growing lines hold more than at their first iteration; 0 where nothing grows.
    rise_bytes: int
    #: The block that the request needs: its bytes, rounded.
    requested_bytes: int | None
    #: Bytes that PyTorch would ask the driver for to serve it.
    asked_of_driver_bytes: int | None
    #: The stream that asks, as a raw handle.
    stream: int | None
    #: The pool it is for; the default pool where the recording does not tell.
    pool_id: Sequence[int] | None
    #: Bytes that the process may have: reserved and what the driver had left, or its limit.
    may_bytes: int | None
    #: Active bytes plus the rounded request.
    need_bytes: int | None
    #: may_bytes - need_bytes; negative where that is too little.
    spare_bytes: int | None
    #: With fewer bytes than this to spare the verdict is capacity: 5 % of may_bytes.
    capacity_below_bytes: int | None
    #: Bytes that the driver has left.
    device_free_bytes: int | None
    #: Whether a limit refuses what the device could give.
    limited: bool | None
    #: Bytes on the device that are neither this process's to take nor its own context; only with memory=.
    outside_bytes: int | None
    #: Free bytes in segments that the request may use.
    usable_free_bytes: int | None
    #: The largest free block there,.
    usable_hole_bytes: int | None
    #: Bytes there in blocks that wait for other streams.
    pending_bytes: int | None
    #: The largest hole there once those are free,.
    hole_after_pending_bytes: int | None
    #: Free bytes in segments of other streams and of private pools.
    elsewhere_free_bytes: int | None
    #: The largest free block there,.
    elsewhere_hole_bytes: int | None


class MadeBlock(Value):
    """A live block and the line that made it."""

    #: Where it begins.
    address: str
    #: Its size.
    bytes: int
    #: Function of the user's own line that made it; None without a stack.
    function: str | None
    #: Its file.
    file: str | None
    #: Its line number.
    line: int | None
    #: Frames of the recorded stack, innermost first; empty where none was recorded.
    stack: Sequence[Frame]


class Blocker(Value):
    """A hole that would hold the request, and the live blocks that are in it: the cheapest of one segment."""

    #: The hole that opens,.
    hole_bytes: int
    #: Bytes in the blocks to free.
    release_bytes: int
    #: Where the segment begins.
    segment: str
    #: The blocks to free, by address; blocks that wait for other streams may lie between and cost nothing.
    blocks: Sequence[MadeBlock]


class SegmentsToEmpty(Value):
    """Segments that go back to the driver once their blocks are free, so that it can serve the request."""

    #: Bytes in the segments.
    returned_bytes: int
    #: Bytes in the blocks to free.
    release_bytes: int
    #: Whether no other choice of segments frees fewer bytes; false where there were too many to try all.
    cheapest: bool
    #: The segments, by address.
    segments: Sequence[EmptiedSegment]
    #: The blocks to free, by address.
    blocks: Sequence[MadeBlock]


class Suspect(Value):
    """A line whose blocks become more, or larger, with the iterations."""

    #: Name of the function, escaped; None where no stack was recorded.
    function: str | None
    #: Path of the source file as recorded, escaped; None like function, and where the stack has C++ frames only.
    file: str | None
    #: Line in that file, counted from 1 (0: not known); None like file.
    line: int | None
    #: Whose code the line is; None without a stack.
    origin: str | None
    #: The stack of that line that gained most, innermost frame first; empty where none was recorded.
    stack: Sequence[Frame]
    #: Bytes it held at the quietest point of the first iteration.
    first_bytes: int
    #: Bytes it held at the quietest point of the last iteration.
    last_bytes: int
    #: last_bytes less first_bytes: the bytes gained.
    rise_bytes: int
    #: Number of blocks that first_bytes is made of.
    first_blocks: int
    #: Number of blocks that last_bytes is made of.
    last_blocks: int
    #: Bytes gained an iteration: the slope by least squares, rounded.
    bytes_per_iteration: int
    #: Number of iterations from the first to the last, both counted; of five and more the first is left out, since it
    #: warms up.
    iterations: int
    #: How sure it is that this rises and does not change by chance, a share: 1 - p of the one-sided Mann-Kendall test.
    confidence: float


class Iterations(Value):
    """The iterations of the program: all complete, up to the last failed request."""

    #: What shows them: annotations of the trace, stacks of an optimizer's step, allocations that repeat, or nothing.
    source: str
    #: The annotation, else FILE:LINE of what marks them, escaped; None where nothing names them.
    name: str | None
    #: Number of complete iterations: 0 or at least 4.
    count: int


class ExplanationFields(Value):
    """What `explain` found."""

    #: Name and version of this format.
    schema: str
    #: The file and how much of it could be read.
    source: Source
    #: Ordinal of the device that the text report is about: device=, else the one with most trace entries; None where
    #: no GPU appears.
    device: int | None
    #: Every GPU that has segments or trace entries, by ordinal.
    devices: Sequence[Device]
    #: Pinned host memory in the form of a device, or None where none was recorded.
    host: Device | None
    #: With advise=: which settings help, as unfrag advise has it.
    advice: AdviceFields | None
