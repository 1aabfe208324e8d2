"""Of unfrag.diff/1 (docs/format/diff.md): what changed from one recording to another.
"""

from __future__ import annotations

from collections.abc import Sequence

from unfrag.values._base import Value
from unfrag.values.explain import Frame


class Side(Value):
    """A recording."""

    #: The file, or - for standard input; escaped.
    path: str
    #: Ordinal of the device that is compared.
    device: int
    #: Number of trace entries of that device.
    events: int
    #: Whether the trace starts at the process's first allocation; else peaks and counts are of what it recorded.
    complete: bool
    #: Whether the file was cut or damaged: this is what precedes that.
    truncated: bool
    #: Whether peak_allocated_bytes and peak_active_bytes may have been more.
    allocated_is_lower_bound: bool
    #: What the reader noticed, in words, escaped.
    warnings: Sequence[str]


class Metrics(Value):
    """PyTorch's statistics, by its names."""

    #: Most bytes held from the driver.
    peak_reserved_bytes: Metric
    #: Most bytes in blocks handed out or waiting for other streams.
    peak_active_bytes: Metric
    #: Most bytes in blocks handed out.
    peak_allocated_bytes: Metric
    #: Most bytes that the program asked for, of the active blocks.
    peak_requested_bytes: Metric
    #: Bytes held from the driver at the end.
    now_reserved_bytes: Metric
    #: Active bytes at the end.
    now_active_bytes: Metric
    #: Allocated bytes at the end.
    now_allocated_bytes: Metric
    #: Requested bytes at the end.
    now_requested_bytes: Metric
    #: Requests that failed.
    num_ooms: Metric
    #: Requests for which all cached segments were given back and the driver asked again; None: a recording does not
    #: count them.
    num_alloc_retries: Metric
    #: Segments obtained from the driver, and steps of mapping.
    num_device_alloc: Metric
    #: Segments given back, and steps of unmapping.
    num_device_free: Metric


class Metric(Value):
    """One figure of both sides: bytes where its name ends in _bytes, else a number."""

    #: Of A; None where that is not known.
    a: int | None
    #: Of B; None where that is not known.
    b: int | None
    #: B minus A; None where one is not known.
    change: int | None
    #: The change in percent of A, to two decimals; None where A is 0 or one is not known.
    change_percent: float | None


class MovedFrom(Value):
    """A place in A."""

    #: Path of the source file as A recorded it, escaped.
    file: str
    #: Line in that file.
    line: int


class DiffHolder(Value):
    """A line that holds another number of bytes in B than in A at one moment."""

    #: When: at each side's own peak of allocated memory, or at the end.
    moment: str
    #: Bytes of its blocks in A.
    a_bytes: int
    #: Bytes of its blocks in B.
    b_bytes: int
    #: B minus A: less than 0 where it shrank, never 0.
    change_bytes: int
    #: Number of its blocks in A.
    a_blocks: int
    #: Number of its blocks in B.
    b_blocks: int
    #: Name of the function, escaped; None where no stack was recorded.
    function: str | None
    #: Path of the source file in B, or in A where B has no such line; escaped; None like function, and for C++.
    file: str | None
    #: Line in that file, counted from 1 (0: not known); None like file.
    line: int | None
    #: Whose code the line is; None without a stack.
    origin: str | None
    #: True for the row of blocks that contradict the segments.
    outside: bool | None
    #: Where it is in A, if its line or its file has another name there; else None.
    moved_from: MovedFrom | None
    #: What most of its bytes are for.
    kind: str
    #: The stack that holds most of it, innermost frame first; empty where none was recorded.
    stack: Sequence[Frame]


class Total(Value):
    """All allocated bytes of one moment: those of grew[] at that moment, those omitted there and those unchanged add up
    to them, on either side."""

    #: Which moment; peak is missing where a side has no trace.
    moment: str
    #: Allocated bytes of A.
    a_bytes: int
    #: Allocated bytes of B.
    b_bytes: int
    #: Lines that hold as many bytes in both.
    unchanged_holders: int
    #: What they hold.
    unchanged_bytes: int
    #: Lines that changed and are not in grew[], because of top=.
    omitted_holders: int
    #: What those hold in A.
    omitted_a_bytes: int
    #: What those hold in B.
    omitted_b_bytes: int


class Gate(Value):
    """A bound that was set with fail_on=."""

    #: As typed, escaped.
    expression: str
    #: Which of metrics{} it is about.
    metric: str
    #: That metric of A; None where that is not known, which an absolute bound does not mind.
    a: int | None
    #: That metric of B.
    b: int
    #: The most that B may have; less than 0 where more is to be saved than A has.
    limit: int
    #: Whether B has no more than the limit.
    holds: bool


class ComparisonFields(Value):
    """What changed from A to B."""

    #: Name and version of this format.
    schema: str
    #: The recording to compare with.
    a: Side
    #: The recording to judge.
    b: Side
    #: What changed in a sentence or two, for people.
    headline: str
    #: How the figures are to be read, a sentence or two each.
    notes: Sequence[str]
    #: The figures of both sides.
    metrics: Metrics
    #: Lines that hold more or less: at the peak those that grew, most first, then those that shrank, most first; then
    #: the same at the end.
    grew: Sequence[DiffHolder]
    #: The sums of each moment.
    totals: Sequence[Total]
    #: The bounds that were set, in their order; the command exits with 1 where one does not hold.
    gates: Sequence[Gate]
