"""Ways to start a program, and whole programs as people have them: pytest, modules, notebooks, fastai's learners.

Notebooks run on a real Jupyter kernel, a process that another process starts.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support import MIB, ROOT, Document, check_error, run
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
    (tmp_path / "test_it.py").write_text(TESTED)
    report = rehearse(python, "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert "1 failed, 3 passed" in report["printed"]
    assert report["exit_code"] == 1
    assert (report["exact"], report["unanswered"]) == (True, [])
    assert report["peak_allocated_bytes"] == 40 * MIB
    assert report["num_ooms"] == 1


@every_torch
def test_a_package_that_imports_its_own_modules_is_rehearsed(python: str, tmp_path: Path) -> None:
    package = tmp_path / "training"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("import torch\nfrom torch import nn\n"
                                      "def build(width):\n    return nn.Linear(width, width, bias=False).cuda()\n")
    (package / "train.py").write_text("import argparse\nfrom .model import build\n"
                                      "parser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int)\n"
                                      "if __name__ == '__main__':\n    model = build(parser.parse_args().width)\n"
                                      "    print('LAST LINE')\n")
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
                                       "[torch.empty(20 << 20, dtype=torch.uint8, device=\"cuda\") for _ in range(9)]"
                                       "'\n")
    (tmp_path / "train.sh").chmod(0o755)
    report = rehearse(python, "./train.sh", cwd=tmp_path)
    check_whole(report)
    assert report["processes"] == 2
    assert report["peak_allocated_bytes"] == 180 * MIB  # of the busier


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


@newest_torch
def test_another_build_of_torch_than_the_one_known_is_left_alone_and_named(python: str, tmp_path: Path) -> None:
    torch = next(Path(python).parent.parent.glob("lib/python*/site-packages/torch"))
    other = tmp_path / "other" / "torch"
    (other / "lib").mkdir(parents=True)
    for file in [*torch.iterdir(), *(torch / "lib").iterdir()]:
        if file.name not in ("lib", "libc10_cuda.so"):
            (other / file.relative_to(torch)).symlink_to(file)
    (other / "lib" / "libc10_cuda.so").write_bytes((torch / "lib" / "libc10_cuda.so").read_bytes() + b"another")
    program = tmp_path / "program.py"
    program.write_text("import torch\nx = torch.ones(5, device='cuda') + 1\nprint('LAST LINE')")
    (tmp_path / "start.sh").write_text(f"#!/bin/sh\nPYTHONPATH={other.parent} exec {python} {program}\n")
    (tmp_path / "start.sh").chmod(0o755)
    report = rehearse(python, tmp_path / "start.sh")
    assert "LAST LINE" in report["printed"]
    (call,) = report["unanswered"]
    assert call == {"function": f"attachAllocatorTraceTracker of {other}/lib/libc10_cuda.so", "calls": 1}
    assert report["explanation"] is None


@newest_torch
def test_another_interpreter_with_another_torch_is_named(python: str, tmp_path: Path) -> None:
    # An environment whose torch is for a CUDA that nothing here stands in for.
    other = tmp_path / "other" / "bin" / "python3"
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "other"], check=True)
    torch = next((tmp_path / "other").glob("lib/python*/site-packages")) / "torch"
    (torch / "lib").mkdir(parents=True)
    (torch / "version.py").write_text("__version__ = '2.6.0+cu124'\ncuda = '12.4'\n")
    (torch / "lib" / "libtorch_cuda.so").write_text("")
    (torch / "__init__.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file')")
    (tmp_path / "start.sh").write_text(f"#!/bin/sh\n{other} -c 'import torch'\n"
                                       f"{python} -c 'import torch; torch.ones(5).cuda()'\n")
    (tmp_path / "start.sh").chmod(0o755)
    report = rehearse(python, tmp_path / "start.sh")
    assert report["peak_allocated_bytes"] == 512
    assert report["other_torches"] == [{"python": str(other), "torch": "2.6.0+cu124"}]
    for options in (["--width", "500"], ["-q"]):  # a long path is cut where a line has no room for it
        done = run(["rehearse", *options, "--python", python, tmp_path / "start.sh"])
        text = " ".join((done.message if "-q" in options else done.text).split())
        assert f"{other} ran too and has a torch of its own (2.6.0+cu124)." in text
        assert f"--python {other} rehearses it" in text


@newest_torch
def test_a_program_without_cuda_is_told_of_the_interpreter(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import torch\ntorch.ones(5)")
    text = " ".join(run(["rehearse", "--python", python, tmp_path / "program.py"]).text.split())
    assert "program.py asked for no GPU memory." in text
    assert f"CUDA is presented to the torch of {python} alone" in text
    assert "--python" in text


# -- fastai ------------------------------------------------------------------------------------------------------------

FASTAI = """
import gc, os
os.environ["FASTAI_HOME"] = os.getcwd()
import torch

def held():
    gc.collect()
    torch._C._cuda_clearCublasWorkspaces()
    return torch.cuda.memory_stats().get("requested_bytes.all.current", 0)

def show(name, learner, before):
    model = learner.model
    print(name, held() - before, sum(p.nbytes for p in model.parameters()), sum(b.nbytes for b in model.buffers()))
"""

VISION = FASTAI + """
from fastai.vision.all import *
from torchvision.models import resnet18

class Pictures:
    def __init__(self, count): self.count = count
    def __len__(self): return self.count
    def __getitem__(self, i): return torch.full((3, 64, 64), float(i)), i % 10

assert torch.backends.cudnn.enabled
loaders = DataLoaders.from_dsets(Pictures(64), Pictures(32), bs=16, device="cuda", num_workers=0)
for half in (False, True):
    before = held()
    learner = Learner(loaders, resnet18(num_classes=10), loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    if half: learner.to_fp16()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1)
        show("HALF" if half else "WHOLE", learner, before)
        learner.lr_find(num_it=5, show_plot=False)
        predictions, _ = learner.get_preds()
    assert predictions.shape == (32, 10)
    learner.save("model")
    learner.load("model")
    learner = None
    learn = None
print("LAST LINE")
"""

TABULAR = FASTAI + """
import numpy, pandas
from fastai.tabular.all import *
random, rows = numpy.random.default_rng(0), 1000
frame = pandas.DataFrame({"colour": random.choice(list("abcde"), rows), "shape": random.choice(list("xyz"), rows),
                          "size": random.normal(size=rows), "price": random.normal(size=rows)})
loaders = TabularDataLoaders.from_df(
    frame, procs=[Categorify, FillMissing, Normalize], cat_names=["colour", "shape"], cont_names=["size"],
    y_names="price", y_block=RegressionBlock(), bs=64, device="cuda", valid_idx=list(range(800, 1000)))
before = held()
learner = tabular_learner(loaders, layers=[200, 100], metrics=rmse, y_range=(-3, 3))
with learner.no_bar(), learner.no_logging():
    learner.fit_one_cycle(2)
    show("TABULAR", learner, before)
    predictions, _ = learner.get_preds()
assert predictions.shape == (200, 1)
print("LAST LINE")
"""

TEXT = FASTAI + """
from fastai.text.all import *
lines = [tensor(torch.randint(2, 60, (400,))) for _ in range(20)]
before = held()
loaders = DataLoaders(*[LMDataLoader(part, bs=4, seq_len=20, device="cuda") for part in (lines[:16], lines[16:])])
model = get_language_model(AWD_LSTM, 60, config={**awd_lstm_lm_config, "emb_sz": 64, "n_hid": 96})
learner = Learner(loaders, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy,
                  cbs=[ModelResetter(), RNNCallback(), RNNRegularizer(alpha=2, beta=1)])
with learner.no_bar(), learner.no_logging():
    learner.fit(1)
show("TEXT", learner, before)
print("LAST LINE")
"""


def learners(report: Document) -> dict[str, tuple[int, int, int]]:
    """By name what a learner holds after training, what its parameters take, and its buffers."""
    lines = [line.split() for line in report["printed"].splitlines()]
    assert ["LAST", "LINE"] in lines
    return {line[0]: (int(line[1]), int(line[2]), int(line[3]))
            for line in lines if line[:1] and line[0] in ("HALF", "WHOLE", "TABULAR", "TEXT")}


def check_learner(held: int, parameters: int, buffers: int) -> None:
    states = 2  # of fastai's Adam; gradients are set to zero, and stay
    smooth_loss = 256  # and other single numbers
    assert 0 <= held - (2 + states) * parameters - buffers < smooth_loss


@newest_torch
@pytest.mark.parametrize("program", [pytest.param(VISION, id="vision"), pytest.param(TABULAR, id="tabular")])
def test_a_learner_holds_its_model_its_gradients_and_its_states(python: str, program: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, program)
    check_whole(report)
    found = learners(report)
    assert sorted(found) == (["TABULAR"] if program == TABULAR else ["HALF", "WHOLE"])
    for held, parameters, buffers in found.values():
        check_learner(held, parameters, buffers)
        assert report["peak_allocated_bytes"] > 4 * parameters
    # resnet18 without its last layer's 1,000 classes; buffers are means, variances and counts of batches.
    if program == VISION:
        assert found["WHOLE"][1:] == ((11_689_512 - 513 * 990) * 4, 9_600 * 4 + 20 * 8)
        assert report["modelled_sizes"] > 0  # cuDNN is on


@newest_torch
def test_a_language_model_of_fastai_is_trained(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, TEXT)
    check_whole(report)
    ((held, parameters, _),) = learners(report).values()
    # Dropped weights lie beside the raw ones, hidden states beside both.
    assert 4 * parameters < held < 6 * parameters


# -- how long it takes -------------------------------------------------------------------------------------------------

LIMIT_SECONDS = 60  # twice what it takes at most on two processors that have nothing else to do

PROGRAMS = ROOT / "bench" / "rehearsed"


@newest_torch
@pytest.mark.parametrize("program, parameters", [("resnet18.py", 11_689_512), ("transformer.py", 353_772_544)])
def test_a_rehearsal_is_over_in_seconds(python: str, program: str, parameters: int) -> None:
    begin = time.monotonic()
    report = rehearse(python, "--memory", "40GiB", PROGRAMS / program)
    taken = time.monotonic() - begin
    check_whole(report)
    assert report["peak_requested_bytes"] > 4 * 4 * parameters  # weights, gradients, two states
    assert f"PARAMETERS {parameters}\n" in report["printed"]
    assert taken < LIMIT_SECONDS


# -- without torch -----------------------------------------------------------------------------------------------------

def bare_machine(folder: Path) -> dict[str, str]:
    """An environment in which a program finds no interpreter."""
    (folder / "empty").mkdir()
    return {"PATH": str(folder / "empty"), "HOME": str(folder), "VIRTUAL_ENV": str(folder / "no-environment")}


EXAMPLE = ROOT / "examples" / "fragmentation_oom.pickle"
COMMANDS = [["explain", EXAMPLE], ["replay", EXAMPLE], ["advise", EXAMPLE], ["diff", EXAMPLE, EXAMPLE],
            ["explain", "--format", "json", EXAMPLE], ["rehearse", "--list"],
            ["record", "--help"], ["--version"], ["--help"]]


@pytest.mark.parametrize("command", [pytest.param(one, id=" ".join(map(str, one[:1]))) for one in COMMANDS])
def test_every_other_command_works_where_there_is_no_python(command: list[Any], tmp_path: Path) -> None:
    done = run(command, **bare_machine(tmp_path))
    assert (done.code, done.message) == (0, "")
    assert done.out == run(command).out


def test_every_command_that_there_is_was_tried_without_python() -> None:
    shown = run(["--help"]).text
    names = re.findall(r"^  ([a-z]+)  +", shown[shown.lower().index("commands:"):], re.MULTILINE)
    assert {str(one[0]) for one in COMMANDS} - {"--version", "--help"} == set(names)


def test_a_rehearsal_without_torch_says_what_to_install_and_how_large_it_is(tmp_path: Path) -> None:
    done = run(["rehearse", "train.py"], **bare_machine(tmp_path))
    check_error(done, 4, "does not run", "--python")
    subprocess.run(["python3", "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    for options in ((), ("--python", python)):
        done = run(["rehearse", *options, "train.py"], VIRTUAL_ENV=str(tmp_path / "bare"))
        check_error(done, 4, "has no torch", "pip install --no-deps torch", "0.9 GB", "3.5 GB")


@newest_torch
def test_two_dashes_may_stand_before_the_program_and_are_the_programs_behind_it(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nprint(sys.argv[1:])")
    for words in (["--", "program.py", "--", "-q", "explain"], ["program.py", "--", "-q", "explain"]):
        assert rehearse(python, *words, cwd=tmp_path)["printed"].splitlines()[-1] == "['--', '-q', 'explain']"
