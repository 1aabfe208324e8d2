"""What a rehearsed program reads of a device that computes nothing: --values, on real PyTorch.

A fill is right for the type of what is read, and never makes a size that no memory could hold.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import check_error, run
from torches import every_torch, newest_torch, rehearse_lines

READS = """
import torch
mask = torch.rand(100, device='cuda') > 0.5
x = torch.randn(8, 10, device='cuda')
loss = torch.nn.functional.cross_entropy(x, torch.zeros(8, dtype=torch.long, device='cuda'))
def kinds(make): return [make(torch.rand(3, device='cuda').to(kind)) for kind in (
    torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.uint8, torch.complex64)]
"""


@every_torch
def test_ones_are_ones_of_the_type_that_is_read(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, READS + """
assert loss.item() == 1.0
assert float(x.mean()) == 1.0 and x.tolist() == [[1.0] * 10] * 8
assert torch.isfinite(x).all().item() is True and bool(mask.any()) is True
assert x.argmax(1).tolist() == [1] * 8 and x.argmax().item() == 1
assert kinds(lambda t: complex(t[0].item()).real) == [1.0] * 8
assert kinds(lambda t: complex(t.cpu()[2].item()).real) == [1.0] * 8
assert x.cpu().t()[3].tolist() == [1.0] * 8 and x[2:4, 5].tolist() == [1.0, 1.0]
assert x.double().storage().cpu().tolist()[:2] == [1.0, 1.0]
""", "--values", "ones")
    assert report["values"] == "ones"
    assert 0 < report["unknown_reads"] <= report["host_reads"]


@every_torch
def test_at_random_reals_are_from_zero_to_one_and_the_same_in_every_run(python: str, tmp_path: Path) -> None:
    lines = READS + """
reals = [loss.item() for _ in range(50)]
assert len(set(reals)) > 40 and all(0 <= one < 1 for one in reals)
assert all(0 <= one < 1 for row in x.tolist() for one in row)
assert all(0 <= complex(one).real <= 7 for one in kinds(lambda t: t[0].item()))
print("READ", reals[:5], mask.tolist(), x.argmax(1).tolist())
"""
    printed = [[line for line in rehearse_lines(python, tmp_path, lines, "--values", "random")["printed"].splitlines()
                if line.startswith("READ")] for _ in range(2)]
    assert printed[0] == printed[1] != []


@every_torch
@pytest.mark.parametrize("values", ["zeros", "ones", "random"])
def test_no_fill_makes_a_size_that_no_memory_could_hold(python: str, values: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, READS + """
ints = torch.randint(0, 9, (100,), device='cuda')
small = [
    mask.nonzero(), torch.where(mask)[0], x[x > 0], torch.masked_select(x, x > 0), ints.unique(),
    ints.unique(return_inverse=True, return_counts=True)[0], ints.unique_consecutive(), x.unique(dim=0),
    torch.bincount(ints), torch.nn.functional.one_hot(ints), torch.multinomial(x.softmax(1), 3),
    x.to_sparse().coalesce().values(),
    torch.histc(x, 10), torch.combinations(ints[:5]), torch.randperm(1000, device='cuda'), torch.argwhere(x > 0),
]
try: small += [torch.repeat_interleave(ints), torch.repeat_interleave(x, ints[:8], dim=0)]
except RuntimeError as error: assert 'negative' in str(error)  # 2.6 asks whether all are not, and reads no
assert all(one.numel() < 10_000 for one in small), [one.shape for one in small]
assert x[:, 0][mask[:8]].shape == ints[:8][mask[:8]].shape
lengths = mask.view(10, 10).sum(1).tolist()
assert all(0 <= one <= 7 for one in lengths)
torch.empty(max(lengths), 5, device='cuda')
assert 'tensor' in repr(x) and 'tensor' in repr(mask)
print(x.int().max().item(), torch.cuda.max_memory_allocated())
""", "--values", values)
    assert report["num_ooms"] == 0
    assert report["peak_allocated_bytes"] < 64 << 20


@every_torch
@pytest.mark.parametrize("values", ["zeros", "ones", "random"])
def test_no_solver_of_the_device_fails_and_those_of_the_host_still_do(python: str, values: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
from torch import linalg
linalg.eigh(torch.randn(600, 600, device='cuda'))
for shape in ((3, 3), (4, 3, 3), (2, 70, 70)):
    for kind in (torch.float32, torch.complex128):
        a = torch.randn(*shape, device='cuda', dtype=kind)
        b, tall = a[..., :2].contiguous(), torch.cat([a, a], -2)
        linalg.cholesky(a), linalg.solve(a, b), linalg.inv(a), linalg.lu(a), linalg.lu_solve(*linalg.lu_factor(a), b)
        linalg.qr(a), linalg.qr(tall, "complete"), torch.cholesky_inverse(a), torch.cholesky_solve(b, a)
        linalg.svd(a), linalg.svdvals(tall), linalg.eigh(a), linalg.eigvalsh(a), linalg.eigvals(a)
        for driver in ("gesvd", "gesvdj", "gesvda"): linalg.svd(tall, full_matrices=False, driver=driver)
        linalg.lstsq(tall, torch.cat([b, b], -2)), linalg.ldl_solve(*linalg.ldl_factor(a), b)
        linalg.pinv(a), linalg.pinv(a, hermitian=True), linalg.matrix_rank(a), linalg.cond(a)
        linalg.matrix_power(a, -2)
        for find in (linalg.cholesky_ex, linalg.inv_ex, linalg.lu_factor_ex, linalg.ldl_factor_ex):
            assert not find(a).info.cpu().any(), find
        assert not linalg.solve_ex(a, b).info.cpu().any()
try: linalg.inv(torch.zeros(3, 3))
except linalg.LinAlgError: print("NO INVERSE")
assert torch.rand(3, device='cuda').ne(2).int()[0].item() == %r or %r == "random"
""" % (int(values == "ones"), values), "--values", values)
    assert "NO INVERSE" in report["printed"]
    assert report["unanswered"] == []


@newest_torch
def test_what_was_copied_or_cleared_reads_as_itself_whatever_the_fill(python: str, tmp_path: Path) -> None:
    rehearse_lines(python, tmp_path, """
import torch
x = torch.arange(10).cuda()
assert x.tolist() == list(range(10)) and x[3].item() == 3 and x.clone().tolist() == list(range(10))
zeros = torch.zeros(5, 5, device='cuda')
assert zeros.tolist() == [[0.0] * 5] * 5
assert torch.zeros(64 << 20, device='cuda')[-1].item() == 0.0
del x
again = torch.empty(10, dtype=torch.long, device='cuda')
assert again.tolist() == [1] * 10
""", "--values", "ones")


@newest_torch
@pytest.mark.parametrize("values", ["ones", "random"])
def test_a_loop_that_stops_early_and_one_that_waits_for_a_value_end(python: str, values: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
model = torch.nn.Linear(10, 1).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
best, patience = float('inf'), 0
for epoch in range(1000):
    loss = model(torch.rand(8, 10).cuda()).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    if loss.item() < best: best, patience = loss.item(), 0
    else: patience += 1
    if patience == 5: break
assert epoch < 200
rounds = 0
while torch.rand(1, device='cuda').item() < 0.9 and rounds < 1000: rounds += 1
assert rounds < 1000
torch.distributions.Categorical(logits=torch.randn(3, device='cuda')) if %r == 'ones' else None
""" % values, "--values", values)
    assert report["values"] == values


@newest_torch
def test_the_text_says_how_unknown_values_read(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch\ntorch.rand(3, device='cuda').tolist()")
    for values, words in (("zeros", "read as zero"), ("ones", "read as one"), ("random", "read at random")):
        text = run(["rehearse", "--python", python, "--values", values, program]).text
        assert f"values are unknown, and {words}" in " ".join(text.split())
    check_error(run(["rehearse", "--values", "twos", program]), 2, "twos")
