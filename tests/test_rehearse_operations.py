"""Operations of every kind on the null device: each must run, or fail as it does on a GPU, and leave the figures exact.

One program for a family of operations, a line for each, so that one that fails is named. Shapes that hang on values are
those of zeros; that such values were read is counted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import TEST_ALL, Document
from torches import every_torch, newest_torch, rehearse_lines

HARNESS = """
import torch
from torch import nn
from torch.nn import functional as F
gpu = torch.device("cuda")

def leaf(*shape, dtype=torch.float32):
    return torch.randn(*shape, device=gpu, dtype=dtype, requires_grad=True)

def backward(result):
    result.float().sum().backward()

def check(name, run):
    try:
        run()
    except Exception as error:
        print("FAILED", name, repr(error)[:200], flush=True)
    else:
        print("RAN", name, flush=True)
"""


def run_checks(python: str, folder: Path, checks: str, *options: str) -> Document:
    """The report on a program of checks, all of which ran, and which reached its end."""
    report = rehearse_lines(python, folder, HARNESS + checks + "torch.cuda.synchronize()\nprint('LAST LINE')", *options)
    printed = report["printed"].splitlines()
    assert not [line for line in printed if line.startswith("FAILED")]
    assert "LAST LINE" in printed
    assert len([line for line in printed if line.startswith("RAN ")]) == checks.count("\ncheck(")
    assert report["unanswered"] == []
    assert report["exact"]
    return report


# -- shapes that hang on values ----------------------------------------------------------------------------------------

CHOOSING = """
x, rows = torch.randn(64, 32, device=gpu), torch.arange(0, 64, 2, device=gpu)
check("index", lambda: x[rows])
check("index_put", lambda: x.clone().index_put_((rows,), torch.ones(32, device=gpu), accumulate=True))
check("index_select, backward", lambda: backward(leaf(64, 32).index_select(0, rows)))
check("gather, backward", lambda: backward(leaf(64, 32).gather(1, torch.zeros(64, 5, dtype=torch.long, device=gpu))))
check("scatter_add", lambda: torch.zeros(64, 32, device=gpu).scatter_add_(0, rows[:, None].expand(32, 32), x[:32]))
check("sort", lambda: x.sort(dim=1, descending=True, stable=True))
check("sort, large", lambda: torch.randn(1 << 21, device=gpu).sort())
check("argsort", lambda: x.flatten().argsort())
check("topk", lambda: x.topk(5, dim=1))
check("topk, large", lambda: torch.randn(4, 1 << 20, device=gpu).topk(500))
check("kthvalue, median, mode", lambda: (x.kthvalue(3), x.median(), x.mode()))
check("cumsum, cumprod, logcumsumexp", lambda: (x.cumsum(0), x.cumprod(1), x.logcumsumexp(1)))
check("searchsorted, bucketize", lambda: (torch.searchsorted(x[0], x[1]), torch.bucketize(x, x[0])))
check("histc", lambda: x.histc(20, min=-1, max=1))
check("take_along_dim, roll, flip", lambda: (x.take_along_dim(x.argmax(1, keepdim=True), 1), x.roll(3, 0), x.flip(1)))
check("where of three, masked_fill", lambda: (torch.where(x > 0, x, -x), x.masked_fill(x > 0, 1.0)))
check("one_hot with classes", lambda: F.one_hot(rows % 8, 8))
"""

# What PyTorch gives for zeros; each asks the device how many there are.
VALUES = """
x = torch.randn(64, 32, device=gpu)
def gives(run, shape):
    got = tuple(run().shape)
    assert got == shape, got
check("nonzero", lambda: gives(lambda: x.nonzero(), (0, 2)))
check("where of one", lambda: gives(lambda: torch.where(x > 0)[0], (0,)))
check("boolean mask", lambda: gives(lambda: x[x > 0], (0,)))
check("boolean mask of rows", lambda: gives(lambda: x[x[:, 0] > 0], (0, 32)))
check("masked_select", lambda: gives(lambda: x.masked_select(x > 0), (0,)))
check("mask, assigned", lambda: x.__setitem__(x > 0, 0.0))
check("unique", lambda: x.unique())
check("unique, counts", lambda: x.unique(return_counts=True, return_inverse=True))
check("unique of rows", lambda: x.unique(dim=0))
check("unique_consecutive", lambda: x.unique_consecutive())
check("bincount", lambda: torch.zeros(50, dtype=torch.long, device=gpu).bincount())
check("repeat_interleave of a known length", lambda: gives(
    lambda: x.repeat_interleave(torch.full((64,), 2, device=gpu), 0, output_size=128), (128, 32)))
check("one_hot", lambda: gives(lambda: F.one_hot(torch.randint(0, 9, (20,), device=gpu)), (20, 1)))
check("multinomial", lambda: gives(lambda: torch.multinomial(x.softmax(1), 3), (64, 3)))
check("multinomial with replacement", lambda: gives(lambda: torch.multinomial(x.softmax(1), 99, True), (64, 99)))
check("to_sparse, coalesce", lambda: x.to_sparse().coalesce())
check("item, bool, int, tolist", lambda: (x.sum().item(), bool((x > 0).any()), int(x.argmax()), x[0].tolist()))
check("numpy", lambda: x.cpu().numpy())
check("equal, allclose", lambda: (torch.equal(x, x + 1), torch.allclose(x, x + 1)))
check("printing", lambda: (repr(x), str(x[0]), repr(torch.zeros(3, device=gpu, dtype=torch.bool)), f"{x.mean():.3f}"))
check("isfinite, isnan", lambda: (bool(torch.isfinite(x).all()), bool(torch.isnan(x.sum()))))
check("an early end that hangs on values", lambda: [None for i in range(100) if x.mean().item() > 1e9])
"""


@every_torch
def test_operations_that_choose_among_values_run(python: str, tmp_path: Path) -> None:
    run_checks(python, tmp_path, CHOOSING)


@every_torch
def test_shapes_that_hang_on_values_are_those_of_zeros_and_their_reads_are_counted(python: str, tmp_path: Path) -> None:
    report = run_checks(python, tmp_path, VALUES)
    assert report["host_reads"] >= 100  # of the last check alone
    assert 100 <= report["unknown_reads"] <= report["host_reads"]


# -- mathematics -------------------------------------------------------------------------------------------------------

LINEAR = """
from torch import linalg
a, b = torch.randn(48, 32, device=gpu), torch.randn(4, 32, 32, device=gpu)
check("svd", lambda: (linalg.svd(a, full_matrices=False), linalg.svdvals(b), linalg.svd(b)))
for driver in ("gesvd", "gesvdj", "gesvda"): linalg.svd(a, full_matrices=False, driver=driver)
check("qr", lambda: (linalg.qr(a), linalg.qr(a, "complete"), linalg.qr(b), linalg.qr(a, "r")))
check("cholesky", lambda: (linalg.cholesky_ex(b[0]), linalg.cholesky_ex(b)))
check("cholesky_solve", lambda: torch.cholesky_solve(b, b))
check("inv", lambda: (linalg.inv_ex(b[0]), linalg.inv_ex(b)))
check("solve", lambda: (linalg.solve_ex(b, b), linalg.solve_triangular(b, b, upper=True)))
check("lu", lambda: (linalg.lu_factor_ex(b), linalg.lu_factor_ex(a)))
check("det, slogdet", lambda: (linalg.det(b), linalg.slogdet(b)))
check("eigh", lambda: (linalg.eigh(b[0]), linalg.eigvalsh(b)))
check("eigh, large", lambda: linalg.eigh(torch.randn(600, 600, device=gpu)))
check("lstsq", lambda: linalg.lstsq(a, torch.randn(48, 3, device=gpu)))
check("pinv, matrix_rank, cond", lambda: (linalg.pinv(a), linalg.matrix_rank(a), linalg.matrix_norm(a, 2)))
check("matrix_exp, matrix_power", lambda: (linalg.matrix_exp(b[0]), linalg.matrix_power(b, 3)))
check("svd, backward", lambda: linalg.svd(leaf(20, 10), full_matrices=False)[1].sum().backward())
check("double, complex", lambda: (linalg.svd(a.double()), linalg.qr(a.cfloat()), linalg.eigh(b.cdouble())))
check("norms", lambda: (linalg.norm(a), linalg.vector_norm(a, 3), a.norm(dim=1)))
check("einsum, bmm, baddbmm", lambda: (torch.einsum("bij,bjk->bik", b, b), torch.bmm(b, b), torch.baddbmm(b, b, b)))
check("addmm, mv, outer, dot", lambda: (torch.addmm(b[0], b[1], b[2]), b[0] @ b[0, 0], b[0, 0].outer(b[0, 1])))
check("integer products", lambda: torch._int_mm(*(torch.zeros(64, 64, dtype=torch.int8, device=gpu),) * 2))
"""

FFT = """
signal, image = torch.randn(8, 1000, device=gpu), torch.randn(4, 3, 64, 48, device=gpu)
check("fft, ifft", lambda: torch.fft.ifft(torch.fft.fft(signal)))
check("rfft, irfft", lambda: torch.fft.irfft(torch.fft.rfft(signal), 1000))
check("fft2, fftn", lambda: (torch.fft.fft2(image), torch.fft.fftn(image), torch.fft.rfft2(image)))
check("prime length", lambda: torch.fft.fft(torch.randn(4, 10007, device=gpu)))
check("rfft, backward", lambda: torch.fft.rfft(leaf(8, 256)).abs().sum().backward())
check("stft", lambda: torch.stft(signal, 64, window=torch.hann_window(64, device=gpu), return_complex=True))
check("double", lambda: torch.fft.fft(signal.double()))
"""

SPARSE = """
indices = torch.randint(0, 40, (2, 100))
coo = torch.sparse_coo_tensor(indices, torch.randn(100), (40, 40)).coalesce().cuda()
csr = torch.sparse_coo_tensor(indices, torch.randn(100), (40, 40)).coalesce().to_sparse_csr().cuda()
dense = torch.randn(40, 16, device=gpu)
check("coo @ dense", lambda: torch.sparse.mm(coo, dense))
check("coo @ dense, backward", lambda: backward(torch.sparse.mm(coo, leaf(40, 16))))
check("csr @ dense", lambda: csr @ dense)
check("csr @ vector", lambda: csr @ dense[:, 0])
check("addmm", lambda: torch.sparse.addmm(torch.zeros(40, 16, device=gpu), coo, dense))
check("csr @ csr", lambda: csr @ csr)
check("to_dense", lambda: (coo.to_dense(), csr.to_dense()))
check("sampled_addmm",
      lambda: torch.sparse.sampled_addmm(csr, torch.randn(40, 8, device=gpu), torch.randn(8, 40, device=gpu)))
check("sum, add", lambda: (torch.sparse.sum(coo, 0), coo + coo))
"""

RANDOM = """
from torch import distributions as D
free = {"validate_args": False}  # the checks of arguments read them
one = torch.ones(100, device=gpu)
check("normal", lambda: (D.Normal(one, one, **free).rsample((3,)), D.Normal(one, one, **free).log_prob(one)))
check("categorical", lambda: D.Categorical(logits=torch.randn(8, 10, device=gpu), **free).sample((4,)))
check("bernoulli, poisson", lambda: (D.Bernoulli(one / 2, **free).sample(), D.Poisson(one, **free).sample()))
check("gamma, beta, dirichlet", lambda: (D.Gamma(one, one, **free).sample(), D.Beta(one, one, **free).rsample(),
                                         D.Dirichlet(torch.ones(4, 5, device=gpu), **free).rsample()))
check("exponential, laplace, cauchy", lambda: [kind.sample() for kind in (
    D.Exponential(one, **free), D.Laplace(one, one, **free), D.Cauchy(one, one, **free))])
check("multivariate normal", lambda: D.LowRankMultivariateNormal(
    torch.zeros(5, device=gpu), torch.ones(5, 2, device=gpu), torch.ones(5, device=gpu), **free).rsample())
check("kl", lambda: D.kl_divergence(D.Normal(one, one, **free), D.Normal(one, one, **free)))
check("randperm, randint, rand", lambda: (torch.randperm(1000, device=gpu), torch.randint(9, (9,), device=gpu)))
check("dropout", lambda: backward(F.dropout(leaf(100, 100), 0.3)))
check("seeds", lambda: (torch.manual_seed(1), torch.cuda.manual_seed_all(1)))
def states():
    state = torch.cuda.get_rng_state()
    torch.randn(100, device=gpu)
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    generator = torch.Generator(gpu).manual_seed(3)
    torch.randn(10, device=gpu, generator=generator)
    with torch.random.fork_rng():
        torch.randn(10, device=gpu)
check("the generator's state", states)
"""


@every_torch
@pytest.mark.parametrize("checks", [pytest.param(LINEAR + FFT, id="algebra"), pytest.param(SPARSE + RANDOM,
          id="sparse")])
def test_mathematics_runs(python: str, checks: str, tmp_path: Path) -> None:
    report = run_checks(python, tmp_path, checks)
    assert report["num_ooms"] == 0
    assert report["peak_allocated_bytes"] < 1 << 30  # a size that nobody wrote would be a request beyond all bounds


# -- layers and losses -------------------------------------------------------------------------------------------------

LAYERS = """
labels = torch.randint(0, 10, (32,)).cuda()
labels[::4] = -100
image = torch.randn(4, 3, 32, 32)
check("cross entropy", lambda: backward(F.cross_entropy(leaf(32, 10), labels, ignore_index=-100, label_smoothing=0.1)))
check("nll, of images",
      lambda: backward(F.nll_loss(leaf(2, 5, 8, 8).log_softmax(1), torch.zeros(2, 8, 8, dtype=torch.long, device=gpu))))
check("binary cross entropy",
      lambda: backward(F.binary_cross_entropy_with_logits(leaf(32), torch.zeros(32, device=gpu))))
check("other losses", lambda: [backward(loss(leaf(32, 10), torch.zeros(32, 10, device=gpu))) for loss in (
    F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.kl_div, F.soft_margin_loss)])
check("triplet, cosine", lambda: (backward(F.triplet_margin_loss(leaf(8, 4), leaf(8, 4), leaf(8, 4))),
                                  backward(F.cosine_similarity(leaf(8, 4), leaf(8, 4)))))
check("cdist", lambda: [backward(torch.cdist(leaf(2, 30, 5), leaf(2, 20, 5), p=p)) for p in (1.0, 2.0, 3.0)])
check("pdist", lambda: backward(F.pdist(leaf(30, 5))))
check("interpolate", lambda: [backward(F.interpolate(leaf(2, 3, 8, 8), scale_factor=2, mode=mode)) for mode in (
    "nearest", "bilinear", "bicubic", "area", "nearest-exact")])
check("interpolate, antialias",
      lambda: backward(F.interpolate(leaf(2, 3, 16, 16), (7, 7), mode="bilinear", antialias=True)))
check("grid_sample",
      lambda: [backward(F.grid_sample(leaf(2, 3, 8, 8), leaf(2, 5, 5, 2), mode=mode, align_corners=False))
                              for mode in ("bilinear", "nearest", "bicubic")])
check("ctc, PyTorch's own",
      lambda: backward(F.ctc_loss(leaf(50, 4, 20).log_softmax(2), torch.randint(1, 20, (4, 10)).cuda(),
                                                        torch.full((4,), 50), torch.full((4,), 10))))
check("embedding_bag", lambda: [backward(F.embedding_bag(torch.randint(0, 50, (8, 6)).cuda(), leaf(50, 16), mode=mode))
                                for mode in ("sum", "mean", "max")])
check("embedding_bag, offsets", lambda: backward(nn.EmbeddingBag(50, 16).cuda()(torch.randint(0, 50, (20,)).cuda(),
                                                                               torch.tensor([0, 5, 9]).cuda())))
check("embedding, padding_idx",
      lambda: backward(nn.Embedding(50, 16, padding_idx=0).cuda()(torch.randint(0, 50, (8, 6)).cuda())))
check("embedding, max_norm", lambda: nn.Embedding(50, 16, max_norm=1.0).cuda()(torch.randint(0, 50, (8, 6)).cuda()))
check("pooling", lambda: [backward(pool(leaf(2, 3, 16, 16))) for pool in (
    nn.MaxPool2d(2), nn.AvgPool2d(3, 2), nn.AdaptiveAvgPool2d(4), nn.AdaptiveMaxPool2d(3), nn.LPPool2d(2, 2),
          nn.FractionalMaxPool2d(2, 8))])
check("unpooling",
      lambda: nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(torch.randn(1, 3, 8, 8, device=gpu))))
check("norms", lambda: [backward(norm.cuda()(leaf(4, 16, 8, 8))) for norm in (
    nn.BatchNorm2d(16), nn.GroupNorm(4, 16), nn.InstanceNorm2d(16, affine=True), nn.LayerNorm((16, 8, 8)),
          nn.LocalResponseNorm(3), nn.RMSNorm(8))])
check("activations", lambda: [backward(act.cuda()(leaf(100))) for act in (
    nn.ReLU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.PReLU(), nn.RReLU(), nn.GLU(), nn.Hardswish(),
          nn.ELU())])
check("padding, pixel shuffle, fold",
      lambda: (F.pad(image.cuda(), (1, 1, 1, 1), mode="reflect"), F.pixel_shuffle(torch.randn(1, 8, 4, 4,
          device=gpu), 2),
                                               F.fold(F.unfold(image.cuda(), 4, stride=4), (32, 32), 4, stride=4)))
check("bilinear", lambda: backward(nn.Bilinear(5, 6, 7).cuda()(leaf(3, 5), leaf(3, 6))))
check("transformer layers",
      lambda: backward(nn.Transformer(32, 4, 1, 1, 64, batch_first=True).cuda()(leaf(2, 5, 32), leaf(2, 6, 32))))
check("encoder in evaluation, padded",
      lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2).cuda().eval()(
          torch.randn(2, 5, 32, device=gpu), src_key_padding_mask=torch.ones(2, 5).triu().bool().cuda()))
check("multi-head attention with weights",
      lambda: backward(nn.MultiheadAttention(32, 4).cuda()(*(leaf(5, 2, 32),) * 3)[0]))
check("nested tensors",
      lambda: torch.nested.nested_tensor([torch.randn(3, 8), torch.randn(5, 8)], device=gpu).to_padded_tensor(0.0))
check("weight_norm, spectral_norm",
      lambda: [backward(norm(nn.Linear(8, 8)).cuda()(leaf(2, 8))) for norm in (
          nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm)])
"""

TRANSFORMS = """
from torch.func import functional_call, grad, hessian, jacrev, jvp, vjp, vmap
import copy, io, os
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)).cuda()
weights, batch = dict(model.named_parameters()), torch.randn(32, 8, device=gpu)
loss = lambda weights, x: functional_call(model, weights, (x[None],)).square().sum()
check("gradients of each example", lambda: vmap(grad(loss), in_dims=(None, 0))(weights, batch))
check("vmap with randomness", lambda: vmap(lambda x: F.dropout(x, 0.5), randomness="different")(batch))
check("jacrev, hessian", lambda: (jacrev(lambda x: model(x).sum())(batch), hessian(lambda x: x.pow(3).sum())(batch[0])))
check("jvp, vjp", lambda: (jvp(torch.sin, (batch,), (batch,)), vjp(torch.sin, batch)[1](batch)))
check("double backward", lambda: torch.autograd.grad(
    torch.autograd.grad(model(batch.requires_grad_()).sum(), batch, create_graph=True)[0].square().sum(),
          model.parameters(), allow_unused=True))
def looking_for_nan():
    with torch.autograd.detect_anomaly():
        backward(nn.Linear(8, 8).cuda()(leaf(2, 8)))
check("anomaly detection", looking_for_nan)
def offload():
    with torch.autograd.graph.save_on_cpu(pin_memory=True):
        result = model(leaf(32, 8))
    backward(result)
check("saved tensors on the host", offload)
check("half, bf16, double, int casts", lambda: [batch.detach().to(kind).float() for kind in (
    torch.half, torch.bfloat16, torch.double, torch.int8, torch.int64, torch.bool, torch.cfloat)])
check("fp8 casts",
      lambda: [batch.detach().to(kind).to(torch.float32) for kind in (torch.float8_e4m3fn, torch.float8_e5m2)])
check("non-blocking copies",
      lambda: torch.randn(1000, 10).pin_memory().to(gpu, non_blocking=True).to("cpu", non_blocking=True))
def roundtrip():
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "x": torch.arange(5.0).cuda()}, file)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded["x"].is_cuda and loaded["x"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0], loaded["x"]
    model.load_state_dict(loaded["model"])
    file.seek(0)
    assert not torch.load(file, map_location="cpu")["x"].is_cuda
check("save and load", roundtrip)
def copies():
    before = torch.cuda.memory_allocated()
    kept = copy.deepcopy(model)
    blocks = [(p.nbytes + 511) // 512 * 512 for p in model.parameters()]
    assert torch.cuda.memory_allocated() - before == sum(blocks)
check("deepcopy takes what the model takes", copies)
check("jit.script, jit.trace",
      lambda: (torch.jit.trace(model, batch.detach())(batch), torch.jit.script(nn.Linear(8, 8).cuda())(batch)))
check("hooks", lambda: (model.register_full_backward_hook(lambda *x: None), backward(model(batch))))
check("dlpack, numpy arrays, cuda array interface",
      lambda: (torch.from_dlpack(torch.utils.dlpack.to_dlpack(batch.detach())),
                                                           batch.detach().__cuda_array_interface__["data"]))
def timing():
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    first.record(); model(batch); last.record(); last.synchronize()
    assert first.elapsed_time(last) >= 0 and last.query()
check("events, synchronize, timing", timing)
check("nvtx", lambda: (torch.cuda.nvtx.range_push("a"), torch.cuda.nvtx.range_pop()))
check("what the device is",
      lambda: [ask() for ask in (torch.cuda.get_device_properties, torch.cuda.get_device_capability,
                                 torch.cuda.is_bf16_supported, torch.cuda.get_arch_list, torch.cuda.device_count)])
check("utilization and processes", lambda: torch.cuda.list_gpu_processes())
"""


@every_torch
@pytest.mark.parametrize("checks", [pytest.param(LAYERS, id="layers"), pytest.param(TRANSFORMS, id="transforms")])
def test_layers_and_what_is_done_with_models_run(python: str, checks: str, tmp_path: Path) -> None:
    report = run_checks(python, tmp_path, checks, "--memory", "24GiB")
    assert report["num_ooms"] == 0


# -- all operators ----------------------------------------------------------------------------------------------------

OPERATORS = """
import torch
from torch.testing._internal.common_methods_invocations import op_db

def run(operator, sample):
    results = operator(sample.input, *sample.args, **sample.kwargs)
    results = results if isinstance(results, (tuple, list)) else (results,)
    for one in results:
        if isinstance(one, torch.Tensor) and one.requires_grad and one.numel():
            one.abs().sum().backward(retain_graph=True)

for operator in op_db:
    print("OPERATOR", operator.name, flush=True)
    for dtype in (torch.float32, torch.half, torch.complex64, torch.int64):
        if dtype not in operator.supported_dtypes("cuda"):
            continue
        try:
            samples = operator.sample_inputs("cuda", dtype, requires_grad=dtype.is_floating_point)
            for sample in [sample for sample, _ in zip(samples, range(4))]:
                run(operator, sample)
        except Exception as error:  # values are zeros, and not all have a derivative: as on a GPU
            print("REFUSED", operator.name, " ".join(repr(error).split()))
torch.cuda.synchronize()
print("LAST LINE")
"""

# What a device says that cannot; PyTorch's own refusals are others.
OF_THE_DEVICE = ("CUDA error", "_STATUS_", "null device", "out of memory", "INTERNAL ASSERT", "not find an engine")


@newest_torch
@pytest.mark.parametrize("gpu", ["a100-40g", *(["t4", "h100"] if TEST_ALL else [])])
def test_every_operator_that_pytorch_tests_is_known(python: str, gpu: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, OPERATORS, "--gpu", gpu)
    printed = report["printed"].splitlines()
    assert "LAST LINE" in printed
    assert len({line for line in printed if line.startswith("OPERATOR ")}) > 500
    refused = [line for line in printed if line.startswith("REFUSED ")]
    assert not [line for line in refused if any(words in line for words in OF_THE_DEVICE)]
    assert len(refused) < 60
    assert (report["unanswered"], report["exact"], report["num_ooms"]) == ([], True, 0)
