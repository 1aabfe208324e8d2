"""Of unfrag.rehearse/1 (docs/format/rehearse.md): what a rehearsal came to.
"""

from __future__ import annotations

from collections.abc import Sequence

from unfrag.values._base import Value
from unfrag.values.explain import ExplanationFields


class RehearsedStatistics(Value):
    """PyTorch's own statistics, under its own names; None where no replay agrees with the entries and they do not tell."""

    #: Most bytes in blocks handed out at once, under these conditions.
    peak_allocated_bytes: int | None
    #: The same with blocks that wait for other streams.
    peak_active_bytes: int | None
    #: Most bytes asked for at once, before rounding, of active blocks.
    peak_requested_bytes: int
    #: Most bytes held from the driver at once.
    peak_reserved_bytes: int
    #: Bytes in blocks handed out at the end.
    end_allocated_bytes: int | None
    #: Bytes held from the driver at the end.
    end_reserved_bytes: int
    #: Number of requests that failed.
    num_ooms: int
    #: Number of requests for which cached memory was given back before a second try.
    num_alloc_retries: int | None
    #: Number of calls that obtained memory: segments, and steps of mapping pages.
    num_device_alloc: int
    #: Number of calls that gave memory back.
    num_device_free: int
    #: Number of times that everything was waited for.
    num_sync_all_streams: int | None
    #: Most plain segments at once; mapped pages never count.
    segment_peak: int


class RehearsedDevice(Value):
    """What was presented to the program."""

    #: As torch.cuda.get_device_name says it.
    name: str
    #: All memory of a device.
    total_bytes: int
    #: What the process's CUDA context has of it.
    context_bytes: int


class DevicePeak(Value):
    """DevicePeak"""

    #: Ordinal.
    index: int
    #: The most that it held of this one.
    peak_reserved_bytes: int


class RehearsedProcess(Value):
    """RehearsedProcess"""

    #: Its number. A program that replaced itself by execv has the one of its predecessor.
    process: int
    #: Its command line, up to 256 bytes, escaped.
    command: str
    #: Of the allocator.
    entries: int
    #: Requests that failed.
    num_ooms: int
    #: The most that it held of one device.
    peak_reserved_bytes: int
    #: Those that it used.
    devices: Sequence[DevicePeak]


class Together(Value):
    """Together"""

    #: Ordinal of the device.
    index: int
    #: How many used it.
    processes: int
    #: ... at the same time.
    most_at_once: int
    #: The highest sum of what they held; each has a CUDA context beside it.
    peak_reserved_bytes: int
    #: Nobody knows when one of them ended: what it had is counted to the end.
    is_upper_bound: bool
    #: Whether what several held at once, contexts included, is no more than the device that was presented has. Each was
    #: rehearsed on one of its own.
    fits: bool


class Incomplete(Value):
    """Incomplete"""

    #: Its name.
    log: str
    #: disk, file_size_limit, address_space, length or damaged.
    reason: str
    #: The same in words.
    what: str
    #: What to do to have all of it.
    action: str
    #: Entries of the allocator that are missing; None where nobody knows.
    lost_entries: int | None


class DeviceStatistics(RehearsedStatistics):
    """DevicePeak"""

    #: Ordinal.
    index: int
    #: As above.
    exact: bool
    #: The first entry that a replay differs from; None where it agrees with all.
    first_difference: int | None


class Fit(Value):
    """Fit"""

    #: What gpu= takes.
    gpu: str
    #: As the driver names it.
    name: str
    #: All of its memory.
    total_bytes: int
    #: No request fails, under the settings of the rehearsal; None where nobody knows: memory ran out in the rehearsal
    #: and the program failed, a log is not whole, or other processes and devices than the replayed one may not find
    #: room.
    fits: bool | None
    #: The same with expandable_segments:True.
    fits_expandable: bool | None
    #: The libraries whose kernels the program used were compiled for it; else it never fits.
    has_kernels: bool | None
    #: What is left beside the context when most is reserved; negative: missing for that.
    headroom_bytes: int


class Tried(Value):
    """Tried"""

    #: What stood in the program's arguments.
    value: int
    #: No request failed, and the program ended with 0.
    fits: bool
    #: The program's.
    exit_code: int
    #: Requests that failed.
    num_ooms: int
    #: The most reserved at once.
    peak_reserved_bytes: int


class Search(Value):
    """With fit=: the search for the largest value with which the program fits; the other figures are of that run."""

    #: What was searched for.
    name: str
    #: The largest value tried that fits; None where none does.
    largest: int | None
    #: Each run, in order.
    tried: Sequence[Tried]


class Unanswered(Value):
    """Unanswered"""

    #: Its name.
    function: str
    #: How often it was called.
    calls: int


class OtherTorch(Value):
    """An interpreter that ran and has another PyTorch, to which no device was presented."""

    #: The interpreter, escaped.
    python: str
    #: Its release.
    torch: str


class Steps(Value):
    """With steps=, whether they were reached; None without it."""

    #: After so many steps of optimizers the program is ended.
    limit: int
    #: The most that one process made; None where no process counted them, as python -I does not.
    made: int | None


class Families(Value):
    """The seconds, by what was called."""

    #: The runtime and the driver: devices, streams, events.
    runtime: float
    #: Launches, and what is asked of kernels.
    kernels: float
    #: Memory and copies.
    memory: float
    #: cuBLAS, cuDNN and the other libraries.
    math: float
    #: The log of the allocator, Python's stacks included.
    log: float


class Timing(Value):
    """With timing=: the null device's own time, from the first request for memory to the last call; threads are added.
    Else None."""

    #: From the first request for memory to the last call.
    program_seconds: float
    #: Of them in the null device.
    seconds: float
    #: seconds by program_seconds.
    share: float
    #: The seconds, by what was called.
    families: Families


class RehearsalFields(RehearsedStatistics):
    """What a program would need on a device."""

    #: Name and version of this format.
    schema: str
    #: The program and its arguments, as typed.
    program: str
    #: The interpreter whose PyTorch was used.
    python: str
    #: Its release, such as 2.15.0+cu132.
    torch: str
    #: What was presented to the program.
    device: RehearsedDevice
    #: The program's, as a shell has it: 128 + the signal where one ended it.
    exit_code: int
    #: The signal that ended the program, if one did.
    signal: int | None
    #: The function of the null device that was called last, of the thread that crashed where that is known; None where
    #: the program ended by itself. What PyTorch asks around every operation (the current device, the last error) does
    #: not count.
    last_call: str | None
    #: The signal came when Python was already shutting down: the program had done its work.
    at_exit: bool
    #: Processes that used the device; the figures are of the one with the highest peak of reserved memory on one
    #: device.
    processes: int
    #: Each of them, the highest peak first.
    process_list: Sequence[RehearsedProcess]
    #: What all processes held of a device at the same time.
    together: Sequence[Together]
    #: Logs that are not whole: the figures are of what could be read, and not exact.
    incomplete: Sequence[Incomplete]
    #: Whether all is there and a replay agrees with every entry of the allocator: then the statistics are PyTorch's
    #: own, and `fits` is what other GPUs would do.
    exact: bool
    #: Each device that was used; the figures above are of the one with most entries.
    devices: Sequence[DeviceStatistics]
    #: The GPUs of the list, the smallest first, by replay of the rehearsed requests.
    fits: Sequence[Fit]
    #: With fit=: the search for the largest value with which the program fits; the other figures are of that run.
    fit: Search | None
    #: What the program read where no copy and no memset had put real bytes: values=.
    values: str
    #: Copies from the device to the host, of all processes: what the program may have made decisions by.
    host_reads: int
    #: ... of bytes that no copy and no memset had put there; they read as `values` says.
    unknown_reads: int
    #: Copied to the device and not kept: in copies larger than host_memory=, or the oldest of more than 256 times
    #: that.
    dropped_bytes: int
    #: Kernels that were not run.
    kernel_launches: int
    #: Workspace sizes that are a rule of thumb's.
    modelled_sizes: int
    #: Workspace sizes that cuDNN itself said, for the GPU that was presented.
    asked_sizes: int
    #: The cuDNN that was asked, such as 9.28.1; None where none was.
    cudnn_version: str | None
    #: Of peak_allocated_bytes: cuDNN's workspaces whose size it said itself.
    peak_asked_bytes: int | None
    #: Of peak_allocated_bytes: cuDNN's workspaces whose size a rule of thumb said.
    peak_modelled_bytes: int | None
    #: Functions that the null device does not know; they returned not-supported.
    unanswered: Sequence[Unanswered]
    #: With timing=: the null device's own time, from the first request for memory to the last call; threads are added.
    #: Else None.
    timing: Timing | None
    #: The recording explained: unfrag.explain/1. Null where the program asked for no memory.
    explanation: ExplanationFields | None
    #: With steps=, whether they were reached; None without it.
    steps: Steps | None
    #: Other interpreters that ran and have another PyTorch, to which no device was presented: name one with python=.
    other_torches: Sequence[OtherTorch]
    #: Why the cuDNN that was named, or lies beside torch, is not asked; None where it can be, where there is none and
    #: where no size was wanted of it.
    cudnn_trouble: str | None
    #: The first entry of the allocator, counted from 0, that a replay differs from; None where it agrees with all that
    #: were read. Then the figures of this device are what the entries say themselves.
    first_difference: int | None
