"""`unfrag rehearse`: unmodified programs on real PyTorch over the null device.

Figures are held against what PyTorch itself says in the same process, and against recordings of the same programs.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import CORPUS, MIB, PROGRAM, ROOT, Document, check_error, environment, explain_json, run
from torches import RELEASES, every_torch, newest_torch, rehearse, rehearse_lines, release_of

WORKLOADS = CORPUS / "pytorch" / "workload.py"
FIGURES = {"peak_allocated": "peak_allocated_bytes", "peak_requested": "peak_requested_bytes",
           "peak_reserved": "peak_reserved_bytes", "num_ooms": "num_ooms", "num_alloc_retries": "num_alloc_retries"}
PRINT_STATISTICS = """
import json
import os
import pty
import re
s = torch.cuda.memory_stats()
print("STATISTICS", json.dumps({k: s[v] for k, v in {
    "peak_allocated_bytes": "allocated_bytes.all.peak", "peak_reserved_bytes": "reserved_bytes.all.peak",
    "peak_requested_bytes": "requested_bytes.all.peak", "num_ooms": "num_ooms",
    "num_alloc_retries": "num_alloc_retries"}.items()}))
"""


def statistics_printed(report: Document) -> Document:
    (line,) = [line for line in report["printed"].splitlines() if line.startswith("STATISTICS ")]
    return json.loads(line.removeprefix("STATISTICS "))


# -- recordings of the same programs -----------------------------------------------------------------------------------

def truths() -> list[Any]:
    path = CORPUS / "pytorch" / "truth.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    mine = [line for line in lines if line["torch"].split("+")[0] in RELEASES]
    reason = "no recordings, or no interpreter with the PyTorch that made them"
    return [pytest.param(line, id=line["file"]) for line in mine] or [
        pytest.param(None, marks=pytest.mark.skip(reason=reason))]


@pytest.mark.parametrize("truth", truths())
def test_a_program_rehearsed_needs_what_its_recording_needed(truth: Document, tmp_path: Path) -> None:
    changes = {"PYTORCH_CUDA_ALLOC_CONF": truth["conf"]} if truth["conf"] else {}
    if truth["fraction"]:
        changes["FRACTION"] = truth["fraction"]
    python = RELEASES[truth["torch"].split("+")[0]]
    snapshot = tmp_path / "rehearsed.pickle"
    report = rehearse(python, "--memory", truth["total_memory"], "--context", "500MiB", "--snapshot", snapshot,
                      WORKLOADS, truth["workload"], tmp_path / "out", **changes)
    assert report["exact"]
    got = {name: report[mine] for name, mine in FIGURES.items()}
    want = {name: truth[name] for name in FIGURES}
    if truth["workload"] == "varlen":  # two threads race, and with them the order of frees
        assert got["peak_reserved"] == pytest.approx(want.pop("peak_reserved"), rel=0.015)
        del got["peak_reserved"]
    if (truth["workload"], truth["config"], truth["torch"]) == ("pools", "default", "2.9.1+cu128"):
        # The recording's fourth small segment filled a gap that its host's other mappings had left.
        assert want["peak_reserved"] - got["peak_reserved"] in (0, 2 * MIB)
        del got["peak_reserved"], want["peak_reserved"]
    assert got == want
    replayed = json.loads(run(["replay", "--format", "json", "--memory", truth["total_memory"], "--context", "500MiB",
                               *(["--fraction", truth["fraction"]] if truth["fraction"] else []), snapshot]).text)
    assert replayed["exact"]
    assert replayed["peak_reserved_bytes"] == report["peak_reserved_bytes"]


# -- the figures are PyTorch's, whatever the program does --------------------------------------------------------------

TRAINING = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(512, 2048), torch.nn.GELU(), torch.nn.Linear(2048, 10)).cuda()
optimizer = torch.optim.AdamW(model.parameters())
def step(batch=64):
    x = torch.randn(batch, 512).cuda()
    model(x).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
for _ in range(3): step()
"""


@every_torch
def test_the_figures_are_those_of_memory_stats(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, TRAINING + PRINT_STATISTICS)
    assert report["exact"]
    printed = statistics_printed(report)
    assert {name: report[name] for name in printed} == printed
    assert report["peak_allocated_bytes"] > 4 * 4 * 512 * 2048
    assert report["kernel_launches"] > 30
    assert report["torch"].split("+")[0] == release_of(python)


@newest_torch
def test_the_report_keeps_its_format(python: str, tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "format" / "rehearse.schema.json").read_text())
    report = rehearse_lines(python, tmp_path, TRAINING)
    del report["printed"]
    jsonschema.validate(report, schema)
    assert sorted(report) == sorted(schema["required"])
    empty = rehearse_lines(python, tmp_path, "print(1)")
    del empty["printed"]
    jsonschema.validate(empty, schema)
    assert empty["explanation"] is None


@newest_torch
@pytest.mark.parametrize("ending", [
    "import os; os._exit(7)",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "raise SystemExit(3)",
    "raise RuntimeError('on purpose')",
])
def test_the_figures_do_not_depend_on_how_the_program_ends(python: str, ending: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TRAINING + PRINT_STATISTICS + "import sys; sys.stdout.flush()\n" + ending)
    report = rehearse(python, program)
    assert report["exit_code"] == {"import os; os._exit(7)": 7, "raise SystemExit(3)": 3}.get(
        ending, 137 if "SIGKILL" in ending else 1)
    assert report["signal"] == (9 if "SIGKILL" in ending else None)
    printed = statistics_printed(report)
    assert {name: report[name] for name in printed} == printed


@newest_torch
def test_a_program_that_ends_right_after_a_backward_pass_ends_well_and_at_once(python: str, tmp_path: Path) -> None:
    # Python's shutdown then meets autograd's own thread in a destructor that wants the GIL.
    for _ in range(4):
        started = time.monotonic()
        report = rehearse_lines(python, tmp_path, """
import time, torch
torch.ones(3, device="cuda", requires_grad=True).sum().backward()
print("ENDS", time.monotonic())
""")
        assert report["signal"] is None
        assert time.monotonic() - started < 10
    (line,) = [line for line in report["printed"].splitlines() if line.startswith("ENDS")]
    assert time.monotonic() - float(line.split()[1]) < 5


@newest_torch
def test_the_figures_do_not_depend_on_what_the_program_records_or_resets(python: str, tmp_path: Path) -> None:
    meddling = TRAINING + """
step(512)
print("PEAK", torch.cuda.max_memory_allocated())
torch.cuda.memory._record_memory_history()
step()
torch.cuda.memory._dump_snapshot("mine.pickle")
torch.cuda.memory._record_memory_history(enabled=None)
torch.cuda.reset_peak_memory_stats()
torch.cuda.empty_cache()
step()
"""
    report = rehearse_lines(python, tmp_path, meddling)
    (peak,) = [int(line.split()[1]) for line in report["printed"].splitlines() if line.startswith("PEAK ")]
    assert report["exact"]
    assert report["peak_allocated_bytes"] == peak
    mine = explain_json(tmp_path / "mine.pickle")
    assert 0 < mine["source"]["events"] < report["explanation"]["source"]["events"]


@newest_torch
def test_settings_that_the_program_makes_itself_count(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, "import os\nos.environ['PYTORCH_CUDA_ALLOC_CONF'] = "
                            "'expandable_segments:True'\n" + TRAINING + PRINT_STATISTICS)
    assert report["exact"]
    assert report["explanation"]["source"]["settings"]["PYTORCH_CUDA_ALLOC_CONF"] == "expandable_segments:True"
    assert report["peak_reserved_bytes"] == statistics_printed(report)["peak_reserved_bytes"]


# -- out of memory is a result -----------------------------------------------------------------------------------------

@every_torch
def test_running_out_of_memory_is_a_result(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch\nkept = [torch.empty(64 << 20, dtype=torch.uint8, device='cuda') for _ in range(99)]")
    report = rehearse(python, "--memory", "2GiB", "--context", "500MiB", program)
    assert report["exit_code"] == 1
    assert "CUDA out of memory. Tried to allocate 64.00 MiB" in report["printed"]
    assert report["num_ooms"] == 1
    assert report["peak_allocated_bytes"] == 24 * 64 * MIB  # of 2048 - 500 MiB
    assert report["explanation"]["devices"][0]["verdict"]["kind"] == "capacity"
    assert {one["fits"] for one in report["fits"]} == {None}  # nobody knows what it would have asked for next
    text = run(["rehearse", "--python", python, "--memory", "2GiB", "--context", "500MiB", program]).text
    assert "runs out of memory on unfrag reference GPU with 2.00 GiB: 1 request failed" in " ".join(text.split())


@newest_torch
def test_the_exit_code_is_the_programs_where_it_is_asked_for(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(3)")
    assert run(["rehearse", "--python", python, program]).code == 0
    assert run(["rehearse", "--python", python, "--pass-exit-code", program]).code == 3


# -- which GPUs --------------------------------------------------------------------------------------------------------

@newest_torch
def test_the_device_is_the_one_that_was_named(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, "import torch\np = torch.cuda.get_device_properties(0)\n"
                            "print(p.name, p.total_memory, p.major, p.minor, p.multi_processor_count)\n"
                            "print(torch.cuda.mem_get_info())", "--gpu", "rtx4090")
    assert "NVIDIA GeForce RTX 4090" in report["printed"]
    assert f"NVIDIA GeForce RTX 4090 {report['device']['total_bytes']} 8 9 128" in report["printed"]
    free = report["device"]["total_bytes"] - report["device"]["context_bytes"]
    assert f"({free}, {report['device']['total_bytes']})" in report["printed"]


@newest_torch
def test_a_fit_is_what_a_rehearsal_on_that_gpu_finds(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""
import torch
big = [torch.empty(512 << 20, dtype=torch.uint8, device='cuda') for _ in range(8)]
del big
small = [torch.empty(96 << 20, dtype=torch.uint8, device='cuda') for _ in range(40)]
for i in range(0, 40, 2): small[i] = None
last = torch.empty(1900 << 20, dtype=torch.uint8, device='cuda')
""")
    report = rehearse(python, "--memory", "80GiB", program)
    fits = {one["gpu"]: one for one in report["fits"]}
    assert len(fits) > 60
    undecided = [one for one in fits.values() if one["fits"] != one["fits_expandable"]]
    chosen = [*undecided[:1], *[fits[key] for key in ("rtx3050", "rtx4090")]]
    for one in chosen:
        again = rehearse(python, "--gpu", one["gpu"], program)
        assert (again["num_ooms"] == 0) == one["fits"], one
        again = rehearse(python, "--gpu", one["gpu"], program, PYTORCH_CUDA_ALLOC_CONF="expandable_segments:True")
        assert (again["num_ooms"] == 0) == one["fits_expandable"], one


@newest_torch
def test_the_largest_value_that_fits_is_found(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys, torch\nkept = [torch.empty(10 << 20, dtype=torch.uint8, device='cuda') "
                       "for _ in range(int(sys.argv[1].split('=')[1]))]")
    device = ("--memory", "2GiB", "--context", "500MiB")
    report = rehearse(python, *device, "--fit", "n=140..170", program, "--n={n}")
    assert report["fit"]["largest"] == 154  # of 1,548 MiB in 10 MiB each
    assert report["peak_allocated_bytes"] == 1540 * MIB
    assert report["program"].endswith("--n=154")
    assert len(report["fit"]["tried"]) <= 2 + 5
    text = run(["rehearse", "--python", python, *device, "--fit", "n=154..155", program, "--n={n}"]).text
    assert text.startswith("n = 154 is the largest that fits.")
    check_error(run(["rehearse", "--python", python, "--fit", "n=4..400", program]), 2, "{n}")
    check_error(run(["rehearse", "--python", python, "--fit", "n=9..4", program, "{n}"]), 2, "n=9..4")
    done = run(["rehearse", "-q", "--python", python, "--fit", "n=4..9", program, "{n}"])
    assert (done.code, done.out) == (2, b"")
    assert "n = 4 the program ends with exit code 1, and not for want of memory" in done.message


# -- values ------------------------------------------------------------------------------------------------------------

@every_torch
def test_what_was_copied_to_the_device_reads_back_and_the_rest_is_zero(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
x = torch.arange(10).cuda()
assert x.cpu().tolist() == list(range(10))
assert x[3].item() == 3
y = torch.full((1000,), 7.0).cuda()
z = (y * 2).cpu()
assert z.tolist() == [0.0] * 1000
del y
again = torch.empty(1000, device='cuda')   # the same block: what it held before must not show
assert again.cpu().tolist() == [0.0] * 1000
assert x.cpu().tolist() == list(range(10))
assert torch.cuda.FloatTensor(3).fill_(1).nonzero().shape[0] == 0
""")
    assert report["host_reads"] >= 6
    assert 1 <= report["unknown_reads"] < report["host_reads"]


@newest_torch
def test_a_device_of_80_gib_costs_the_host_little(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import resource, torch
kept = [torch.zeros(1 << 30, dtype=torch.uint8, device='cuda') for _ in range(60)]
big = torch.ones(1 << 28)
for one in kept[:8]: one.view(torch.float32).copy_(big)
print("RESIDENT", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
""", "--memory", "80GiB")
    (resident,) = [int(line.split()[1]) for line in report["printed"].splitlines() if line.startswith("RESIDENT")]
    assert resident < 3000  # MiB: 1 GiB of it is the tensor on the host
    assert report["dropped_bytes"] == 8 << 30


# -- kinds of programs -------------------------------------------------------------------------------------------------

@newest_torch
def test_a_module_and_a_command_beside_the_interpreter_are_run(python: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text("import sys, torch\ntorch.ones(5).cuda()\nprint('ARGS', sys.argv[1:])")
    report = rehearse(python, "-m", "package", "--gpu", "x", cwd=tmp_path)
    assert report["exit_code"] == 0, report["printed"]
    assert "ARGS ['--gpu', 'x']" in report["printed"]
    assert report["peak_allocated_bytes"] == 512
    assert "Python 3" in rehearse(python, "python", "--version")["printed"]


@newest_torch
def test_workers_of_a_data_loader_with_pinned_memory_work(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
from torch.utils.data import DataLoader, TensorDataset
if __name__ == "__main__":
    data = TensorDataset(torch.arange(640.).view(64, 10))
    for (batch,) in DataLoader(data, batch_size=8, num_workers=2, pin_memory=True):
        assert batch.is_pinned()
        on_device = batch.to("cuda", non_blocking=True)
        assert torch.equal(on_device.cpu(), batch)
""")
    assert report["processes"] == 1


@newest_torch
def test_several_devices_in_one_process_have_memory_of_their_own(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
assert torch.cuda.device_count() == 4
kept = [torch.empty(1 << 30, dtype=torch.uint8, device=f"cuda:{i}") for i in range(4)]
assert [torch.cuda.memory_allocated(i) for i in range(4)] == [1 << 30] * 4
assert kept[0].to("cuda:3").device.index == 3
try: torch.empty(2 << 30, dtype=torch.uint8, device="cuda:2")
except torch.cuda.OutOfMemoryError as error: assert "GPU 2 has a total capacity of 3.00 GiB" in str(error), error
""", "--devices", "4", "--memory", "3GiB")
    assert [one["index"] for one in report["devices"]] == [0, 1, 2, 3]
    assert [one["peak_allocated_bytes"] >> 30 for one in report["devices"]] == [1, 1, 1, 2]
    assert [one["num_ooms"] for one in report["devices"]] == [0, 0, 1, 0]
    assert all(one["exact"] for one in report["devices"])


# -- ending early, and leaving nothing behind --------------------------------------------------------------------------

@every_torch
def test_steps_end_the_program_cleanly(python: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('OWN')")  # the user's own module of that name still works
    program = tmp_path / "program.py"
    program.write_text(TRAINING + "try:\n    for i in range(1000):\n        try: step()\n        except Exception: pass\n"
                       "finally: print('STEPS', i + 3)")
    report = rehearse(python, "--steps", "5", program, PYTHONPATH=str(tmp_path))
    assert report["exit_code"] == 0, report["printed"]
    assert "STEPS 4\n" in report["printed"]  # three before the loop, two in it
    assert "OWN" in report["printed"]


@newest_torch
def test_steps_end_a_fit_of_fastai_with_its_own_optimizer(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
from fastai.basics import *
from torch.utils.data import TensorDataset
items = torch.randn(640, 4)
data = DataLoaders.from_dsets(TensorDataset(items, items), bs=8, device="cuda")
class Count(Callback):
    def after_step(self): print("STEP", self.iter, flush=True)
Learner(data, nn.Linear(4, 4), loss_func=nn.MSELoss(), cbs=Count()).fit(3)
print("NOT REACHED")
""", "--steps", "3")
    assert report["printed"].count("STEP") == 2 and "NOT REACHED" not in report["printed"]


@newest_torch
def test_steps_end_a_program_that_catches_everything(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
model = torch.nn.Linear(4, 4).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
while True:
    try: optimizer.step()
    except: print("CAUGHT")
""", "--steps", "2")
    assert 1 <= report["printed"].count("CAUGHT") <= 20


@newest_torch
@pytest.mark.parametrize(("options", "lines", "made", "said"), [
    (["-I"], "for i in range(9): step()", None, "--steps 9 did nothing"),
    ([], "for i in range(2): step()", 5, "--steps 9 was not reached: 5 steps"),
    ([], "for i in range(20): step()", 9, "")])
def test_the_report_says_whether_the_steps_were_reached(python: str, options: list[str], lines: str, made: int | None,
                                                       said: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TRAINING + lines)
    command = [python, *options, program]
    assert rehearse(python, "--steps", "9", *command)["steps"] == {"limit": 9, "made": made}
    text = " ".join(run(["rehearse", "--python", python, "--steps", "9", *command]).text.split())
    assert said in text if said else "--steps" not in text


@newest_torch
def test_steps_that_gradscaler_leaves_out_do_not_count(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
model = torch.nn.Linear(4, 4).cuda()
optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler()
for _ in range(5):
    scaler.scale(model(torch.ones(4, 4, device="cuda")).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
""", "--steps", "2", "--values", "ones")
    assert report["steps"] == {"limit": 2, "made": 0}


@newest_torch
def test_a_scratch_run_leaves_the_folder_as_it_was(python: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_text("precious")
    (tmp_path / "program.py").write_text("import torch\nassert open('weights.pt').read() == 'precious'\n"
                                         "torch.save(torch.zeros(5).cuda(), 'weights.pt')\nopen('new', 'w')")
    report = rehearse(python, "--scratch", "program.py", cwd=tmp_path)
    assert report["exit_code"] == 0, report["printed"]
    assert (tmp_path / "weights.pt").read_text() == "precious"
    assert not (tmp_path / "new").exists()


# -- what a reviewer found ---------------------------------------------------------------------------------------------

@newest_torch
def test_kernels_compiled_at_run_time_are_loaded_and_not_run(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
x = torch.rand(8, 8, device='cuda')
torch.linalg.det(x), torch.lgamma(x), torch.prod(x), torch.exp2(x), torch.nn.init.trunc_normal_(x)
""")
    assert report["unanswered"] == []


@newest_torch
def test_a_failure_before_the_first_segment_is_not_lost(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, """
import torch
torch.cuda.set_per_process_memory_fraction(0.25)
try: torch.empty(6 << 30, dtype=torch.uint8, device='cuda')
except torch.cuda.OutOfMemoryError: print('REFUSED')
""")
    assert "REFUSED" in report["printed"]
    assert report["num_ooms"] == 1


@newest_torch
def test_a_temporary_folder_that_cannot_serve_is_refused(python: str, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    done = run(["rehearse", "-q", "--python", python, "train.py"], TMPDIR=str(tmp_path / "a b"))
    check_error(done, 5, "a b", "a space or a colon")
    (tmp_path / "tmp").mkdir()
    done = run(["rehearse", "-q", "--python", python, "--scratch", "train.py"], cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    check_error(done, 2, "into itself")


@newest_torch
def test_a_signal_reaches_the_program_and_the_report_is_still_made(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import time, torch\nx = torch.ones(1 << 20, device='cuda')\nopen('ready', 'w').close()\n"
                       "time.sleep(100)")
    (tmp_path / "tmp").mkdir()
    child = subprocess.Popen([PROGRAM, "rehearse", "--format", "json", "--python", python, program], cwd=tmp_path,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             env=environment(TMPDIR=str(tmp_path / "tmp")))
    while not (tmp_path / "ready").exists():
        assert child.poll() is None
        time.sleep(0.05)
    child.terminate()
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    report = json.loads(output)
    assert (report["signal"], report["peak_allocated_bytes"]) == (15, 4 * MIB)
    assert list((tmp_path / "tmp").iterdir()) == []


@newest_torch
def test_a_folder_named_torch_beside_the_program_is_not_taken_for_it(python: str, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "a.py").write_text("import torch\ntorch.ones(5).cuda()")
    assert rehearse(python, "programs/a.py", cwd=tmp_path)["peak_allocated_bytes"] == 512


# -- without what it needs ---------------------------------------------------------------------------------------------

def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    subprocess.run(["python3", "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    done = run(["rehearse", "--python", tmp_path / "bare" / "bin" / "python", "train.py"])
    check_error(done, 4, "has no torch", "pip install")


def test_an_unknown_gpu_and_a_missing_program_are_named() -> None:
    check_error(run(["rehearse", "--gpu", "rtx4091", "train.py"]), 2, "rtx4091", "rtx4090")
    check_error(run(["rehearse"]), 2, "no program to rehearse")
    check_error(run(["rehearse", "--gpus", "x", "train.py"]), 2, "--gpus")
    check_error(run(["rehearse", "--python", "/no/such/python", "train.py"]), 4, "/no/such/python")


def test_the_gpus_that_can_be_named_are_listed() -> None:
    text = run(["rehearse", "--list"]).text
    for key in ("rtx4090", "a100-80g", "h100", "t4"):
        assert any(line.split()[0].startswith(key) for line in text.splitlines()), key


@newest_torch
def test_a_file_that_cannot_be_written_is_refused_before_the_program_runs(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("open('ran', 'w')")
    (tmp_path / "file").write_text("")
    for option, path in (("--snapshot", tmp_path / "file" / "run.pickle"), ("--snapshot", tmp_path),
                         ("-o", tmp_path / "missing" / "report")):
        done = run(["rehearse", "--python", python, option, path, program], cwd=tmp_path)
        check_error(done, 5, str(path))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "program.py"]


@newest_torch
def test_on_a_terminal_it_tells_how_it_goes(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch, time\nkept = torch.ones(1 << 28, device='cuda')\ntime.sleep(9)\n")
    main, terminal = pty.openpty()
    done = subprocess.run([PROGRAM, "rehearse", "--python", python, program], stdout=subprocess.DEVNULL, stderr=terminal,
                          env=environment(), check=False, timeout=120)
    os.close(terminal)
    told = os.read(main, 1 << 16).decode()
    os.close(main)
    assert done.returncode == 0
    assert re.search(r"unfrag: \d+ s: 1.00 GiB held, 1 kernel so far", told), told
