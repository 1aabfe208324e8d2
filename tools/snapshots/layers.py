"""Pieces that the scenarios share: where PyTorch's modules allocate. Sizes in bytes, line numbers as of 2.9.1."""

from __future__ import annotations

from collections.abc import Sequence

from .blocks import Block
from .program import FUNCTIONAL, MODULE, TORCH, Program

FP32 = 4

_TO_CUDA = ("cuda", MODULE, 1084)
_APPLY_CHILD = ("_apply", MODULE, 930)
_APPLY_PARAMETER = ("_apply", MODULE, 957)
_CONVERT = ("<lambda>", MODULE, 1084)
_OPTIMIZER = TORCH + "optim/optimizer.py"
_ADAM = TORCH + "optim/adam.py"
_AUTOGRAD = TORCH + "autograd/__init__.py"


def to_cuda(program: Program, sizes: Sequence[int], depth: int) -> list[Block]:
    """model.cuda(): parameters of these sizes, `depth` modules deep."""
    with program.calls((_TO_CUDA,) + (_APPLY_CHILD,) * depth + (_APPLY_PARAMETER, _CONVERT)):
        return [program.alloc(size, "parameters") for size in sizes]


def linear(program: Program, nbytes: int) -> Block:
    """The output of an nn.Linear."""
    with program.module(TORCH + "nn/modules/linear.py", 134):
        return program.alloc(nbytes, "activations")


def layer_norm(program: Program, nbytes: int) -> Block:
    """The output of an nn.LayerNorm."""
    with program.module(TORCH + "nn/modules/normalization.py", 229), program.call("layer_norm", FUNCTIONAL, 2901):
        return program.alloc(nbytes, "activations")


def embedding(program: Program, nbytes: int) -> Block:
    """The output of an nn.Embedding."""
    with program.module(TORCH + "nn/modules/sparse.py", 192), program.call("embedding", FUNCTIONAL, 2542):
        return program.alloc(nbytes, "activations")


def conv2d(program: Program, nbytes: int) -> Block:
    """The output of an nn.Conv2d."""
    source = TORCH + "nn/modules/conv.py"
    with program.module(source, 548), program.call("_conv_forward", source, 543):
        return program.alloc(nbytes, "activations")


def cross_entropy(program: Program, nbytes: int) -> Block:
    """The output of torch.nn.functional.cross_entropy."""
    with program.call("cross_entropy", FUNCTIONAL, 3458):
        return program.alloc(nbytes, "activations")


def root_gradient(program: Program) -> Block:
    """loss.backward(): the gradient of the loss itself."""
    with program.calls((("backward", TORCH + "_tensor.py", 625), ("backward", _AUTOGRAD, 347),
                        ("_make_grads", _AUTOGRAD, 221))):
        return program.alloc(FP32, "gradients")


def adam_states(program: Program, sizes: Sequence[int]) -> list[Block]:
    """The first optimizer.step() of AdamW: exp_avg and exp_avg_sq of each parameter."""
    states: list[Block] = []
    with program.calls((("wrapper", _OPTIMIZER, 517), ("_use_grad", _OPTIMIZER, 82), ("step", _ADAM, 237),
                        ("_init_group", _ADAM, 181))):
        for size in sizes:
            program.at(181)
            states.append(program.alloc(size, "optimizer_state"))
            program.at(185)
            states.append(program.alloc(size, "optimizer_state"))
    return states


def adam_step(program: Program, sizes: Sequence[int]) -> None:
    """A later optimizer.step() of AdamW: the temporaries of the foreach implementation."""
    with program.calls((("wrapper", _OPTIMIZER, 517), ("_use_grad", _OPTIMIZER, 82), ("step", _ADAM, 247),
                        ("maybe_fallback", _OPTIMIZER, 150), ("adam", _ADAM, 953), ("_multi_tensor_adam", _ADAM, 765))):
        temporaries = [program.alloc(size, "workspaces") for size in sizes]
        program.at(778)
        program.free(*temporaries)
