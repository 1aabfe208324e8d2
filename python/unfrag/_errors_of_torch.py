"""Which exceptions say that memory ran out, in all their forms, and the text in which they say it.

PyTorch has a class for its caching allocator's error alone; CUDA itself, the libraries under it, pinned host memory and
wrappers that rewrite messages have only words. Nothing here imports torch, and nothing is concluded from the figures.
Threads: pure functions.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional


class OutOfMemory(NamedTuple):
    text: str  # The message, as it is to be parsed; "" where an exception of the class has none.
    kind: str  # One of KINDS.
    exception: BaseException  # The one that says so, which may be a cause of the one that was asked about.


# What ran out, by what only its message has. The first that fits counts: later ones are more general.
_WORDS = (
    ("pinned", r"pinned? (host )?memory.{0,200}(out of memory|fail|cannot allocate)|"
               r"(out of memory|fail\w*|cannot allocate).{0,200}(pinn?ed|page-?locked|cudaHostAlloc|cudaHostRegister)|"
               r"cudaHost(Alloc|Register)\w*.{0,200}(out of memory|ErrorMemoryAllocation)"),
    ("nccl", r"nccl.{0,400}(cuda (failure|error).{0,20}out of memory|out of memory|failed to cuda\w* ?alloc)"),
    ("allocator", r"(CUDA|HIP|XPU|MPS|MTIA)( backend)? out of memory|Trying to allocate .{0,80} out of memory|"
                  r"would exceed allowed memory|preemptively rejected because it would exceed"),
    ("cublas", r"(CUBLAS|HIPBLAS|ROCBLAS)_STATUS_ALLOC_FAILED"),
    ("cudnn", r"CUDNN_STATUS_\w*ALLOC_FAILED|CUDNN_STATUS_INTERNAL_ERROR_\w*ALLOC\w*|"
              r"unable to find an engine to execute this computation|outside PyTorch's allocator"),
    ("cusolver", r"CUSOLVER_STATUS_ALLOC_FAILED"),
    ("cusparse", r"CUSPARSE_STATUS_(ALLOC_FAILED|INSUFFICIENT_RESOURCES)"),
    ("cufft", r"CUFFT_ALLOC_FAILED"),
    ("cuda", r"(CUDA|HIP)( driver)? error:? .{0,40}out of memory|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|"
             r"hipErrorOutOfMemory|CUDA failure.{0,40}out of memory"),
    ("host", r"DefaultCPUAllocator: (can't|not enough|cannot)|C10 Out of Memory|std::bad_alloc"),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _WORDS)
KINDS = tuple(kind for kind, _ in _WORDS)

_CLASSES = {"OutOfMemoryError"}  # torch.OutOfMemoryError, torch.cuda.OutOfMemoryError, torch._C.OutOfMemoryError
_LONGEST = 100_000  # Characters that are looked at: a message may carry a whole log.


def find_out_of_memory(error: BaseException) -> Optional[OutOfMemory]:
    """The exception itself, or else the nearest of its causes, that says memory ran out; None where none does.

    An exception group is asked member by member. `kind` is "allocator" for PyTorch's caching allocator, whose message
    has figures, and else names the library that was refused memory beside it: "cuda", "cublas", "cudnn", "nccl", ...;
    "pinned" and "host" are memory of the host.
    """
    for one in _with_causes(error):
        text = _text_of(one)
        kind = next((kind for kind, pattern in _PATTERNS if pattern.search(text)), None)
        if kind is None and _is_of_pytorchs_class(one):
            kind = "allocator"
        if kind is None and isinstance(one, MemoryError):
            kind = "host"
        if kind is not None:
            return OutOfMemory(text, kind, one)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    return find_out_of_memory(error) is not None


def _is_of_pytorchs_class(error: BaseException) -> bool:
    """By name: the class itself may be of a torch that is not imported here, and a subclass of it counts."""
    return any(kind.__name__ in _CLASSES and kind.__module__.split(".")[0] == "torch" for kind in type(error).__mro__)


def _text_of(error: BaseException) -> str:
    """All that it says: fastai replaces the message by one around it, others add notes. Never raises."""
    parts = []
    try:
        parts.append(str(error))
    except Exception:
        parts.extend(part for part in error.args if isinstance(part, str))
    notes = getattr(error, "__notes__", ())
    if isinstance(notes, (list, tuple)):
        parts.extend(note for note in notes if isinstance(note, str))
    return "\n".join(parts)[:_LONGEST]


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """It, the members of a group, its causes and contexts; each once, as chains may be circular."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        members = getattr(one, "exceptions", ())
        if isinstance(members, (list, tuple)):
            waiting.extend(member for member in members if isinstance(member, BaseException))
        cause = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if cause is not None:
            waiting.append(cause)
