"""cuDNN's own sizes in a rehearsal: asked of a stand-in for its library, which every build has, and of the real one.

UNFRAG_TEST_CUDNN names the folder with the real one; `./dev test --all` fetches it. Without it those tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support import PROGRAM, check_error, run
from test_rehearse_dnn import EVERYTHING, IMPORTS, ONE_CONVOLUTION, WAIT, allocations
from torches import every_torch, newest_torch, rehearse_lines

STAND_INS = Path(PROGRAM).resolve().parent.parent / "dnn"
REAL = os.environ.get("UNFRAG_TEST_CUDNN", "")
RELEASE = "9.28.1"  # of the real one: its figures are those of that release

pytestmark = pytest.mark.skipif(not STAND_INS.is_dir(), reason="the build has no unit tests, and so no stand-in")
real_cudnn = pytest.mark.skipif(not REAL, reason="UNFRAG_TEST_CUDNN names no folder with cuDNN; ./dev test --all "
                                                 "fetches it (0.5 GB)")


def one_convolution(python: str, folder: Path, cudnn: Any, benchmark: bool = False, gpu: str = "a100-40g") -> dict:
    program = IMPORTS + ONE_CONVOLUTION.format(benchmark=benchmark) + WAIT
    return rehearse_lines(python, folder, program, "--gpu", gpu, "--cudnn", cudnn)


# -- with a stand-in for the library -----------------------------------------------------------------------------------

@every_torch
def test_cudnn_that_can_be_asked_says_what_is_allocated(python: str, tmp_path: Path) -> None:
    report = one_convolution(python, tmp_path, STAND_INS / "92801")
    sizes = allocations(report, "alloc")
    assert [size for size in sizes if size in (5_000_000, 6_000_000, 7_000_000)] == [5_000_000, 6_000_000, 7_000_000]
    assert (report["asked_sizes"], report["modelled_sizes"], report["cudnn_version"]) == (3, 0, "9.28.1")
    assert report["peak_modelled_bytes"] == 0
    # The peak is in the last pass, and blocks come in steps of 512 bytes.
    assert report["peak_asked_bytes"] == 7_000_064 // 512 * 512


@newest_torch
def test_a_search_takes_the_largest_plan_that_cudnn_can_make(python: str, tmp_path: Path) -> None:
    report = one_convolution(python, tmp_path, STAND_INS / "92801", benchmark=True)
    sizes = allocations(report, "alloc")
    for largest in (5_000_001, 6_000_001, 7_000_001):  # a third plan, with one byte more, it refuses
        assert largest in sizes
        assert largest + 1 not in sizes
    assert report["asked_sizes"] >= 6


@newest_torch
def test_cudnn_from_before_descriptions_is_not_asked_and_the_report_says_why(python: str, tmp_path: Path) -> None:
    report = one_convolution(python, tmp_path, STAND_INS / "90100")
    assert (report["asked_sizes"], report["modelled_sizes"], report["cudnn_version"]) == (0, 3, None)
    assert report["peak_modelled_bytes"] > 0
    text = run(["rehearse", "--python", python, "--cudnn", STAND_INS / "90100", tmp_path / "program.py"]).text
    assert "too old to be asked" in " ".join(text.split())


@newest_torch
@pytest.mark.parametrize(("library", "why"), [("a text", "file too short"), ("another", "cudnnBackendCreateDescriptor")])
def test_cudnn_that_cannot_be_loaded_is_not_asked_and_the_report_says_why(python: str, library: str, why: str,
                                                                          tmp_path: Path) -> None:
    (tmp_path / "cudnn").mkdir()
    file = tmp_path / "cudnn" / "libcudnn_graph.so.9"
    if library == "a text":
        file.write_text("a text")
    else:
        file.symlink_to(next(Path(python).parent.parent.glob("lib/python*/site-packages/torch/lib/libc10.so")))
    report = one_convolution(python, tmp_path, file.parent)
    assert (report["asked_sizes"], report["modelled_sizes"], report["cudnn_version"]) == (0, 3, None)
    assert why in report["cudnn_trouble"]
    text = run(["rehearse", "--width", "500", "--python", python, "--cudnn", file.parent, tmp_path / "program.py"]).text
    assert f"The cuDNN in {file.parent} is not asked: {report['cudnn_trouble']}" in " ".join(text.split())


@newest_torch
def test_cudnn_is_asked_where_the_temporary_folder_has_a_long_name(python: str, tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    program = IMPORTS + ONE_CONVOLUTION.format(benchmark=False) + WAIT
    report = rehearse_lines(python, tmp_path, program, "--cudnn", STAND_INS / "92801", TMPDIR=str(folder))
    assert (report["asked_sizes"], report["modelled_sizes"], report["cudnn_trouble"]) == (3, 0, None)


@newest_torch
def test_a_layer_that_cudnn_cannot_be_asked_about_is_no_trouble_of_it(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import torch\nmodel = torch.nn.LSTM(64, 64).cuda()\n"
                                         "model(torch.rand(9, 9, 64, device='cuda'))[0].sum().backward()")
    text = run(["rehearse", "--python", python, "--cudnn", STAND_INS / "92801", tmp_path / "program.py"]).text
    assert "are a rule of thumb's" in " ".join(text.split())
    assert "The cuDNN in" not in text


@newest_torch
def test_without_cudnn_the_report_says_how_to_get_it(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(IMPORTS + ONE_CONVOLUTION.format(benchmark=False) + WAIT)
    text = " ".join(run(["rehearse", "--python", python, tmp_path / "program.py"]).text.split())
    assert "pip install --no-deps nvidia-cudnn-cu13" in text


@newest_torch
def test_a_folder_without_cudnn_is_an_error_before_the_program_runs(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("open('ran', 'w')")
    done = run(["rehearse", "--python", python, "--cudnn", tmp_path, tmp_path / "program.py"], cwd=tmp_path)
    check_error(done, 4, "libcudnn_graph.so.9")
    assert not (tmp_path / "ran").exists()


# -- with the real one -------------------------------------------------------------------------------------------------

@real_cudnn
@newest_torch
@pytest.mark.parametrize(("gpu", "sizes"), [("a100-40g", (25_837_584, 51_527_696, 52_855_319)),
                                            ("h100", (25_837_584, 51_527_827, 51_822_803)),
                                            ("t4", (18_944, 409_856, 5_843))])
def test_the_real_cudnn_says_what_it_says_of_a_described_gpu(python: str, tmp_path: Path, gpu: str,
                                                              sizes: tuple[int, ...]) -> None:
    report = one_convolution(python, tmp_path, REAL, gpu=gpu)
    assert report["asked_sizes"] == 3
    if report["cudnn_version"] == RELEASE:
        assert [size for size in allocations(report, "alloc") if size in sizes] == list(sizes)


FASTAI = """
import warnings
warnings.filterwarnings("ignore")
import torch
from fastai.vision.all import *
from torchvision.models import resnet18
torch.backends.cudnn.benchmark = {benchmark}
images = [(torch.randn(3, 64, 64), torch.tensor(i % 10)) for i in range(64)]
loaders = DataLoaders(DataLoader(images, bs=16), DataLoader(images[:16], bs=16)).cuda()
learner = Learner(loaders, resnet18(num_classes=10), loss_func=nn.CrossEntropyLoss(), opt_func=Adam){half}
with learner.no_bar(), learner.no_logging():
    learner.fit(1)
"""


@real_cudnn
@newest_torch
@pytest.mark.parametrize(("gpu", "allocated", "reserved"), [("a100-40g", 231_178_240, 257_949_696),
                                                            ("h100", 244_769_280, 270_532_608)])
def test_a_learner_needs_what_the_real_cudnn_makes_it_need(python: str, tmp_path: Path, gpu: str, allocated: int,
                                                           reserved: int) -> None:
    report = rehearse_lines(python, tmp_path, FASTAI.format(benchmark=False, half=""), "--gpu", gpu, "--cudnn", REAL)
    assert report["asked_sizes"] > 0
    # On an H100 cuBLAS's 32 MiB make the peak, and these are PyTorch's own.
    assert (report["peak_asked_bytes"] > 0) == (gpu == "a100-40g")
    if report["cudnn_version"] == RELEASE:
        assert (report["peak_allocated_bytes"], report["peak_reserved_bytes"]) == (allocated, reserved)


@real_cudnn
@newest_torch
def test_a_search_among_all_plans_asks_the_real_cudnn_for_each(python: str, tmp_path: Path) -> None:
    program = FASTAI.format(benchmark=True, half=".to_fp16()")  # some of these plans load a kernel when they are made
    report = rehearse_lines(python, tmp_path, program, "--gpu", "a100-40g", "--cudnn", REAL)
    assert report["asked_sizes"] > 1000


@real_cudnn
@every_torch
@pytest.mark.parametrize("gpu", ["a100-40g", "h100"])
def test_all_that_pytorch_asks_of_cudnn_runs_with_the_real_one(python: str, tmp_path: Path, gpu: str) -> None:
    report = rehearse_lines(python, tmp_path, EVERYTHING, "--gpu", gpu, "--memory", "40GiB", "--cudnn", REAL)
    assert report["asked_sizes"] > 0
    assert not [call["function"] for call in report["unanswered"] if call["function"].startswith("cudnn")]


ATTENTION = """
from torch.nn.attention import SDPBackend, sdpa_kernel
query, key, value = (torch.randn(2, 8, 256, 64, device="cuda", dtype=torch.half, requires_grad=True) for _ in range(3))
with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
    F.scaled_dot_product_attention(query, key, value, is_causal=True).sum().backward()
"""


@real_cudnn
@newest_torch
@pytest.mark.parametrize("gpu", ["a100-40g", "h100"])
def test_the_real_cudnn_is_asked_about_attention_too(python: str, tmp_path: Path, gpu: str) -> None:
    report = rehearse_lines(python, tmp_path, IMPORTS + ATTENTION + WAIT, "--gpu", gpu, "--cudnn", REAL)
    assert (report["asked_sizes"] > 0, report["modelled_sizes"]) == (True, 0)
