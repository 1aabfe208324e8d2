"""Training on the null device: what models, gradients, optimizers and activations take, as can be worked out by hand.

Each program says what PyTorch's own counters say between two of its lines; shapes tell the tests what that must be.
"""

from __future__ import annotations

import json
from pathlib import Path

from support import Document
from torches import every_torch, newest_torch, rehearse_lines

BEGIN = """
import copy, json, torch
from torch import nn
from torch.nn import functional as F
FIGURES, HIGHEST = {}, {"allocated": 0, "requested": 0}

def requested(which):
    return torch.cuda.memory_stats().get(f"requested_bytes.all.{which}", 0)

def note_highest():
    HIGHEST["allocated"] = max(HIGHEST["allocated"], torch.cuda.max_memory_allocated())
    HIGHEST["requested"] = max(HIGHEST["requested"], requested("peak"))

def measure(name, run):
    \"\"\"Bytes that `run` leaves and the most that it has at a time, as requested, both beyond what was there.\"\"\"
    torch.cuda.synchronize()
    torch._C._cuda_clearCublasWorkspaces()
    note_highest()
    torch.cuda.reset_peak_memory_stats()
    before = requested("current")
    result = run()
    note_highest()
    most = requested("peak") - before
    torch._C._cuda_clearCublasWorkspaces()
    FIGURES[name] = requested("current") - before, most
    return result
"""
END = """
torch.cuda.synchronize()
note_highest()
print("FIGURES", json.dumps(FIGURES))
print("HIGHEST", json.dumps(HIGHEST))
"""


def figures_of(python: str, folder: Path, program: str, *options: str) -> tuple[dict[str, list[int]], Document]:
    """What the program measured, and the report, which must be right and whole."""
    report = rehearse_lines(python, folder, BEGIN + program + END, *options)
    lines = dict(line.split(" ", 1) for line in report["printed"].splitlines() if " " in line)
    assert report["exact"]
    assert report["unanswered"] == []
    assert report["num_ooms"] == 0
    highest = {name: report[f"peak_{name}_bytes"] for name in ("allocated", "requested")}
    assert highest == json.loads(lines["HIGHEST"])
    return json.loads(lines["FIGURES"]), report


# -- parameters, gradients, optimizers ---------------------------------------------------------------------------------

WIDTH, LAYERS, BATCH = 1024, 4, 256
WEIGHTS = LAYERS * WIDTH * WIDTH * 4
ROWS = BATCH * WIDTH * 4  # an activation

OPTIMIZERS = f"""
WIDTH, LAYERS, BATCH = {WIDTH}, {LAYERS}, {BATCH}
def stack():
    return nn.Sequential(*[nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(LAYERS)]).cuda()

def train(name, kind, **options):
    model = measure(name + " model", stack)
    x = torch.randn(BATCH, WIDTH, device="cuda")
    loss = measure(name + " forward", lambda: model(x)).sum()
    measure(name + " backward", loss.backward)
    optimizer = kind(model.parameters(), lr=0.1, **options)
    measure(name + " first step", optimizer.step)
    measure(name + " step", optimizer.step)
    measure(name + " clip", lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0))
    measure(name + " accumulate", lambda: model(x).sum().backward())
    average = measure(name + " average", lambda: copy.deepcopy(model))
    measure(name + " zero_grad", optimizer.zero_grad)
    torch.optim.swa_utils.AveragedModel(model).update_parameters(model)

train("foreach", torch.optim.AdamW, foreach=True)
train("loop", torch.optim.AdamW, foreach=False)
train("fused", torch.optim.AdamW, fused=True)
train("momentum", torch.optim.SGD, momentum=0.9)
"""


@every_torch
def test_gradients_and_states_of_optimizers_take_what_they_must(python: str, tmp_path: Path) -> None:
    found, _ = figures_of(python, tmp_path, OPTIMIZERS)
    layer = WEIGHTS // LAYERS
    for kind in ("foreach", "loop", "fused", "momentum"):
        assert found[f"{kind} model"][0] == WEIGHTS
        assert found[f"{kind} forward"][0] == LAYERS * ROWS  # every output: the next layer's input, and the last
        assert found[f"{kind} backward"][0] == WEIGHTS - (LAYERS - 1) * ROWS  # the last went when it was summed
        states = {"fused": 2 * WEIGHTS + LAYERS * 4, "momentum": WEIGHTS}.get(kind, 2 * WEIGHTS)
        assert found[f"{kind} first step"][0] == states
        assert found[f"{kind} step"][0] == 0
        assert found[f"{kind} accumulate"][0] == 0
        assert found[f"{kind} average"] == [WEIGHTS] * 2
        assert found[f"{kind} clip"][1] < 16 << 10  # norms alone
        assert found[f"{kind} zero_grad"][0] == -WEIGHTS
    # Square roots of all parameters at once; of one, its quotient, and that of the parameter before; none.
    temporaries = {"foreach": WEIGHTS, "loop": 3 * layer, "fused": 0, "momentum": 0}
    assert {kind: found[f"{kind} step"][1] for kind in temporaries} == temporaries


# -- activations -------------------------------------------------------------------------------------------------------

ACTIVATIONS = f"""
from torch.utils.checkpoint import checkpoint
WIDTH, LAYERS, BATCH = {WIDTH}, {LAYERS}, {BATCH}
blocks = nn.ModuleList([nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.GELU(),
                                      nn.Linear(4 * WIDTH, WIDTH, bias=False)) for _ in range(LAYERS)]).cuda()
def forward(x, reentrant):
    for block in blocks:
        x = block(x) if reentrant is None else checkpoint(block, x, use_reentrant=reentrant)
    return x

for name, reentrant in (("whole", None), ("reentrant", True), ("not reentrant", False)):
    x = torch.randn(BATCH, WIDTH, device="cuda", requires_grad=True)
    loss = measure(name, lambda: forward(x, reentrant)).sum()
    measure(name + " backward", loss.backward)
    assert all(parameter.grad is not None for parameter in blocks.parameters())
    blocks.zero_grad()
for batch in (BATCH, 2 * BATCH, 4 * BATCH):
    x = torch.randn(batch, WIDTH, device="cuda")
    measure(f"batch {{batch}}", lambda: forward(x, None).sum().backward())
    blocks.zero_grad()
for dtype in (torch.bfloat16, torch.float16):
    def run(grad):
        with torch.set_grad_enabled(grad), torch.autocast("cuda", dtype):
            return forward(x, None)
    x = torch.randn(BATCH, WIDTH, device="cuda")
    measure(f"{{dtype}}", lambda: run(True))
    measure(f"{{dtype}} without gradients", lambda: run(False))
"""


@every_torch
def test_activations_take_what_is_kept_for_the_backward_pass(python: str, tmp_path: Path) -> None:
    found, _ = figures_of(python, tmp_path, ACTIVATIONS)
    weights = 2 * LAYERS * 4 * WIDTH * WIDTH * 4
    assert found["whole"][0] == LAYERS * (4 + 4 + 1) * ROWS  # before and after GELU, and what comes out
    for kind in ("reentrant", "not reentrant"):
        assert found[kind][0] == LAYERS * ROWS
        assert found[f"{kind} backward"][0] == weights + ROWS - (LAYERS - 1) * ROWS
    # Without checkpointing all activations are there when the first gradients come.
    assert found["whole backward"][0] == weights + ROWS - (LAYERS * 9 - 1) * ROWS
    batches = [found[f"batch {factor * BATCH}"][1] for factor in (1, 2, 4)]
    assert batches[0] < batches[1] < batches[2]
    for dtype in ("torch.bfloat16", "torch.float16"):
        # Activations of half the bytes, copies of the input and of the weights: all but the first, which is only needed
        # for the gradient of an input that has none.
        assert found[dtype][0] == (weights - weights // (2 * LAYERS) + LAYERS * 9 * ROWS + ROWS) // 2
        assert found[f"{dtype} without gradients"][0] == ROWS // 2


ATTENTION = """
from torch.nn.attention import SDPBackend, sdpa_kernel
for kind in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "MATH"):
    for dtype in (torch.bfloat16, torch.float16):
        q, k, v = (torch.randn(2, 8, 512, 64, device="cuda", dtype=dtype, requires_grad=True) for _ in range(3))
        with sdpa_kernel(getattr(SDPBackend, kind)):
            result = measure(kind, lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True))
        measure(kind + " backward", result.sum().backward)
        result = None
        with torch.no_grad(), sdpa_kernel(getattr(SDPBackend, kind)):
            measure(kind + " without gradients", lambda: F.scaled_dot_product_attention(q, k, v))
"""


@every_torch
def test_attention_keeps_its_probabilities_only_where_it_computes_them(python: str, tmp_path: Path) -> None:
    found, _ = figures_of(python, tmp_path, ATTENTION, "--gpu", "a100-40g")
    result, sums, probabilities = 2 * 8 * 512 * 64 * 2, 2 * 8 * 512 * 4, 2 * 8 * 512 * 512 * 2
    for kind in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION"):
        assert 0 <= found[kind][0] - result - sums <= 24  # three numbers about random ones
        assert found[f"{kind} without gradients"][0] == result
    assert found["MATH"][0] > result + probabilities
    assert found["MATH without gradients"][0] == result
    assert found["MATH without gradients"][1] > result + probabilities


# -- layers whose sizes are their own ----------------------------------------------------------------------------------

SIZES = """
ids = torch.randint(0, 50_000, (512,)).cuda()
for sparse in (True, False):
    table = nn.Embedding(50_000, 256, sparse=sparse).cuda()
    measure(f"sparse {sparse}", lambda: table(ids).sum().backward())
optimizer = torch.optim.SparseAdam(nn.Embedding(1000, 256, sparse=True).cuda().parameters())
measure("SparseAdam", lambda: (optimizer.param_groups[0]["params"][0][:0], optimizer.step()))
for kind in (nn.LSTM, nn.GRU, nn.RNN):
    network = measure(kind.__name__, lambda: kind(256, 512, 2).cuda())
    FIGURES[kind.__name__ + " parameters"] = sum(parameter.nbytes for parameter in network.parameters()), 0
    measure(kind.__name__ + " forward", lambda: network(torch.randn(100, 16, 256, device="cuda")))
for name, memory in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
    layer = measure(f"conv {name}", lambda: nn.Conv2d(64, 128, 3, bias=False).cuda().to(memory_format=memory))
    image = torch.randn(8, 64, 32, 32, device="cuda").to(memory_format=memory)
    result = measure(f"conv {name} forward", lambda: layer(image))
    assert result.shape == (8, 128, 30, 30)
    measure(f"conv {name} backward", lambda: result.sum().backward())
model = nn.Linear(1024, 1024, bias=False)
measure("half", lambda: copy.deepcopy(model).half().cuda())
measure("double", lambda: copy.deepcopy(model).double().cuda())
measure("fp8", lambda: model.weight.detach().cuda().to(torch.float8_e4m3fn))
measure("complex", lambda: torch.zeros(1000, 128, dtype=torch.complex64, device="cuda"))
"""


@every_torch
def test_layers_take_their_parameters_and_their_gradients(python: str, tmp_path: Path) -> None:
    found, _ = figures_of(python, tmp_path, SIZES)
    assert found["sparse True"][0] == 512 * 256 * 4 + 512 * 8  # the rows that were used, and which
    assert found["sparse False"][0] == 50_000 * 256 * 4
    for kind, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        numbers = gates * 512 * (256 + 512 + 2) + gates * 512 * (512 + 512 + 2)
        assert found[f"{kind} parameters"][0] == numbers * 4
        assert found[kind][0] == numbers * 4
        # Of both layers every step's gates and states are kept.
        assert found[f"{kind} forward"][0] >= 100 * 16 * 512 * 4 * (1 + 2 * gates)
    for name in ("contiguous", "channels last"):
        assert found[f"conv {name}"][0] == 128 * 64 * 9 * 4
        assert found[f"conv {name} forward"][0] == 8 * 128 * 30 * 30 * 4
        assert found[f"conv {name} backward"][0] == 128 * 64 * 9 * 4
    assert found["half"][0] == 1024 * 1024 * 2
    assert found["double"][0] == 1024 * 1024 * 8
    assert found["fp8"][0] == 1024 * 1024
    assert found["complex"][0] == 1000 * 128 * 8


# -- a whole program ---------------------------------------------------------------------------------------------------

TRANSFORMER = """
import math
from torch.utils.checkpoint import checkpoint

class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.into, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.into(x).chunk(3, -1))
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape))

class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention, self.first, self.second = Attention(width, heads), nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.first(x))
        return x + self.wide(self.second(x))

class Transformer(nn.Module):
    def __init__(self, words, width, heads, layers, length):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm, self.head, self.saves = nn.LayerNorm(width), nn.Linear(width, words, bias=False), False

    def forward(self, ids):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.saves else block(x)
        return self.head(self.norm(x))
"""

EPOCH = TRANSFORMER + """
from torch.utils.data import DataLoader, TensorDataset

def scaler_of(legacy):
    return torch.cuda.amp.GradScaler() if legacy else torch.amp.GradScaler("cuda")

def epoch(name, legacy=False, saves=False, dtype=torch.bfloat16, **options):
    torch.manual_seed(0)
    model = Transformer(1024, 256, 4, 3, 128).cuda()
    model.saves = saves
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    scaler = scaler_of(legacy)
    data = DataLoader(TensorDataset(torch.randint(0, 1024, (64, 129))), batch_size=8, pin_memory=True)
    total = 0.0
    for i, (ids,) in enumerate(data):
        ids = ids.to("cuda", non_blocking=True)
        with torch.cuda.amp.autocast(dtype=dtype) if legacy else torch.autocast("cuda", dtype):
            loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), ignore_index=-100)
        scaler.scale(loss / 2).backward()
        total += loss.item()
        if i % 2 == 1:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            with torch.no_grad():
                for mine, theirs in zip(average.parameters(), model.parameters()):
                    mine.lerp_(theirs, 0.01)
    assert not math.isnan(total)
    FIGURES["parameters " + name] = sum(p.nbytes for p in model.parameters()), len(list(model.parameters()))
    del loss, ids
    return model, average, optimizer, scaler

measure("warm", lambda: epoch("warm") and None)
measure("fp16", lambda: epoch("fp16", dtype=torch.float16))
measure("bf16", lambda: epoch("bf16"))
measure("foreach", lambda: epoch("foreach", foreach=True))
measure("loop", lambda: epoch("loop", foreach=False))
measure("fused", lambda: epoch("fused", fused=True))
measure("saving", lambda: epoch("saving", saves=True))
measure("legacy", lambda: epoch("legacy", legacy=True, dtype=torch.float16))
"""


@every_torch
def test_a_transformer_is_trained_in_every_usual_way(python: str, tmp_path: Path) -> None:
    found, report = figures_of(python, tmp_path, EPOCH, "--gpu", "rtx4090")
    weights, count = found["parameters bf16"]
    assert weights == 4 * 256 * (1024 * 2 + 128 + 3 * (12 * 256 + 4 + 9) + 2)
    scale = 2 * 4  # of GradScaler, and how long it has held
    for kind in ("fp16", "bf16", "foreach", "loop", "saving", "legacy"):
        assert found[kind][0] == 4 * weights + scale  # the model, its average, two states
    assert found["fused"][0] == 4 * weights + scale + 4 * count
    assert found["saving"][1] < found["bf16"][1]
    assert found["fp16"][1] == found["legacy"][1]
    assert report["host_reads"] >= 8 * 8  # .item() of each batch
    assert report["unknown_reads"] >= 8 * 8


LARGER = TRANSFORMER + """
model = Transformer(1024, 256, 4, 3, 128).cuda()
for batch in (2, 4, 8, 16):
    measure(f"{batch}", lambda: model(torch.zeros(batch, 128, dtype=torch.long, device="cuda")))
"""


@newest_torch
def test_a_batch_twice_as_large_keeps_twice_as_much(python: str, tmp_path: Path) -> None:
    found, _ = figures_of(python, tmp_path, LARGER)
    kept = [found[batch][0] for batch in ("2", "4", "8", "16")]
    once = 2 * kept[0] - kept[1]  # what a batch has whatever its size: which places there are
    assert 0 <= once < 16 << 10
    assert [2 * small - large for small, large in zip(kept, kept[1:])] == [once] * 3
