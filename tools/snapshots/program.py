"""A simulated Python process that uses one GPU: its call stack, its tensors, its annotations. Sizes in bytes."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from collections.abc import Iterable, Iterator

from .allocator import Allocator
from .blocks import Block
from .trace import Annotation, Frame, Stacks

PACKAGES = "/home/user/project/.venv/lib/python3.11/site-packages/"
TORCH = PACKAGES + "torch/"
MODULE = TORCH + "nn/modules/module.py"
FUNCTIONAL = TORCH + "nn/functional.py"

# The C++ part of a stack recorded with stacks="all" (torch/csrc/profiler/combined_traceback.cpp), innermost first.
_CPP_TOP = (
    Frame("torch::unwind::unwind()", "??", 0),
    Frame("torch::CapturedTraceback::gather(bool, bool, bool)", "??", 0),
    Frame("torch::cuda::(anonymous namespace)::gather_with_cpp()", "memory_snapshot.cpp", 0),
)
_CPP_MALLOC = (
    Frame("c10::cuda::CUDACachingAllocator::Native::DeviceCachingAllocator::malloc(unsigned long, CUstream_st*)",
          "CUDACachingAllocator.cpp", 0),
    Frame("c10::cuda::CUDACachingAllocator::Native::NativeCachingAllocator::allocate(unsigned long)", "", 0),
    Frame("at::detail::empty_generic(c10::ArrayRef<long>, c10::Allocator*, c10::DispatchKeySet, c10::ScalarType, "
          "std::optional<c10::MemoryFormat>)", "??", 0),
    Frame("at::detail::empty_cuda(c10::ArrayRef<long>, c10::TensorOptions const&)", "??", 0),
    Frame("at::(anonymous namespace)::create_out(c10::ArrayRef<long>, c10::ArrayRef<long>, c10::TensorOptions const&)",
          "RegisterCUDA_0.cpp", 0),
    Frame("at::TensorIteratorBase::allocate_or_resize_outputs()", "??", 0),
    Frame("at::TensorIteratorBase::build(at::TensorIteratorConfig&)", "??", 0),
)
_CPP_FREE = (
    Frame("c10::cuda::CUDACachingAllocator::Native::DeviceCachingAllocator::free("
          "c10::cuda::CUDACachingAllocator::Native::(anonymous namespace)::Block*)", "CUDACachingAllocator.cpp", 0),
    Frame("c10::intrusive_ptr<c10::StorageImpl, c10::detail::intrusive_target_default_null_type<c10::StorageImpl> >::"
          "reset_()", "", 0),
    Frame("c10::TensorImpl::~TensorImpl()", "TensorImpl.cpp", 0),
)
_CPP_ENGINE = (
    Frame("torch::autograd::Engine::evaluate_function(std::shared_ptr<torch::autograd::GraphTask>&, "
          "torch::autograd::Node*, torch::autograd::InputBuffer&, std::shared_ptr<torch::autograd::ReadyQueue> const&)",
          "??", 0),
    Frame("torch::autograd::Engine::thread_main(std::shared_ptr<torch::autograd::GraphTask> const&)", "??", 0),
    Frame("torch::autograd::python::PythonEngine::thread_init(int, "
          "std::shared_ptr<torch::autograd::ReadyQueue> const&, bool)", "", 0),
    Frame("__clone", "??", 0),
)
_CPP_INTERPRETER = (Frame("_PyEval_EvalFrameDefault", "??", 0), Frame("PyMethod_New", "??", 0))
_CPP_BOTTOM = (Frame("Py_RunMain", "??", 0), Frame("Py_BytesMain", "??", 0), Frame("__libc_start_main", "??", 0),
               Frame("_start", "??", 0))


@dataclass(frozen=True)
class StackStyle:
    """`cpp`: with C++ frames. `depth`: Python frames in each stack; None: as the program has them."""

    cpp: bool = False
    depth: int | None = None

    def apply(self, python: tuple[Frame, ...], freeing: bool) -> tuple[Frame, ...]:
        """The recorded stack for a Python stack, innermost first. The backward thread has no Python frames."""
        if self.depth is not None and python:
            python = _with_depth(python, self.depth)
        if not self.cpp:
            return python
        top = _CPP_TOP + (_CPP_FREE if freeing else _CPP_MALLOC)
        if not python:
            return top + _CPP_ENGINE
        return top + tuple(one for frame in python for one in (frame,) + _CPP_INTERPRETER) + _CPP_BOTTOM


def _with_depth(python: tuple[Frame, ...], depth: int) -> tuple[Frame, ...]:
    """Cuts the outer frames off, or wraps the program in launcher frames."""
    missing = max(0, depth - len(python))
    launcher = tuple(Frame(f"stage_{number}", "/home/user/project/launcher.py", 20 + 3 * number)
                     for number in range(missing))
    return (python[:-1] + launcher + python[-1:])[:depth]


class Program:
    """Runs allocations on one device; `spend` lets time pass. Call stacks are kept outermost first."""

    def __init__(self, allocator: Allocator, stacks: Stacks, style: StackStyle, seed: int,
                 annotations: list[Annotation]) -> None:
        self.allocator = allocator
        self.random = random.Random(seed)
        self._stacks = stacks
        self._style = style
        self._annotations = annotations
        self._frames: list[Frame] = []

    # -- call stack ----------------------------------------------------------------------------------------------------

    @contextmanager
    def call(self, name: str, filename: str, line: int) -> Iterator[None]:
        """Runs the body in a function that is at `line`."""
        self._frames.append(Frame(name, filename, line))
        try:
            yield
        finally:
            self._frames.pop()

    @contextmanager
    def calls(self, frames: Iterable[tuple[str, str, int]]) -> Iterator[None]:
        """Several nested calls, outermost first."""
        before = len(self._frames)
        self._frames += [Frame(*frame) for frame in frames]
        try:
            yield
        finally:
            del self._frames[before:]

    @contextmanager
    def module(self, filename: str, line: int) -> Iterator[None]:
        """A call of an nn.Module whose forward is at `line` of `filename`."""
        with self.calls((("_wrapped_call_impl", MODULE, 1775), ("_call_impl", MODULE, 1786),
                         ("forward", filename, line))):
            yield

    def at(self, line: int) -> None:
        """The innermost function moves to `line`."""
        self._frames[-1] = self._frames[-1]._replace(line=line)

    @contextmanager
    def backward_thread(self) -> Iterator[None]:
        """The body runs in autograd's own thread, which has no Python frames."""
        frames, self._frames = self._frames, []
        try:
            yield
        finally:
            self._frames = frames

    def site(self, freeing: bool = False) -> int:
        """The call site of the current stack."""
        return self._stacks.site(self._style.apply(tuple(reversed(self._frames)), freeing))

    # -- memory --------------------------------------------------------------------------------------------------------

    def alloc(self, nbytes: int, kind: str = "unknown", stream: int = 0) -> Block:
        """A tensor of `nbytes` made by the current line. `kind`: one of unfrag's, for the truth beside the snapshot."""
        self.spend(12)
        return self.allocator.malloc(nbytes, stream, self.site(), kind)

    def free(self, *tensors: Block) -> None:
        """The current line drops the last reference to these tensors."""
        site = self.site(freeing=True)
        for tensor in tensors:
            self.spend(3)
            self.allocator.free(tensor, site)

    # -- time ----------------------------------------------------------------------------------------------------------

    def spend(self, mean_us: int) -> None:
        """Lets up to twice `mean_us` microseconds pass."""
        self.allocator.trace.clock.now_us += int(self.random.random() * 2 * mean_us)

    @contextmanager
    def annotate(self, name: str) -> Iterator[None]:
        """torch.profiler.record_function(name)."""
        self._note(name, "START")
        try:
            yield
        finally:
            self._note(name, "END")

    def _note(self, name: str, stage: str) -> None:
        self.spend(5)
        now_us = self.allocator.trace.clock.now_us
        self._annotations.append(Annotation(name, stage, self.allocator.device.ordinal, now_us))
