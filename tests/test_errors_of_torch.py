"""Which exceptions are out-of-memory errors, in the words of the releases and libraries that raise them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load(name: str) -> Any:
    """A module of the package by its file, as it stands alone."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "python" / "unfrag" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


errors = load("_errors_of_torch")
ALLOCATOR = ("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 15.77 GiB of which 14.94 MiB "
             "is free.")
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch"})

MESSAGES = {
    "allocator": [
        ALLOCATOR,
        "HIP out of memory. Tried to allocate 2.00 GiB",
        "XPU out of memory. Tried to allocate 1.00 GiB",
        "MPS backend out of memory (MPS allocated: 9.05 GB, other allocations: 1.00 GB, max allowed: 9.07 GB).",
        "CUDA out of memory. Allocation was preemptively rejected because it would exceed per_process_memory_fraction "
        "limit. Requested size: 2.00 GiB.",
        "Exception occured in `MixedPrecision` when calling event `after_loss`:\n\t" + ALLOCATOR,
        "Caught OutOfMemoryError in replica 1 on device 1.\nOriginal Traceback (most recent call last):\n" + ALLOCATOR,
    ],
    "cuda": [
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call",
        "CUDA driver error: out of memory",
        "cuda runtime error (2) : out of memory; cudaErrorMemoryAllocation",
        "CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    ],
    "cublas": ["CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"],
    "cudnn": [
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "Unable to find an engine to execute this computation",
        "CUDA ran out of memory outside PyTorch's allocator. If this workload uses many dynamic shapes, cuDNN may need",
    ],
    "cusolver": ["cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"],
    "cusparse": ["CUDA error: insufficient resources when calling `cusparseCreate`: CUSPARSE_STATUS_INSUFFICIENT_RESOURCES"],
    "cufft": ["cuFFT error: CUFFT_ALLOC_FAILED"],
    "nccl": [
        "NCCL error in: ProcessGroupNCCL.cpp:1691, unhandled cuda error, NCCL version 2.19.3\nncclUnhandledCudaError: Call "
        "to CUDA function failed.\nLast error:\nCuda failure 2 'out of memory'",
        "NCCL Error 1: unhandled cuda error (run with NCCL_DEBUG=INFO for details): Cuda failure 'out of memory'",
    ],
    "pinned": [
        "CUDA error: out of memory while pinning: cudaHostAlloc(&ptr, size, flags)",
        "Failed to allocate 4294967296 bytes of pinned memory: cannot allocate",
        "Caught RuntimeError in pin memory thread for device 0.\ncudaHostRegister: out of memory",
    ],
    "host": [
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "4000000000000 bytes. Error code 12 (Cannot allocate memory)",
        "std::bad_alloc",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in MESSAGES.items() for text in texts])
def test_an_error_is_known_by_its_words(kind: str, text: str) -> None:
    found = errors.find_out_of_memory(RuntimeError(text))
    assert (found.kind, found.text) == (kind, text)


@pytest.mark.parametrize("text", [
    "", "Expected all tensors to be on the same device", "CUDA error: device-side assert triggered",
    "CUDA error: an illegal memory access was encountered", "CUBLAS_STATUS_NOT_INITIALIZED",
    "NCCL error: unhandled system error", "mat1 and mat2 shapes cannot be multiplied", "pin_memory failed: no CUDA",
    "out of memory of what was said", "[Errno 12] nothing was allocated",
])
def test_other_errors_are_not_taken_for_it(text: str) -> None:
    assert errors.find_out_of_memory(RuntimeError(text)) is None


def test_the_class_is_known_whatever_its_message() -> None:
    assert errors.find_out_of_memory(OutOfMemoryError()).kind == "allocator"
    assert errors.find_out_of_memory(type("Mine", (OutOfMemoryError,), {})("x")).kind == "allocator"
    assert not errors.is_out_of_memory(type("OutOfMemoryError", (Exception,), {"__module__": "game"})("of the player"))
    assert errors.find_out_of_memory(MemoryError()).kind == "host"


def test_a_cause_a_context_and_a_member_of_a_group_are_found() -> None:
    inner = OutOfMemoryError(ALLOCATOR)
    for link in ("__cause__", "__context__"):
        outer = ValueError("training failed")
        setattr(outer, link, inner)
        outer.__suppress_context__ = link == "__cause__"
        found = errors.find_out_of_memory(outer)
        assert (found.exception, found.text) == (inner, ALLOCATOR)
    group = type("Group", (Exception,), {})("several")
    group.exceptions = (ValueError("x"), inner)
    assert errors.find_out_of_memory(group).exception is inner


def test_chains_in_a_circle_and_errors_that_cannot_be_printed_do_no_harm() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__ = second
    second.__cause__ = first
    assert errors.find_out_of_memory(first) is None

    class Unprintable(RuntimeError):
        def __str__(self) -> str:
            raise KeyError("no")

    assert errors.find_out_of_memory(Unprintable(ALLOCATOR)).text == ALLOCATOR
    assert errors.find_out_of_memory(Unprintable()) is None


def test_notes_are_read_and_long_messages_cost_little() -> None:
    noted = RuntimeError("failed")
    noted.__notes__ = [ALLOCATOR]
    assert errors.find_out_of_memory(noted).kind == "allocator"
    assert errors.find_out_of_memory(RuntimeError("nccl pinned memory failed out " * 1_000_000)) is not None
