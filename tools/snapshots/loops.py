"""Programs that go round and round: training, two optimizers, L-BFGS, inference, generation. With a leak or without.

A Plan says what one does. The lines that a leak is to be blamed on are in LEAKS; everything else of these programs
holds no more after an iteration than before it, apart from what warms up, fills and stays full, or is cleared again.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ContextManager

from .blocks import Block
from .layers import (FP32, adam_states, adam_step, cross_entropy, embedding, layer_norm, linear, root_gradient, to_cuda)
from .program import PACKAGES, TORCH, Program

SCRIPT = "/home/user/project/train.py"
MODEL = "/home/user/project/model.py"
_TRANSFORMERS = PACKAGES + "transformers/"

# Kind of leak -> the file and line that allocated what is kept.
LEAKS = {
    "losses": (SCRIPT, 38),  # losses.append(loss)
    "hook": (MODEL, 24),  # a forward hook that keeps outputs
    "cat": (SCRIPT, 52),  # history = torch.cat([history, embedding])
    "seldom": (SCRIPT, 54),  # every k-th step
    "dict": (SCRIPT, 56),  # scores[step] = ...
    "random": (SCRIPT, 58),  # hard examples
    "validation": (SCRIPT, 74),  # outputs of every validation
}


@dataclass(frozen=True)
class Plan:
    """`kind` is a key of KINDS; sizes in bytes. Most choices are for kind "train"."""

    kind: str = "train"
    steps: int = 50
    leak: str = ""
    leak_bytes: int = 4
    leak_every: int = 1
    layers: int = 4
    width: int = 64 << 10  # bytes of one activation at length 1
    optimizer: str = "adam"  # adam, sgd (allocates nothing), momentum (allocates in the first step only)
    annotations: str = ""  # "", profiler, optimizer, both, scope (record_function around a step)
    set_to_none: bool = True
    lengths: str = "fixed"  # fixed, random, resized (grows a few times), curriculum (grows every step)
    accumulate: int = 1  # batches for each optimizer step
    validate_every: int = 0  # steps; 0 is never
    validation_batches: int = 6
    epoch: int = 0  # steps until the epoch's list is cleared; 0 is no such list
    ema: bool = False
    buffer: int = 0  # capacity of a bounded buffer
    replaces: str = "oldest"  # or random, or nothing: what a full buffer does
    list_at_setup: int = 0  # tensors
    out_of_memory: bool = False  # in the middle of the last step


def run(program: Program, plan: Plan) -> None:
    """Runs the plan to its end."""
    with program.calls((("<module>", SCRIPT, 90), ("main", SCRIPT, 20))):
        KINDS[plan.kind](_Run(program, plan))


class _Run:
    """What lives across iterations."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.sizes = [3 << 18, 3 << 10] * plan.layers
        self.kept: list[Block] = []
        self.history: Block | None = None
        self.buffer: list[Block] = []
        self.epoch: list[Block] = []
        self.gradients: list[Block] = []
        self.names: list[Block] = []  # variables of the loop that live until they are assigned again

    # -- set-up ----------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        program = self.program
        program.at(22)
        to_cuda(program, self.sizes, 2)
        if self.plan.ema:
            program.at(23)
            to_cuda(program, self.sizes, 2)
        program.at(24)
        for _ in range(self.plan.list_at_setup):  # data.append((x.cuda() - mean) / std)
            raw = program.alloc(1 << 20)
            centred = program.alloc(1 << 20)
            program.alloc(1 << 20)
            program.free(raw, centred)

    # -- parts of a step -------------------------------------------------------------------------------------------

    def length(self, step: int) -> int:
        chosen = self.plan.lengths
        if chosen == "random":
            return 8 + int(self.program.random.random() * 56)
        if chosen == "resized":
            return (16, 24, 32)[min(2, 3 * step // self.plan.steps)]
        return 8 + step if chosen == "curriculum" else 32

    def scope(self, name: str, when: str) -> ContextManager[None]:
        chosen = self.plan.annotations
        wanted = chosen == when or (chosen == "both" and when in ("profiler", "optimizer"))
        return self.program.annotate(name) if wanted else nullcontext()

    def forward(self, length: int, grad: bool) -> tuple[list[Block], Block]:
        """The activations that wait for the backward pass (none with grad=False), and the output."""
        program, hidden = self.program, length * self.plan.width
        saved: list[Block] = []
        with program.module(MODEL, 20):
            output = embedding(program, hidden)
            for layer in range(self.plan.layers):
                program.at(21)
                with program.module(MODEL, 23):
                    inner = [output, layer_norm(program, hidden)]
                    program.at(24)
                    wide = linear(program, 2 * hidden)
                    program.at(25)
                    output = linear(program, hidden)
                    if self.plan.leak == "hook" and layer == 0:
                        self.kept.append(wide)
                    else:
                        inner.append(wide)
                    if grad:
                        saved += inner
                    else:
                        program.free(*inner)
        return saved, output

    def backward(self, saved: list[Block]) -> None:
        program = self.program
        with program.backward_thread():
            flowing = program.alloc(saved[-1].requested)
            fresh = not self.gradients
            number = 0
            while saved:
                if number < len(self.sizes):
                    gradient = program.alloc(self.sizes[-1 - number])
                    if fresh:
                        self.gradients.append(gradient)
                    else:
                        program.free(gradient)
                    number += 1
                following = program.alloc(saved[-1].requested)
                program.free(flowing, saved.pop())
                flowing = following
            program.free(flowing)

    def assign(self, *values: Block) -> None:
        """The loop's variables take new values, so the old ones go."""
        self.program.free(*self.names)
        self.names = list(values)

    def optimize(self, step: int, name: str = "AdamW") -> None:
        program, plan = self.program, self.plan
        program.at(41)
        with self.scope(f"Optimizer.step#{name}.step", "optimizer"):
            if step == 0 and plan.optimizer != "sgd":
                adam_states(program, self.sizes)
            if plan.optimizer == "adam":
                adam_step(program, self.sizes)
        program.at(42)
        with self.scope(f"Optimizer.zero_grad#{name}.zero_grad", "optimizer"):
            if plan.set_to_none:
                with program.call("zero_grad", TORCH + "optim/optimizer.py", 1031):
                    program.free(*self.gradients)
                    self.gradients = []

    def keep(self, step: int) -> None:
        """What this program keeps of a step, by leak or by design."""
        program, plan = self.program, self.plan
        if plan.leak == "cat":
            program.at(52)
            before = self.history
            self.history = program.alloc((before.requested if before else 0) + 65536)
            if before:
                program.free(before)
        for leak, line, due in (("seldom", 54, step % plan.leak_every == plan.leak_every - 1), ("dict", 56, True),
                                ("random", 58, plan.leak == "random" and program.random.random() < 0.3)):
            if plan.leak == leak:
                program.at(line)
                value = program.alloc(plan.leak_bytes)
                if due:
                    self.kept.append(value)
                else:
                    program.free(value)
        if plan.buffer:
            program.at(60)
            self._buffer(program.alloc(4096))
        if plan.epoch:
            program.at(62)
            self.epoch.append(program.alloc(FP32))
            if (step + 1) % plan.epoch == 0:
                program.at(63)
                program.free(*self.epoch)
                self.epoch = []

    def _buffer(self, value: Block) -> None:
        if len(self.buffer) < self.plan.buffer:
            self.buffer.append(value)
        elif self.plan.replaces == "nothing":
            self.program.free(value)
        else:
            random = self.plan.replaces == "random"
            index = int(self.program.random.random() * len(self.buffer)) if random else 0
            self.program.free(self.buffer.pop(index))
            self.buffer.append(value)

    def validate(self, step: int) -> None:
        program = self.program
        outputs: list[Block] = []
        for _ in range(self.plan.validation_batches):
            program.at(70)
            batch = program.alloc(self.length(step) * 512)
            program.at(72)
            _, output = self.forward(self.length(step), grad=False)
            program.at(74)
            outputs.append(program.alloc(2048))
            program.free(batch, output)
        if self.plan.leak == "validation":
            self.kept += outputs
        else:
            program.free(*outputs)

    # -- whole steps -----------------------------------------------------------------------------------------------

    def step(self, step: int) -> None:
        program, plan = self.program, self.plan
        for _ in range(plan.accumulate):
            length = self.length(step)
            program.at(35)
            batch = [program.alloc(length * 512), program.alloc(length * 8)]
            program.at(37)
            saved, output = self.forward(length, grad=True)
            program.at(38)
            loss = cross_entropy(program, plan.leak_bytes if plan.leak == "losses" else FP32)
            if plan.out_of_memory and step == plan.steps - 1:
                program.at(39)
                program.alloc(1 << 45)
            program.at(40)
            root = root_gradient(program)
            self.backward(saved)
            program.free(root)
            if plan.leak == "losses":
                self.kept.append(loss)
                self.assign(output, *batch)
            else:
                self.assign(loss, output, *batch)
        self.optimize(step)
        self.keep(step)


def _train(one: _Run) -> None:
    plan = one.plan
    one.prepare()
    for step in range(plan.steps):
        with one.scope(f"ProfilerStep#{step}", "profiler"), one.scope("train_step", "scope"):
            one.step(step)
        if plan.validate_every and (step + 1) % plan.validate_every == 0:
            one.validate(step)


def _gan(one: _Run) -> None:
    """A discriminator and a generator, a step each in turn."""
    program, plan = one.program, one.plan
    one.prepare()
    for step in range(plan.steps):
        with one.scope(f"ProfilerStep#{step}", "profiler"):
            for part in range(2):
                program.at(35 + part)
                batch = program.alloc(one.length(step) * 512)
                saved, output = one.forward(one.length(step), grad=True)
                program.at(38)
                loss = cross_entropy(program, FP32)
                one.backward(saved)
                program.free(output)
                one.optimize(step, "AdamW" if part else "Adam")
                if plan.leak == "losses" and part:
                    one.kept.append(loss)
                    one.assign(batch)
                else:
                    one.assign(loss, batch)
            one.keep(step)


def _lbfgs(one: _Run) -> None:
    """Whole forward and backward passes inside each step, and a history of directions that is bounded."""
    program, plan = one.program, one.plan
    lbfgs = TORCH + "optim/lbfgs.py"
    one.prepare()
    history: list[Block] = []
    for step in range(plan.steps):
        program.at(35)
        batch = program.alloc(one.length(step) * 512)
        program.at(41)
        with one.scope("Optimizer.step#LBFGS.step", "optimizer"), program.calls(
                (("wrapper", TORCH + "optim/optimizer.py", 517), ("step", lbfgs, 340))):
            for _ in range(5):
                with program.call("closure", SCRIPT, 38):
                    loss = cross_entropy(program, FP32)
                    saved, output = one.forward(one.length(step), grad=True)
                    one.backward(saved)
                    program.free(output)
                    if plan.leak == "losses":
                        one.kept.append(loss)
                    else:
                        program.free(loss)
                program.at(396)
                temporary = program.alloc(1 << 20)
                program.at(400)
                history += [program.alloc(1 << 20), program.alloc(1 << 20)]
                if len(history) > 200:
                    program.free(history.pop(0), history.pop(0))
                program.free(temporary)
        one.assign(batch)
        program.at(42)
        program.free(*one.gradients)
        one.gradients = []
        one.keep(step)


def _infer(one: _Run) -> None:
    program, plan = one.program, one.plan
    one.prepare()
    for step in range(plan.steps):
        with one.scope(f"ProfilerStep#{step}", "profiler"), one.scope("predict", "scope"):
            program.at(35)
            batch = program.alloc(one.length(step) * 512)
            program.at(37)
            _, output = one.forward(one.length(step), grad=False)
            program.at(38)
            scores = program.alloc(plan.leak_bytes if plan.leak == "losses" else FP32)
            one.assign(batch, output)
            if plan.leak == "losses":
                one.kept.append(scores)
            else:
                program.free(scores)
            one.keep(step)


def _generate(one: _Run) -> None:
    """Prompts; for each token the keys and values of all layers grow by torch.cat, until the prompt is answered."""
    program, plan = one.program, one.plan
    one.prepare()
    for step in range(plan.steps):
        with one.scope("generate", "scope"):
            program.at(35)
            prompt = program.alloc(one.length(step) * 8)
            cache: list[Block] = []
            program.at(37)
            with program.call("generate", _TRANSFORMERS + "generation/utils.py", 2539):
                for token in range(6 + int(program.random.random() * 20)):
                    _token(one, cache, one.length(step) + token)
            program.at(38)
            answer = program.alloc(plan.leak_bytes if plan.leak == "losses" else FP32)
            program.free(*cache)
            if plan.leak == "losses":
                one.kept.append(answer)
                one.assign(prompt)
            else:
                one.assign(prompt, answer)
            one.keep(step)


def _token(one: _Run, cache: list[Block], length: int) -> None:
    program, plan = one.program, one.plan
    hidden = one.plan.width
    with program.module(_TRANSFORMERS + "models/llama/modeling_llama.py", 480):
        current = embedding(program, hidden)
        for layer in range(plan.layers):
            with program.module(_TRANSFORMERS + "models/llama/modeling_llama.py", 300):
                new = linear(program, hidden)
                with program.call("update", _TRANSFORMERS + "cache_utils.py", 119):
                    value = program.alloc(length * 4096)
                if len(cache) > layer:
                    program.free(cache[layer])
                    cache[layer] = value
                else:
                    cache.append(value)
                program.free(current)
                current = new
    program.at(2560)
    program.free(current)


def _layers(one: _Run) -> None:
    """One forward pass through many layers; its activations wait for a backward pass that never comes."""
    one.prepare()
    one.program.at(37)
    one.forward(32, grad=True)


def _functional(one: _Run) -> None:
    """The same in a loop of the script, without modules."""
    program = one.program
    one.prepare()
    for layer in range(one.plan.steps):
        program.at(44)
        kept = [program.alloc(one.plan.width) for _ in range(2)]
        for line in (45, 46, 47, 48):
            program.at(line)
            kept.append(program.alloc(one.plan.width))
        program.at(49)
        program.free(kept[2])


def _fill(one: _Run) -> None:
    """Nothing but a list that is being filled."""
    one.prepare()


KINDS = {"train": _train, "gan": _gan, "lbfgs": _lbfgs, "infer": _infer, "generate": _generate, "layers": _layers,
         "functional": _functional, "fill": _fill}
