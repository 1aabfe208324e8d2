"""Of unfrag.replay/1 (docs/format/replay.md): what a replay came to.
"""

from __future__ import annotations

from collections.abc import Sequence

from unfrag.values._base import Value
from unfrag.values.explain import Source


class Statistics(Value):
    """PyTorch's own statistics of a run of the allocator, under its own names."""

    #: Most bytes in blocks handed out at once.
    peak_allocated_bytes: int
    #: The same with blocks that wait for other streams.
    peak_active_bytes: int
    #: Most bytes asked for at once, before rounding, of active blocks.
    peak_requested_bytes: int
    #: Most bytes held from the driver at once.
    peak_reserved_bytes: int
    #: Bytes in blocks handed out at the end.
    end_allocated_bytes: int
    #: Bytes held from the driver at the end.
    end_reserved_bytes: int
    #: Number of requests that failed.
    num_ooms: int
    #: Number of requests for which cached memory was given back before a second try.
    num_alloc_retries: int
    #: Number of calls that obtained memory: segments, and steps of mapping pages.
    num_device_alloc: int
    #: Number of calls that gave memory back.
    num_device_free: int
    #: Number of times that everything was waited for.
    num_sync_all_streams: int
    #: Most plain segments at once; mapped pages never count.
    segment_peak: int


class Conditions(Value):
    """Under what the replay ran."""

    #: The PyTorch release whose rules count, as MAJOR.MINOR without unit: torch=, else the oldest that could have
    #: written the file.
    torch: str
    #: The settings as PYTORCH_CUDA_ALLOC_CONF would have them; empty for the defaults.
    conf: str
    #: All memory of the device, where memory= tells it, else None.
    memory_bytes: int | None
    #: What the driver would give this process, or None: without end.
    capacity_bytes: int | None
    #: Limit of a memory fraction, or None.
    limit_bytes: int | None
    #: Where new segments lie, above or below older ones.
    addresses: str


class Guesses(Value):
    """What the recording does not tell and the replay had to guess."""

    #: The process's memory limit, where it was inferred from when the garbage collector ran, else None.
    limit_bytes: int | None
    #: Whether the recording begins mid-way, so that the memory held before is what its entries and its end imply.
    initial_state: bool
    #: Number of blocks from before the recording whose size nothing settles: up to 1 MiB larger each.
    block_sizes: int
    #: Number of segments taken for a private pool's because their free memory was passed over.
    pools: int
    #: Number of bursts of released segments taken for the program's empty_cache() although no stack proves it.
    releases: int


class State(Value):
    """What one side did at that entry."""

    #: The action by PyTorch's name, or None where that side did nothing.
    action: str | None
    #: Where, in hexadecimal; None where nothing has an address.
    address: str | None
    #: The size, as a trace entry has it, or None.
    size_bytes: int | None
    #: Bytes held from the driver then.
    reserved_bytes: int
    #: Bytes asked for by active blocks then.
    requested_bytes: int


class Divergence(Value):
    """The first entry at which replay and recording differ."""

    #: Number of the entry; the number of entries where only the final state differs.
    event: int
    #: What the recording has there.
    recorded: State
    #: What the replay does there.
    replayed: State


class RecordedStatistics(Statistics):
    """The recording itself, replayed under its own settings."""

    #: Whether that replay agrees with every entry, from the process's first allocation on.
    exact: bool
    #: Most bytes reserved at once by the file's entries themselves.
    file_peak_reserved_bytes: int


class OtherAddresses(Statistics):
    """The figures with new segments in another order of addresses."""

    #: Where new segments lie.
    addresses: str
    #: Number of requests that failed in the recording and are served here.
    num_rescued: int
    #: Number of requests that the recording served and that fail here.
    num_newly_refused: int


class Curves(Value):
    """Memory over time, the highest of each within a stretch of entries."""

    #: The last entry of each stretch.
    event: Sequence[int]
    #: Highest allocated bytes of each stretch.
    allocated_bytes: Sequence[int]
    #: Highest active bytes of each stretch.
    active_bytes: Sequence[int]
    #: Highest requested bytes of each stretch.
    requested_bytes: Sequence[int]
    #: Highest reserved bytes of each stretch.
    reserved_bytes: Sequence[int]


class ReplayFields(Statistics):
    """The allocator run again on what was recorded."""

    #: Name and version of this format.
    schema: str
    #: The file and how much of it could be read.
    source: Source
    #: Ordinal of the device that was replayed.
    device: int
    #: The allocator that was replayed: PyTorch's own.
    policy: str
    #: Under what it ran.
    conditions: Conditions
    #: Whether settings or device are not those of the recording.
    what_if: bool
    #: Whether every entry is reproduced, from the process's first allocation on; None in a what-if.
    exact: bool | None
    #: Where the replay of the recording itself parts from it, or None.
    first_divergence: Divergence | None
    #: Number of requests that failed in the recording and are served here.
    num_rescued: int
    #: Number of requests that the recording served and that fail here.
    num_newly_refused: int
    #: The same figures of the recording.
    recorded: RecordedStatistics
    #: What had to be guessed.
    guesses: Guesses
    #: Of a what-if: the orders of addresses that lead to other figures.
    other_addresses: Sequence[OtherAddresses]
    #: With -o FILE.json: memory over time.
    curves: Curves | None
    #: With timing=: entries of the recording replayed in a second, on one core.
    events_per_second: int | None
