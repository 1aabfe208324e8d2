"""Programs that stop at values that nobody computed: each cell of the guide's table of them, on real PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import ROOT
from torches import newest_torch, rehearse_lines

GUIDE = ROOT / "docs" / "guide" / "rehearse.md"

# What shows the words of each line of the table, in its order.
SHOWN = [
    ["sure(torch.isfinite(x).all())", "sure(torch.allclose(x, x))", "torch.testing.assert_close(x, x.clone())"],
    ["D.Normal(x, x.exp())", "D.Categorical(logits=x)", "D.Bernoulli(probs=x.sigmoid())"],
    ["torch.linalg.eig(square[0])", "torch.lobpcg(x.T @ x, 2, niter=3)", "torch.matrix_exp(square)"],
    ["1 / (y > 3).sum().item()", "math.log(x.square().mean().item())",
     "nn.utils.rnn.pack_padded_sequence(square, y[:4].cpu(), batch_first=True, enforce_sorted=False)"],
    ["x[x > 0].max()", "torch.stack([x[i] for i in (x[:, 0] > 0).nonzero().flatten().tolist()])"],
    ["sure(not torch.isnan(x).any())", "backward_with_anomalies()",
     "nn.utils.clip_grad_norm_([leaf], 1.0, error_if_nonfinite=True)"],
    ["encoder(torch.rand(4, 6, 16, device='cuda'), src_key_padding_mask=torch.rand(4, 6, device='cuda') > 2)"],
    ["next(i for i in range(300) if x.norm().item() < 0.1)"],
    ["nn.BatchNorm1d(10, momentum=None).cuda()(x)",
     "nn.AdaptiveLogSoftmaxWithLoss(10, 10, [2, 5]).cuda()(x, y)",
     "torch.autograd.gradcheck(torch.square, (leaf.detach().double().requires_grad_(),))"],
]

PROGRAM = """
import math, torch
from torch import nn, distributions as D
x, y = torch.rand(8, 10, device='cuda'), torch.randint(1, 10, (8,), device='cuda')
square = torch.rand(4, 10, 10, device='cuda')
leaf = torch.rand(10, device='cuda', requires_grad=True)
leaf.sum().backward()
layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
encoder = nn.TransformerEncoder(layer, 2).cuda().eval().requires_grad_(False)
def sure(what): assert what
def backward_with_anomalies():
    with torch.autograd.detect_anomaly(): leaf.exp().sum().backward()
for line in %r:
    try: eval(line)
    except Exception as error: print("STOPS", line, repr(error)[:80])
    else: print("RUNS", line)
"""


def table() -> list[list[str]]:
    """The guide's, without its first column."""
    lines = GUIDE.read_text().partition("| what the program does |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in lines]


@newest_torch
@pytest.mark.parametrize("values", ["zeros", "ones", "random"])
def test_what_stops_is_what_the_guide_says(python: str, values: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, PROGRAM % [one for line in SHOWN for one in line], "--values", values)
    printed = [line for line in report["printed"].splitlines() if line.startswith(("STOPS ", "RUNS "))]
    for shown, cells in zip(SHOWN, table(), strict=True):
        said = cells[["zeros", "ones", "random"].index(values)]
        ends = {"runs": ["RUNS"], "stops": ["STOPS"], "never ends": ["STOPS"], "may stop": ["RUNS", "STOPS"]}[said]
        for one in shown:
            line = printed.pop(0)
            assert line.startswith(tuple(f"{end} {one}" for end in ends)), f"the guide says: {said}; {line}"
