"""Of unfrag.message/1 (docs/format/message.md): what follows from the text of an error.
"""

from __future__ import annotations

from collections.abc import Sequence

from unfrag.values._base import Value


class MessageSource(Value):
    """The text that was read."""

    #: The file, or - for standard input; escaped.
    path: str
    #: Its length.
    bytes: int
    #: Bytes at its beginning that were not looked at, because it is very long.
    skipped_bytes: int
    #: How many out-of-memory messages it has; the last with figures is explained.
    messages: int
    #: How many memory_summary() tables it has; the last is explained.
    summaries: int


class MessageForm(Value):
    """What kind of message it is."""

    #: Its layout.
    form: str
    #: CUDA, HIP, XPU, MPS or what else stands before "out of memory".
    backend: str | None
    #: The PyTorch releases that print this layout.
    releases: str | None
    #: Ordinal of the device.
    device: int | None


class Later(Value):
    """Messages without figures that come after the one explained and asked for another size."""

    #: How many there are.
    messages: int
    #: What the last of them asked for.
    requested_bytes: int


class Figures(Value):
    """Figures as printed, in bytes."""

    #: What was asked for: of the driver, or by the program where the form is async or mps.
    requested_bytes: int | None
    #: What the device has.
    total_bytes: int | None
    #: What the driver had left.
    free_bytes: int | None
    #: The limit set for the process; of MPS the high watermark.
    limit_bytes: int | None
    #: Allocated as printed: with private_free_bytes in it where that is not None.
    allocated_bytes: int | None
    #: Reserved as printed, which releases from 2.1 do not.
    reserved_bytes: int | None
    #: Reserved but unallocated; called cached until 1.3.
    unallocated_bytes: int | None
    #: Printed as allocated in private pools: in truth the pools' free blocks.
    private_free_bytes: int | None
    #: Other allocations, of MPS.
    other_bytes: int | None


class MessageProcess(Value):
    """A process that uses the device."""

    #: Its number, or None where the message calls it this process.
    pid: int | None
    #: What it uses, or None where the driver did not tell.
    bytes: int | None
    #: Whether it is the process that failed: called so, or the one whose use fits (in a container).
    self: bool


class Sizes(Value):
    """A row of sizes, rounded down to the unit printed."""

    #: Now.
    current_bytes: int
    #: The most so far.
    peak_bytes: int
    #: All increases ever.
    allocated_bytes: int
    #: All decreases ever.
    freed_bytes: int


class Counts(Value):
    """A row of counts, rounded down to the thousands or millions printed."""

    #: Now.
    current: int
    #: The most so far.
    peak: int
    #: All increases ever.
    allocated: int
    #: All decreases ever.
    freed: int


class Summary(Value):
    """A memory_summary() table."""

    #: Ordinal of the device.
    device: int | None
    #: Times that memory ran out.
    ooms: int | None
    #: Times that the driver was asked again after all cached segments were given back.
    retries: int | None
    #: Row Allocated memory.
    allocated: Sizes | None
    #: Row Active memory.
    active: Sizes | None
    #: Row Requested memory.
    requested: Sizes | None
    #: Row GPU reserved memory.
    reserved: Sizes | None
    #: Row Non-releasable memory.
    non_releasable: Sizes | None
    #: Row Allocations.
    allocations: Counts | None
    #: Row Active allocs.
    active_allocs: Counts | None
    #: Row GPU reserved segments.
    segments: Counts | None
    #: Row Non-releasable allocs.
    non_releasable_allocs: Counts | None
    #: Row Oversize allocations.
    oversize_allocations: Counts | None
    #: Row Oversize GPU segments.
    oversize_segments: Counts | None


class MessageVerdict(Value):
    """A verdict with its proof."""

    #: The first kind that holds, in the order of this list; growth cannot be told from a message.
    kind: str
    #: The other kinds that hold.
    also: Sequence[str]
    #: The reason in a sentence or two.
    headline: str
    #: The bytes that prove it: of a message or of a table.
    evidence: MessageEvidence | SummaryEvidence


class MessageEvidence(Value):
    """What was worked out from a message."""

    #: What the process may have: reserved and what the driver had left, at most the limit.
    may_bytes: int | None
    #: Allocated and what was asked for.
    need_bytes: int | None
    #: may_bytes less need_bytes.
    spare_bytes: int | None
    #: How far spare_bytes may be off either way.
    spare_plus_minus_bytes: int | None
    #: The verdict is capacity where less than this share of may_bytes is spare.
    capacity_percent: int
    #: Reserved: as printed, or allocated and unallocated.
    reserved_bytes: int | None
    #: Allocated, without the private pools' free blocks; of MPS with other allocations.
    allocated_bytes: int | None
    #: Free in segments outside private pools.
    unallocated_bytes: int | None
    #: What the driver, or the limit, would still have given.
    room_bytes: int | None
    #: What this process uses in all, PyTorch's and its context.
    own_bytes: int | None
    #: What other processes use that the message names.
    named_bytes: int | None
    #: Used by nobody whom the message names; None where that is within the allowance.
    unlisted_bytes: int | None
    #: What may be used beside that without a word: the process's own context where its use is not told, else the
    #: driver's share.
    allowance_bytes: int
    #: The tensor is larger than this.
    tensor_more_than_bytes: int | None
    #: The tensor is no larger than this.
    tensor_at_most_bytes: int | None


class SummaryEvidence(Value):
    """What was worked out from a table."""

    #: Reserved, not active.
    free_bytes: int | None
    #: Of that, in wholly free segments, which empty_cache returns.
    releasable_bytes: int | None
    #: Of that, beside blocks in use.
    holes_bytes: int | None
    #: Active, not requested.
    rounding_bytes: int | None
    #: Active, not allocated: waits for other streams.
    pending_bytes: int | None
    #: Free bytes are worth a verdict above this share of reserved.
    notable_percent: int
    #: And from this size on.
    notable_bytes: int


class MessageFields(Value):
    """What follows from the text of an out-of-memory error or a memory_summary table."""

    #: Name and version of this format.
    schema: str
    #: The text that was read.
    source: MessageSource
    #: The last out-of-memory message in the text that has figures, or the last of all where none has; None where there
    #: is only a table.
    message: MessageForm | None
    #: Other failures after that message, of which the text tells no more than the size asked for, or None where there
    #: are none.
    later: Later | None
    #: The figures of that message,.
    figures: Figures
    #: How far each figure may be from the true one either way,: it was rounded when it was printed.
    precision: Figures
    #: The processes that the message names, in its order.
    processes: Sequence[MessageProcess]
    #: The last memory_summary() table in the text, or None.
    summary: Summary | None
    #: Why the request failed; where there is only a table, the state of the memory.
    verdict: MessageVerdict
    #: How the figures are to be read and what else follows, a sentence or two each.
    notes: Sequence[str]
    #: What nobody can conclude from this text, a clause each.
    cannot_tell: Sequence[str]
    #: The lines of Python that record a snapshot; empty where PyTorch has no recorder for the backend.
    record: Sequence[str]
