"""What the presented GPU changes: kernels exist for it or not, as PyTorch was built.

A wheel brings machine code for some architectures and no PTX; NVIDIA's rule is that code of the same major version and
an earlier minor one runs.
"""

from __future__ import annotations

from pathlib import Path

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
