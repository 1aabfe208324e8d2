"""The small programs. Each runs on one device until it ends or runs out of memory; sizes in bytes."""

from __future__ import annotations


from .blocks import Block
from .layers import (FP32, adam_states, adam_step, conv2d, cross_entropy, embedding, layer_norm, linear, root_gradient,
                     to_cuda)
from .program import TORCH, Program

_TRAIN = "/home/user/project/train.py"
_MODEL = "/home/user/project/model.py"


def fragmentation_oom(program: Program) -> None:
    """A reader of long documents, chunk by chunk, that remembers a key and a value of each chunk until the end.

    The activations of all chunks live until the backward pass; between them lie keys and values of 1.1 MiB, which live
    on. After the backward pass most segments are empty but for one of these, and evaluation asks for one big tensor.
    """
    with program.calls((("<module>", _TRAIN, 141), ("main", _TRAIN, 118))):
        _reader_parameters(program)
        memory: list[Block] = []
        for line, chunks in ((126, 9), (128, 37)):
            program.at(line)
            with program.call("train_document", _TRAIN, 61):
                _train_document(program, chunks, memory)
        program.at(133)
        with program.calls((("evaluate", _TRAIN, 97), ("decorate_context", TORCH + "utils/_contextlib.py", 120),
                            ("evaluate", _TRAIN, 92))):
            linear(program, 8 * 1024 * 32000 * FP32)


def _reader_parameters(program: Program) -> list[Block]:
    """An embedding, four blocks of width 512, a head."""
    width, words = 512, 32000
    program.at(120)
    outer = to_cuda(program, [words * width * FP32], 1)
    inner = [one for _ in range(4) for one in to_cuda(program, _transformer_block(width), 3)]
    return outer + inner + to_cuda(program, [words * width * FP32], 1)


def _transformer_block(width: int) -> list[int]:
    """The parameter sizes of two norms, attention and a feed-forward network."""
    norm, square = [width, width], width * width
    counts = norm + [3 * square, 3 * width, square, width] + norm + [4 * square, 4 * width, 4 * square, width]
    return [count * FP32 for count in counts]


def _train_document(program: Program, chunks: int, memory: list[Block]) -> None:
    """Forward over all chunks, then one backward pass. The chunks differ a little in length, as text does."""
    batch, width = 8, 512
    saved: list[Block] = []
    for _ in range(chunks):
        tokens = 482 + int(program.random.random() * 11) + 32 * int(program.random.random() * 3)
        saved += _read_chunk(program, batch * tokens * width * FP32)
        program.at(66)
        with program.module(_MODEL, 88):
            memory += [linear(program, batch * 72 * width * FP32) for _ in ("key", "value")]
        program.at(61)
    program.at(71)
    loss = cross_entropy(program, FP32)
    program.at(73)
    with program.backward_thread():
        for tensor in reversed(saved):
            gradient = program.alloc(tensor.requested, "gradients")
            program.free(tensor, gradient)
    program.at(75)
    program.free(loss)


def _read_chunk(program: Program, hidden: int) -> list[Block]:
    """The activations of one chunk that the backward pass needs; `hidden` is the size of one hidden state."""
    with program.module(_MODEL, 71):
        embedded = embedding(program, hidden)
        program.at(74)
        with program.module(_MODEL, 41):
            normed = layer_norm(program, hidden)
            program.at(43)
            gate = linear(program, 4 * hidden)
            wide = linear(program, 4 * hidden)
            program.at(44)
            narrow = linear(program, hidden)
            program.at(45)
            program.free(normed)
    return [embedded, gate, wide, narrow]


def capacity_oom(program: Program) -> None:
    """Fine-tuning of a language model whose weights, gradients and AdamW states do not fit: the first step fails."""
    with program.calls((("<module>", _TRAIN, 88), ("main", _TRAIN, 52))):
        sizes = _language_model(layers=10, width=1280, words=50257)
        to_cuda(program, sizes, 3)
        program.at(61)
        saved = _forward(program, layers=10, hidden=2 * 512 * 1280 * FP32)
        program.at(64)
        saved.append(cross_entropy(program, 2 * 512 * 50257 * FP32))
        program.at(66)
        saved.append(root_gradient(program))
        with program.backward_thread():
            for size in reversed(sizes):
                program.alloc(size, "gradients")
                if len(saved) > 1:
                    program.free(saved.pop())
            program.free(*reversed(saved))
        program.at(67)
        with program.annotate("Optimizer.step#AdamW.step"):
            adam_states(program, sizes)


def _language_model(layers: int, width: int, words: int) -> list[int]:
    """The parameter sizes of a GPT-2."""
    tables = [words * width * FP32, 1024 * width * FP32]
    return tables + _transformer_block(width) * layers + [width * FP32, width * FP32]


def _forward(program: Program, layers: int, hidden: int) -> list[Block]:
    saved: list[Block] = []
    with program.module(_MODEL, 132):
        saved.append(embedding(program, hidden))
        program.at(136)
        for _ in range(layers):
            with program.module(_MODEL, 97):
                saved.append(layer_norm(program, hidden))
                program.at(98)
                saved.append(linear(program, 3 * hidden))
                program.at(104)
                saved.append(linear(program, 4 * hidden))
                program.at(105)
                saved.append(linear(program, hidden))
    return saved


_IMAGES = (8 * 3 * 256 * 192 * FP32, 8 * 256 * 192 * 8)  # a batch of images and of labels
_CHANNELS = (16, 32, 21)
_WEIGHTS = tuple(count * FP32 for count in (16 * 3 * 9, 16, 32 * 16 * 9, 32, 21 * 32, 21))


def leak(program: Program, events: int = 1800) -> None:
    """A segmentation network whose training loop keeps every loss map: `losses.append(loss)`.

    Stops after the step in which the trace reaches `events` entries.
    """
    _segmentation(program, events, mended=False)


def leak_mended(program: Program, events: int = 1800) -> None:
    """The same program with the loop mended: `losses.append(loss.detach().mean())`, one line below the loss."""
    _segmentation(program, events, mended=True)


def _segmentation(program: Program, events: int, mended: bool) -> None:
    losses: list[Block] = []
    below = 1 if mended else 0  # the line that was put in moves those below it
    with program.calls((("<module>", _TRAIN, 58 + below), ("train", _TRAIN, 27))):
        program.at(29)
        to_cuda(program, _WEIGHTS, 2)
        step = 0
        while len(program.allocator.trace) < events:
            with program.annotate(f"ProfilerStep#{step}"):
                _segmentation_step(program, losses, first=step == 0, below=below)
            step += 1


def _segmentation_step(program: Program, losses: list[Block], first: bool, below: int) -> None:
    program.at(35)
    inputs = [program.alloc(size, "inputs") for size in _IMAGES]
    program.at(37)
    maps = [_conv(program, 8 * channels * 256 * 192 * FP32, line) for line, channels in zip((24, 25, 26), _CHANNELS)]
    program.at(38)
    loss = cross_entropy(program, 8 * 256 * 192 * FP32)  # reduction="none": one loss per pixel
    if below:
        program.at(39)
        losses.append(program.alloc(FP32, "activations"))
    else:
        losses.append(loss)
    program.at(40 + below)
    mean = program.alloc(FP32, "activations")
    root = root_gradient(program)
    gradients = _backward(program, maps)
    program.free(root)
    program.at(41 + below)
    with program.annotate("Optimizer.step#AdamW.step"):
        if first:
            adam_states(program, _WEIGHTS)
        adam_step(program, _WEIGHTS[::2])
    program.at(42 + below)
    with program.annotate("Optimizer.zero_grad#AdamW.zero_grad"):
        with program.call("zero_grad", TORCH + "optim/optimizer.py", 1031):
            program.free(*gradients)
    program.at(35)
    program.free(mean, *inputs, *([loss] if below else []))


def _conv(program: Program, nbytes: int, line: int) -> Block:
    with program.module(_MODEL, line):
        return conv2d(program, nbytes)


def _backward(program: Program, maps: list[Block]) -> list[Block]:
    """Frees the activations; returns the gradients of the weights."""
    gradients: list[Block] = []
    with program.backward_thread():
        flowing = program.alloc(maps[-1].requested, "gradients")
        while maps:
            gradients += [program.alloc(size, "gradients") for size in _WEIGHTS[2 * len(maps) - 2:2 * len(maps)]]
            program.free(maps.pop())
            if maps:
                following = program.alloc(maps[-1].requested, "gradients")
                program.free(flowing)
                flowing = following
        program.free(flowing)
    return gradients
