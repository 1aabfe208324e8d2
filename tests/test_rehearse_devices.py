"""What the presented GPU changes: kernels exist for it or not, as PyTorch was built.

A wheel brings machine code for some architectures and no PTX; NVIDIA's rule is that code of the same major version and
an earlier minor one runs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import run
from torches import every_torch, newest_torch, rehearse_lines

ADD = "import torch; print((torch.ones(4, device='cuda') + 1).shape)"


@every_torch
def test_a_gpu_that_this_pytorch_has_no_kernels_for_refuses_them(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
try:
    torch.ones(4, device="cuda")
    print("RAN")
except RuntimeError as error:
    print("REFUSED", str(error).splitlines()[0])
print("MAJORS", *sorted({int(name.removeprefix("sm_")) // 10 for name in torch.cuda.get_arch_list()}))
""", "--gpu", "gtx1080ti")
    (majors,) = [line.split()[1:] for line in report["printed"].splitlines() if line.startswith("MAJORS")]
    if "6" in majors:
        assert "RAN" in report["printed"]
    else:
        assert "REFUSED CUDA error: no kernel image is available for execution on the device" in report["printed"]


@newest_torch
def test_a_gpu_without_kernels_fits_nothing_however_large(python: str, tmp_path: Path) -> None:
    fits = {fit["gpu"]: fit for fit in rehearse_lines(python, tmp_path, ADD)["fits"]}
    assert fits["t4"]["has_kernels"] and fits["t4"]["fits"]
    for gpu in ("p40", "v100-32g"):
        assert fits[gpu] | {"has_kernels": False, "fits": False, "fits_expandable": False} == fits[gpu]
        assert fits[gpu]["headroom_bytes"] > 0


@newest_torch
def test_the_report_says_that_the_gpu_has_no_kernels(python: str, tmp_path: Path) -> None:
    program = tmp_path / "add.py"
    program.write_text(ADD)
    text = run(["rehearse", "--python", python, "--gpu", "p100", program]).text
    assert "has no kernels for" in " ".join(text.split())


@every_torch
def test_a_gpu_between_two_architectures_runs_the_kernels_of_the_lower_one(python: str, tmp_path: Path) -> None:
    # The sort of an indexed gradient asks which code it is, and knows none of 8.9 in builds that have 8.6 alone.
    report = rehearse_lines(python, tmp_path, """
import torch
weight = torch.randn(10_000, 64, device="cuda", requires_grad=True)
weight[torch.randint(0, 10_000, (512,), device="cuda")].sum().backward()
print("DONE", torch.cuda.get_device_capability())
""", "--gpu", "rtx4090")
    assert "DONE (8, 9)" in report["printed"]


COUNT = "import torch; print('SEES', torch.cuda.device_count(), torch.cuda.is_available())"


@newest_torch
@pytest.mark.parametrize(("named", "devices", "seen"), [("0", 2, 1), ("3", 1, 1), ("2,3", 4, 2), ("", 2, 0)])
def test_the_program_sees_the_devices_that_cuda_visible_devices_names(
        python: str, named: str, devices: int, seen: int, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, COUNT, "--devices", devices, CUDA_VISIBLE_DEVICES=named)
    assert f"SEES {seen} " in report["printed"]


@newest_torch
def test_cuda_visible_devices_counts_when_the_program_sets_it(python: str, tmp_path: Path) -> None:
    text = "import os; os.environ['CUDA_VISIBLE_DEVICES'] = '1'; " + COUNT
    assert "SEES 1 True" in rehearse_lines(python, tmp_path, text, "--devices", 2)["printed"]


@newest_torch
def test_segments_lie_where_addresses_says(python: str, tmp_path: Path) -> None:
    text = """
import torch
kept = [torch.empty(1 << 25, dtype=torch.uint8, device="cuda") for _ in range(4)]
print("PLACES", *(tensor.data_ptr() for tensor in kept))
"""
    for way, reverse in (("up", False), ("down", True)):
        printed = rehearse_lines(python, tmp_path, text, "--gpu", "rtx3090", "--addresses", way)["printed"]
        (line,) = [line for line in printed.splitlines() if line.startswith("PLACES")]
        places = [int(place) for place in line.split()[1:]]
        assert places == sorted(places, reverse=reverse)
