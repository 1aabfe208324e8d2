"""cuDNN on the null device: programs with `torch.backends.cudnn` on, as it is unless somebody turns it off.

What they print is what the library alone decides; what memory they need, of the right size.
"""

from __future__ import annotations

from pathlib import Path

from support import MIB
from torches import every_torch, newest_torch, rehearse_lines, release_of

# PyTorch requires these releases of cuDNN.
VERSIONS = {"2.6.0": 90100, "2.9.1": 91002, "2.15.0": 92600}

IMPORTS = """
import time, torch
from torch import nn
from torch.nn import functional as F
assert torch.backends.cudnn.is_available()

def backward(result):
    result.float().sum().backward()
    torch.cuda.synchronize()
"""
# A thread of PyTorch's that is not yet done with a backward pass may abort an interpreter that ends.
WAIT = "\ntime.sleep(0.2)\n"

CONVOLUTIONS = """
def convolve(module, *shape, dtype, format=torch.contiguous_format):
    module = module.to("cuda", dtype, memory_format=format)
    image = torch.randn(*shape, device="cuda", dtype=dtype).to(memory_format=format).requires_grad_()
    backward(module(image))
    assert image.grad.shape == image.shape and module.weight.grad.shape == module.weight.shape

for benchmark in (False, True):
    torch.backends.cudnn.benchmark = benchmark
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        convolve(nn.Conv1d(16, 32, 3), 4, 16, 100, dtype=dtype)
        convolve(nn.Conv2d(16, 32, 3), 4, 16, 32, 32, dtype=dtype)
        convolve(nn.Conv2d(16, 32, 3, stride=2), 4, 16, 32, 32, dtype=dtype, format=torch.channels_last)
        convolve(nn.Conv2d(16, 32, 3, groups=4, dilation=2), 4, 16, 32, 32, dtype=dtype)
        convolve(nn.Conv2d(16, 16, 3, groups=16), 4, 16, 32, 32, dtype=dtype)
        convolve(nn.Conv3d(8, 16, 3), 2, 8, 8, 16, 16, dtype=dtype)
        convolve(nn.ConvTranspose1d(16, 32, 3), 4, 16, 20, dtype=dtype)
        convolve(nn.ConvTranspose2d(16, 32, 3, stride=2), 4, 16, 16, 16, dtype=dtype)
        convolve(nn.ConvTranspose3d(8, 4, 3), 2, 8, 4, 8, 8, dtype=dtype)
image, filters = torch.randn(2, 3, 16, 16, device="cuda"), torch.randn(8, 3, 3, 3, device="cuda")
torch.cudnn_convolution_relu(image, filters, torch.randn(8, device="cuda"), (1, 1), (0, 0), (1, 1), 1)
"""

NORMS = """
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    for format in (torch.contiguous_format, torch.channels_last):
        norm = nn.BatchNorm2d(32).cuda()
        image = torch.randn(8, 32, 16, 16, device="cuda", dtype=dtype).to(memory_format=format).requires_grad_()
        backward(norm(image))
        backward(norm.eval()(image))
weight, bias = torch.ones(32, device="cuda", requires_grad=True), torch.zeros(32, device="cuda", requires_grad=True)
for format in (torch.contiguous_format, torch.channels_last):
    image = torch.randn(8, 32, 16, 16, device="cuda").to(memory_format=format).requires_grad_()
    mean, variance = torch.zeros(32, device="cuda"), torch.ones(32, device="cuda")
    backward(torch.cudnn_batch_norm(image, weight, bias, mean, variance, True, 0.1, 1e-5)[0])
"""

RECURRENT = """
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
KINDS = [(kind, options) for kind in (nn.RNN, nn.GRU, nn.LSTM) for options in (
    {}, {"num_layers": 2, "bidirectional": True}, {"num_layers": 2, "dropout": 0.3}, {"batch_first": True},
    {"bias": False})] + [(nn.LSTM, {"proj_size": 5, "num_layers": 2, "bidirectional": True})]
for dtype in (torch.float32, torch.float16):
    for kind, options in KINDS:
        network = kind(12, 16, **options).to("cuda", dtype)
        first = options.get("batch_first", False)
        steps = torch.randn(*((4, 10, 12) if first else (10, 4, 12)), device="cuda", dtype=dtype, requires_grad=True)
        backward(network(steps)[0])
        assert all(parameter.grad is not None for parameter in network.parameters())
        packed = pack_padded_sequence(steps, torch.tensor([10, 7, 5, 2]), batch_first=first)
        backward(pad_packed_sequence(network(packed)[0])[0])
        with torch.no_grad():
            network.eval()(steps)
"""

LOSSES = """
logs = torch.randn(50, 4, 20, device="cuda").log_softmax(2).detach().requires_grad_()
labels = torch.randint(1, 20, (40,), dtype=torch.int32)
backward(F.ctc_loss(logs, labels, (50,) * 4, (10,) * 4))
lengths = torch.full((4,), 50, dtype=torch.int32, device="cuda"), torch.full((4,), 10, dtype=torch.int32, device="cuda")
backward(F.ctc_loss(logs, labels.cuda(), *lengths))
backward(F.ctc_loss(logs, labels.long().cuda(), (50,) * 4, (10,) * 4))
"""

ATTENTION = """
from torch.nn.attention import SDPBackend, sdpa_kernel
for dtype in (torch.float16, torch.bfloat16):
    for options in ({}, {"is_causal": True}, {"dropout_p": 0.125}):
        q, k, v = (torch.randn(2, 4, 128, 64, device="cuda", dtype=dtype, requires_grad=True) for _ in range(3))
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            backward(F.scaled_dot_product_attention(q, k, v, **options))
            with torch.no_grad():
                F.scaled_dot_product_attention(q, k, v)
"""

OTHERS = """
grid = F.affine_grid(torch.randn(2, 2, 3, device="cuda", requires_grad=True), (2, 3, 16, 16), align_corners=True)
backward(F.grid_sample(torch.randn(2, 3, 16, 16, device="cuda", requires_grad=True), grid, align_corners=True))
print("VERSION", torch.backends.cudnn.version())
"""


EVERYTHING = IMPORTS + CONVOLUTIONS + NORMS + RECURRENT + LOSSES + ATTENTION + OTHERS + WAIT


@every_torch
def test_all_that_pytorch_asks_of_cudnn_is_answered(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, EVERYTHING, "--memory", "40GiB")
    assert f"VERSION {VERSIONS[release_of(python)]}\n" in report["printed"]
    unanswered = [call["function"] for call in report["unanswered"]]
    assert not [name for name in unanswered if name.startswith("cudnn")]
    assert report["modelled_sizes"] > 0


# The 3x3 convolution of 64 channels, batch 32, 56x56, of which the library says 25.8, 51.5 and 52.9 MB.
ONE_CONVOLUTION = """
torch.backends.cudnn.benchmark = {benchmark}
filters = nn.Conv2d(64, 64, 3, padding=1, bias=False).cuda()
image = torch.randn(32, 64, 56, 56, device="cuda", requires_grad=True)
torch.cuda.memory._record_memory_history(stacks="python")
backward(filters(image))
entries = torch.cuda.memory._snapshot()["device_traces"][0]
for entry in entries:
    if entry["action"] in ("alloc", "segment_free"):
        print("ENTRY", entry["action"], entry["size"])
"""


def allocations(report: dict, action: str) -> list[int]:
    lines = [line.split() for line in report["printed"].splitlines() if line.startswith("ENTRY ")]
    return [int(size) for _, what, size in lines if what == action]


@newest_torch
def test_a_convolution_is_given_its_workspace_in_each_direction(python: str, tmp_path: Path) -> None:
    program = IMPORTS + ONE_CONVOLUTION.format(benchmark=False) + WAIT
    report = rehearse_lines(python, tmp_path, program, "--gpu", "a100-40g")
    image, filters = 32 * 64 * 56 * 56 * 4, 64 * 64 * 9 * 4
    sizes = allocations(report, "alloc")
    assert sizes.count(image + filters) == 1
    assert sizes.count(2 * image + filters) == 2


@newest_torch
def test_a_search_for_the_fastest_takes_the_largest_workspace_and_gives_it_back(python: str, tmp_path: Path) -> None:
    program = IMPORTS + ONE_CONVOLUTION.format(benchmark=True) + WAIT
    report = rehearse_lines(python, tmp_path, program, "--gpu", "a100-40g")
    largest = max(allocations(report, "alloc"))
    assert largest > 64 * MIB  # of all workspaces the first plans have
    assert any(size >= largest for size in allocations(report, "segment_free"))


@newest_torch
def test_a_workspace_that_does_not_fit_makes_the_next_plan_run(python: str, tmp_path: Path) -> None:
    program = IMPORTS + """
image = torch.randn(32, 64, 112, 112, device="cuda")
nn.Conv2d(64, 64, 3, padding=1, bias=False).cuda()(image)
"""
    # The image and the response have 98 MiB each: a copy of one more finds no room.
    report = rehearse_lines(python, tmp_path, program, "--gpu", "a100-40g", "--memory", "724MiB", "--context", "500MiB")
    assert report["num_ooms"] >= 1
