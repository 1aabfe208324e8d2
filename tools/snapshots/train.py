"""A training loop of any length, for benchmarks: a transformer in mixed precision. Sizes in bytes.

Call sites are numbered once, before the first step; the steps then only call the allocator.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from .blocks import Block
from .program import FUNCTIONAL, MODULE, PACKAGES, TORCH, Program

_SCRIPT = "/home/user/project/train.py"
_MODEL = "/home/user/project/model.py"
_LIGHTNING = PACKAGES + "lightning/pytorch/"

# What lies between the script and the training step, outermost first.
_TRAINER = (
    ("<module>", _SCRIPT, 212), ("main", _SCRIPT, 204), ("fit", _LIGHTNING + "trainer/trainer.py", 560),
    ("_call_and_handle_interrupt", _LIGHTNING + "trainer/call.py", 49),
    ("_fit_impl", _LIGHTNING + "trainer/trainer.py", 598), ("_run", _LIGHTNING + "trainer/trainer.py", 1011),
    ("_run_stage", _LIGHTNING + "trainer/trainer.py", 1055), ("run", _LIGHTNING + "loops/fit_loop.py", 216),
    ("advance", _LIGHTNING + "loops/fit_loop.py", 458), ("run", _LIGHTNING + "loops/training_epoch_loop.py", 151),
    ("advance", _LIGHTNING + "loops/training_epoch_loop.py", 347),
    ("run", _LIGHTNING + "loops/optimization/automatic.py", 192),
    ("closure", _LIGHTNING + "loops/optimization/automatic.py", 126),
    ("_training_step", _LIGHTNING + "loops/optimization/automatic.py", 328),
    ("_call_strategy_hook", _LIGHTNING + "trainer/call.py", 328),
    ("training_step", _LIGHTNING + "strategies/strategy.py", 391), ("training_step", _SCRIPT, 96),
)
_MODEL_CALL = (
    ("_wrapped_call_impl", MODULE, 1775), ("_call_impl", MODULE, 1786),
    ("forward", TORCH + "nn/parallel/distributed.py", 1661),
    ("_run_ddp_forward", TORCH + "nn/parallel/distributed.py", 1487),
    ("_wrapped_call_impl", MODULE, 1775), ("_call_impl", MODULE, 1786),
    ("wrapped_forward", _LIGHTNING + "strategies/strategy.py", 634),
)
_OPTIMIZER = (
    ("optimizer_step", _LIGHTNING + "core/module.py", 1335), ("step", _LIGHTNING + "core/optimizer.py", 154),
    ("optimizer_step", _LIGHTNING + "strategies/ddp.py", 270),
    ("optimizer_step", _LIGHTNING + "plugins/precision/precision.py", 123),
    ("wrapper", TORCH + "optim/lr_scheduler.py", 133), ("wrapper", TORCH + "optim/optimizer.py", 517),
    ("_use_grad", TORCH + "optim/optimizer.py", 82), ("step", TORCH + "optim/adam.py", 247),
    ("maybe_fallback", TORCH + "optim/optimizer.py", 150), ("adam", TORCH + "optim/adam.py", 953),
    ("_single_tensor_adam", TORCH + "optim/adam.py", 528),
)
_CLIPPING = (
    ("clip_gradients", _LIGHTNING + "core/module.py", 1207), ("clip_grad_norm_", TORCH + "nn/utils/clip_grad.py", 218),
    ("_get_total_norm", TORCH + "nn/utils/clip_grad.py", 99), ("vector_norm", TORCH + "functional.py", 1850),
)

_LAYERS = 12
_WIDTH = 1024
_HEADS = 16
_BATCH = 8
_LENGTHS = (256, 320, 384, 448, 512, 640, 768, 1024)  # tokens
_HALF = 2  # bytes per number in mixed precision
_COPY_STREAM = 94370591236048  # the handle of the stream that uploads the batches
_ROOT_GRADIENT = 4


class _Enough(Exception):
    """The trace is as long as it should be."""


class _Operation(NamedTuple):
    """One operator of a layer's forward pass; its output has `hidden` hidden states and `scores` score matrices."""

    malloc_site: int
    free_site: int
    hidden: int
    scores: int
    saved: bool  # for the backward pass


# Name of the submodule (None: the layer itself), its line, the operator's file and line, output, saved.
_LAYER = (
    ("norm1", 51, "layer_norm", FUNCTIONAL, 2901, 1, 0, True),
    ("qkv", 52, "forward", TORCH + "nn/modules/linear.py", 134, 3, 0, True),
    (None, 54, "apply_rotary", _MODEL, 20, 1, 0, True),
    (None, 55, "apply_rotary", _MODEL, 20, 1, 0, True),
    (None, 57, "attention", _MODEL, 33, 0, 1, False),
    (None, 57, "softmax", FUNCTIONAL, 2133, 0, 1, True),
    (None, 58, "attention", _MODEL, 35, 1, 0, True),
    ("proj", 60, "forward", TORCH + "nn/modules/linear.py", 134, 1, 0, False),
    (None, 61, "residual", _MODEL, 44, 1, 0, True),
    ("norm2", 63, "layer_norm", FUNCTIONAL, 2901, 1, 0, True),
    ("fc1", 64, "forward", TORCH + "nn/modules/linear.py", 134, 4, 0, True),
    ("act", 65, "forward", TORCH + "nn/modules/activation.py", 816, 4, 0, True),
    ("fc2", 66, "forward", TORCH + "nn/modules/linear.py", 134, 1, 0, False),
    (None, 67, "residual", _MODEL, 44, 1, 0, True),
)
_WEIGHTS = tuple(count * _HALF for count in (
    3 * _WIDTH * _WIDTH, 3 * _WIDTH, _WIDTH * _WIDTH, _WIDTH, 4 * _WIDTH * _WIDTH, 4 * _WIDTH, 4 * _WIDTH * _WIDTH,
    _WIDTH, _WIDTH, _WIDTH))


def train(program: Program, events: int = 100_000) -> None:
    """Trains until the trace has at least `events` entries."""
    loop = _Loop(program, events)
    try:
        loop.prepare()
        while True:
            loop.step()
    except _Enough:
        pass


class _Loop:
    """The state between steps."""

    def __init__(self, program: Program, events: int) -> None:
        self._program = program
        self._events = events
        self._trace = program.allocator.trace
        self._ticks = _ticks(program)
        self._layers = [_layer_operations(program, number) for number in range(_LAYERS)]
        self._engine = (_site(program, (), False), _site(program, (), True))
        self._sites = {name: (_site(program, frames, False), _site(program, frames, True)) for name, frames in (
            ("setup", _TRAINER[:6] + (("configure_model", _SCRIPT, 71),)),
            ("batch", _TRAINER[:11] + (("transfer_batch", _SCRIPT, 83), ("to", _SCRIPT, 85))),
            ("loss", _TRAINER + (("loss", _SCRIPT, 102), ("cross_entropy", FUNCTIONAL, 3458))),
            ("optimizer", _TRAINER[:12] + _OPTIMIZER),
            ("clipping", _TRAINER[:12] + _OPTIMIZER[:4] + _CLIPPING),
            ("zero_grad", _TRAINER[:13] + (("zero_grad", TORCH + "optim/optimizer.py", 1031),)),
        )}
        self._gradients: list[Block] = []
        self._number = 0

    def prepare(self) -> None:
        """Weights and optimizer states."""
        for size in _WEIGHTS * _LAYERS:
            self._malloc(size, self._sites["setup"][0], "parameters")  # in half precision
            for _ in range(2):
                self._malloc(2 * size, self._sites["setup"][0], "optimizer_state")  # in single precision

    def step(self) -> None:
        """One step of training."""
        program = self._program
        tokens = _LENGTHS[int(program.random.random() * len(_LENGTHS))]
        with program.annotate(f"ProfilerStep#{self._number}"):
            batch = self._upload(tokens)
            saved = self._forward(_BATCH * tokens * _WIDTH * _HALF, _BATCH * _HEADS * tokens * tokens * _HALF)
            loss = self._malloc(_ROOT_GRADIENT, self._sites["loss"][0], "activations")
            self._free_all(self._gradients, self._sites["zero_grad"][1])
            self._backward(saved)
            with program.annotate("Optimizer.step#AdamW.step"):
                self._optimize()
            self._free_all([loss] + batch, self._sites["batch"][1])
        self._number += 1

    def _upload(self, tokens: int) -> list[Block]:
        """The batch comes by another stream, so its frees stay pending for a while."""
        batch = [self._malloc(_BATCH * tokens * 8, self._sites["batch"][0], "inputs", _COPY_STREAM)
                 for _ in ("inputs", "labels")]
        for tensor in batch:
            self._program.allocator.record_stream(tensor, 0)
        return batch

    def _forward(self, hidden: int, scores: int) -> list[Block]:
        """Returns the saved activations."""
        saved: list[Block] = []
        for operations in self._layers:
            temporaries: list[Block] = []
            for operation in operations:
                nbytes = operation.hidden * hidden + operation.scores * scores
                block = self._malloc(nbytes, operation.malloc_site, "activations")
                (saved if operation.saved else temporaries).append(block)
                if operation.saved and temporaries:
                    self._free(temporaries.pop(), operation.free_site)
            self._free_all(temporaries, operations[-1].free_site)
        return saved

    def _backward(self, saved: list[Block]) -> None:
        """In autograd's thread: the gradient of each activation replaces the one before; weight gradients stay."""
        malloc_site, free_site = self._engine
        per_layer = len(saved) // _LAYERS
        flowing = self._malloc(_ROOT_GRADIENT, malloc_site, "gradients")
        while saved:
            if len(saved) % per_layer < len(_WEIGHTS):
                self._gradients.append(self._malloc(_WEIGHTS[len(saved) % per_layer], malloc_site, "gradients"))
            activation = saved.pop()
            following = self._malloc(activation.requested, malloc_site, "gradients")
            self._free(flowing, free_site)
            self._free(activation, free_site)
            flowing = following
        self._free(flowing, free_site)

    def _optimize(self) -> None:
        """Clips the gradients by their norm, then updates parameter after parameter (foreach=False)."""
        malloc_site, free_site = self._sites["clipping"]
        norms = [self._malloc(_ROOT_GRADIENT, malloc_site, "workspaces") for _ in self._gradients]
        self._free_all(norms, free_site)
        malloc_site, free_site = self._sites["optimizer"]
        for gradient in self._gradients:
            size = 2 * gradient.requested
            self._free_all([self._malloc(size, malloc_site, "workspaces") for _ in range(3)], free_site)

    def _malloc(self, nbytes: int, site: int, kind: str, stream: int = 0) -> Block:
        trace = self._trace
        if len(trace.actions) >= self._events:
            raise _Enough
        trace.clock.now_us += next(self._ticks)
        return self._program.allocator.malloc(nbytes, stream, site, kind)

    def _free(self, block: Block, site: int) -> None:
        if len(self._trace.actions) >= self._events:
            raise _Enough
        self._trace.clock.now_us += next(self._ticks)
        self._program.allocator.free(block, site)

    def _free_all(self, blocks: list[Block], site: int) -> None:
        """Empties the list."""
        while blocks:
            self._free(blocks.pop(), site)


def _ticks(program: Program) -> Iterator[int]:
    """Microseconds between calls, without end."""
    return itertools.cycle([1 + int(program.random.random() ** 4 * 80) for _ in range(997)])


def _site(program: Program, frames: tuple[tuple[str, str, int], ...], freeing: bool) -> int:
    with program.calls(frames):
        return program.site(freeing)


def _layer_operations(program: Program, number: int) -> list[_Operation]:
    """The operators of layer `number`; the layers are unrolled in the source, so each has a line of its own."""
    operations: list[_Operation] = []
    model = program.module(_MODEL, 112)
    decoder = program.module(_MODEL, 120)
    with program.calls(_TRAINER + _MODEL_CALL), model, decoder, program.module(_MODEL, 140 + number):
        for submodule, line, name, filename, inner_line, hidden, scores, saved in _LAYER:
            with program.module(_MODEL, line):
                free_site = program.site(freeing=True)
                if submodule is None:
                    with program.call(name, filename, inner_line):
                        malloc_site = program.site()
                else:
                    with program.module(filename, inner_line):
                        malloc_site = program.site()
            operations.append(_Operation(malloc_site, free_site, hidden, scores, saved))
    return operations
