"""Ways to start a program, and whole programs as people have them: pytest, modules, notebooks, fastai's learners.

Notebooks run on a real Jupyter kernel, a process that another process starts.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support import MIB, PROGRAM, Document, check_error, environment, run
from torches import every_torch, newest_torch, rehearse, rehearse_lines

EXACT = {"exit_code": 0, "signal": None, "exact": True, "unanswered": []}


def check_whole(report: Document) -> None:
    assert {name: report[name] for name in EXACT} == EXACT, report["printed"]


# -- pytest and modules ------------------------------------------------------------------------------------------------

TESTED = """
import pytest, torch

@pytest.fixture
def device():
    yield torch.device("cuda")
    torch.cuda.empty_cache()

@pytest.mark.parametrize("mib", [10, 40])
def test_takes(device, mib):
    assert torch.empty(mib << 20, dtype=torch.uint8, device=device).is_cuda

def test_refuses(device):
    with pytest.raises(torch.cuda.OutOfMemoryError, match="CUDA out of memory"):
        torch.empty(1 << 50, dtype=torch.uint8, device=device)

def test_fails():
    assert False, "on purpose"
"""


@newest_torch
def test_a_suite_of_tests_is_rehearsed(python: str, tmp_path: Path) -> None:
    pytest_of_torch(python)
    (tmp_path / "test_it.py").write_text(TESTED)
    report = rehearse(python, "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert "1 failed, 3 passed" in report["printed"]
    assert report["exit_code"] == 1
    assert (report["exact"], report["unanswered"]) == (True, [])
    assert report["peak_allocated_bytes"] == 40 * MIB
    assert report["num_ooms"] == 1


def pytest_of_torch(python: str) -> None:
    if subprocess.run([python, "-c", "import pytest"], capture_output=True).returncode != 0:
        pytest.skip("the environment with torch has no pytest")


@every_torch
def test_a_package_that_imports_its_own_modules_is_rehearsed(python: str, tmp_path: Path) -> None:
    package = tmp_path / "training"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("import torch\nfrom torch import nn\n"
                                      "def build(width):\n    return nn.Linear(width, width, bias=False).cuda()\n")
    (package / "train.py").write_text("import argparse\nfrom .model import build\n"
                                      "parser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int)\n"
                                      "if __name__ == '__main__':\n    model = build(parser.parse_args().width)\n    print('LAST LINE')\n")
    report = rehearse(python, "-m", "training.train", "--width", "1024", cwd=tmp_path)
    check_whole(report)
    assert "LAST LINE" in report["printed"]
    assert report["peak_allocated_bytes"] == 1024 * 1024 * 4
    (holder,) = report["explanation"]["devices"][0]["holders"]
    assert holder["file"] == str(package / "model.py")
    assert holder["line"] == 4


@newest_torch
def test_children_of_children_are_on_the_null_device_too(python: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\nx = torch.empty(30 << 20, dtype=torch.uint8, device='cuda')\n")
    (tmp_path / "train.sh").write_text(f"#!/bin/sh\nset -e\n{python} train.py\nexec {python} -c 'import torch; "
                                       "[torch.empty(20 << 20, dtype=torch.uint8, device=\"cuda\") for _ in range(9)]'\n")
    (tmp_path / "train.sh").chmod(0o755)
    report = rehearse(python, "./train.sh", cwd=tmp_path)
    check_whole(report)
    assert report["processes"] == 2
    assert report["peak_allocated_bytes"] == 20 * MIB * 2  # of the busier; an assignment holds one while the next comes


# -- notebooks ---------------------------------------------------------------------------------------------------------

CELLS = [
    "import os, sys, torch\nprint('KERNEL', os.environ['UNFRAG_REHEARSAL'])",
    "x = torch.empty(300 << 20, dtype=torch.uint8, device='cuda')",
    "del x\ny = torch.empty(30 << 20, dtype=torch.uint8, device='cuda')",
    "try: torch.empty(1 << 50, device='cuda')\nexcept torch.cuda.OutOfMemoryError as error: print(error)",
    "print('HIGHEST', torch.cuda.max_memory_allocated())",
]


def notebook(path: Path, cells: list[str], kernel: str = "python3") -> None:
    cells_json = [{"cell_type": "code", "execution_count": None, "id": f"cell{i}", "metadata": {}, "outputs": [],
                   "source": cell} for i, cell in enumerate(cells)]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells_json,
                                "metadata": {"kernelspec": {"name": kernel, "display_name": kernel}}}))


def outputs_of(path: Path) -> str:
    texts = [output["text"] for cell in json.loads(path.read_text())["cells"] for output in cell["outputs"]]
    return "".join(part for text in texts for part in text)


def kernel_named(folder: Path, name: str, python: str) -> dict[str, str]:
    """The environment in which Jupyter knows a kernel that is that interpreter's."""
    spec = folder / "jupyter" / "kernels" / name
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": name,
        "language": "python"}))
    return {"JUPYTER_PATH": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}


@newest_torch
def test_a_notebook_runs_on_a_kernel_that_is_a_child_of_a_child(python: str, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", CELLS)
    report = rehearse(python, "jupyter", "execute", "--inplace", "a.ipynb", cwd=tmp_path, IPYTHONDIR=str(tmp_path))
    check_whole(report)
    printed = outputs_of(tmp_path / "a.ipynb")
    assert "KERNEL 1\n" in printed
    assert "CUDA out of memory" in printed
    assert f"HIGHEST {300 * MIB}\n" in printed
    assert report["peak_allocated_bytes"] == 300 * MIB
    assert report["num_ooms"] == 1
    assert report["processes"] == 1


@newest_torch
def test_of_several_kernels_the_busiest_is_reported(python: str, tmp_path: Path) -> None:
    notebook(tmp_path / "small.ipynb", CELLS[:1] + ["x = torch.empty(90 << 20, dtype=torch.uint8, device='cuda')"])
    notebook(tmp_path / "large.ipynb", CELLS)
    report = rehearse(python, "jupyter", "execute", "--inplace", "small.ipynb", "large.ipynb", cwd=tmp_path,
                      IPYTHONDIR=str(tmp_path))
    check_whole(report)
    assert report["processes"] == 2
    assert report["peak_allocated_bytes"] == 300 * MIB


@newest_torch
def test_jupyter_of_an_environment_without_torch_runs_the_kernel_that_has_it(python: str, tmp_path: Path) -> None:
    # The environment in which Jupyter lies: the modules of the one with torch, all but torch.
    (tmp_path / "lab" / "bin").mkdir(parents=True)
    starter = tmp_path / "lab" / "bin" / "jupyter-here"
    starter.write_text(f"#!{python}\nimport sys\nsys.modules['torch'] = None\nfrom nbclient.cli import main\nmain()\n")
    starter.chmod(0o755)
    changes = kernel_named(tmp_path, "with-torch", python)
    notebook(tmp_path / "a.ipynb", CELLS, kernel="with-torch")
    path = f"{starter.parent}:/usr/bin:/bin"
    report = rehearse(python, "jupyter-here", "--inplace", "a.ipynb", cwd=tmp_path, PATH=path, **changes)
    check_whole(report)
    assert report["peak_allocated_bytes"] == 300 * MIB


# -- fastai ------------------------------------------------------------------------------------------------------------

FASTAI = """
import os, warnings
os.environ["FASTAI_HOME"] = os.getcwd()
import numpy, pandas, torch
from torch import nn
torch.manual_seed(0)

class Shown(Exception): pass

def bytes_of(model):
    return sum((parameter.nbytes + 511) // 512 * 512 for parameter in model.parameters() if parameter.requires_grad)

def held():
    torch._C._cuda_clearCublasWorkspaces()
    return torch.cuda.memory_stats()["requested_bytes.all.current"]
"""
