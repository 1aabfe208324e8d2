"""`unfrag record`: an unmodified program's recordings, on the null device that a rehearsal puts in CUDA's place.

Each test runs `unfrag rehearse ... unfrag record ... program`: the rehearsal is only there for the device.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import MIB, PROGRAM, Document, check_error, environment, explain_json, only, run
from torches import PYTHONS, every_torch, newest_torch

needs_torch = pytest.mark.skipif(not PYTHONS, reason="UNFRAG_TEST_TORCH names no interpreter with PyTorch")

TAKES = """
import torch
def take(mib):
    return torch.empty(mib << 20, dtype=torch.uint8, device="cuda")
"""
FILE = "unfrag-record.pickle"
END = "unfrag-record.end.pickle"


def command(python: str, *args: Any, options: tuple[Any, ...] = ()) -> list[str]:
    """What runs `unfrag record OPTIONS ARGS` on the null device and passes its exit code on."""
    rehearsal = [PROGRAM, "rehearse", "-q", "--pass-exit-code", "-o", os.devnull, "--python", python]
    return [*rehearsal, PROGRAM, "record", "--python", python, *map(str, options), *map(str, args)]


def record(python: str, folder: Path, *args: Any, options: tuple[Any, ...] = (), code: int = 0,
           **changes: str) -> subprocess.CompletedProcess[str]:
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    done = subprocess.run(command(python, *args, options=options), cwd=folder, capture_output=True, text=True,
                          timeout=240, env=environment(XDG_RUNTIME_DIR=str(runtime), **changes))
    assert done.returncode == code, done.stderr
    assert not [*folder.glob("*.unfrag-*")]
    assert not [*runtime.glob("unfrag/*")]
    return done


def record_lines(python: str, folder: Path, text: str, *args: Any, options: tuple[Any, ...] = (), code: int = 0,
                 **changes: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(TAKES + text)
    return record(python, folder, "program.py", *args, options=options, code=code, **changes)


def recordings(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.pickle"))


def entries(path: Path) -> list[Document]:
    snapshot = pickle.loads(path.read_bytes())
    return max(snapshot["device_traces"], key=len)


# -- when it is written ------------------------------------------------------------------------------------------------

@every_torch
def test_a_program_is_recorded_from_its_first_allocation_to_its_end(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, "kept = [take(10) for _ in range(4)]\nprint('LAST LINE')")
    assert done.stdout == "LAST LINE\n"  # the report is no part of the program's output
    assert "Recorded at the end: unfrag-record.pickle" in done.stderr
    assert "Device 0 is healthy: 40.00 MiB of the 40.00 MiB reserved" in done.stderr
    assert recordings(tmp_path) == [FILE]
    report = explain_json(tmp_path / FILE)
    assert report["source"]["complete"]
    (holder,) = only(report)["holders"]
    assert (holder["now_bytes"], holder["file"], holder["line"]) == (40 * MIB, str(tmp_path / "program.py"), 4)
    assert holder["stack"][1]["line"] == 5


@every_torch
def test_an_error_that_ends_the_program_is_recorded_when_it_happens(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, "kept = take(3000)\nmore = [take(4000) for _ in range(9)]", code=1)
    assert "OutOfMemoryError: CUDA out of memory." in done.stderr
    assert "Recorded when memory first ran out: unfrag-record.pickle" in done.stderr
    assert "Device 0 ran out of memory" in done.stderr
    assert recordings(tmp_path) == [END, FILE]
    (oom,) = only(explain_json(tmp_path / FILE))["ooms"]
    assert oom["requested_bytes"] == 4000 * MIB
    assert only(explain_json(tmp_path / FILE))["now"]["allocated_bytes"] == 15000 * MIB
    assert entries(tmp_path / FILE)[-1]["action"] in ("oom", "snapshot")


@newest_torch
def test_an_error_that_the_program_survives_is_recorded_and_the_first_one_counts(python: str, tmp_path: Path) -> None:
    record_lines(python, tmp_path, """
for mib in (50_000, 60_000):
    try:
        take(mib)
    except torch.OutOfMemoryError as error:
        assert "CUDA out of memory" in str(error), error
print("SURVIVED", take(1).numel())
""")
    assert [oom["requested_bytes"] for oom in only(explain_json(tmp_path / FILE))["ooms"]] == [50_000 * MIB]
    assert len(only(explain_json(tmp_path / END))["ooms"]) == 2


@newest_torch
def test_an_error_on_the_thread_of_autograd_is_recorded(python: str, tmp_path: Path) -> None:
    record_lines(python, tmp_path, """
class Large(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 1
    @staticmethod
    def backward(context, gradient):
        take(50_000)
Large.apply(torch.ones(1, device="cuda", requires_grad=True)).sum().backward()
""", code=1)
    (oom,) = only(explain_json(tmp_path / FILE))["ooms"]
    assert oom["requested_bytes"] == 50_000 * MIB


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(7)", 7), ("raise ValueError('x')", 1), ("sys.exit('x')", 1)])
@newest_torch
def test_however_python_ends_it_is_recorded_and_the_exit_code_passed_on(python: str, tmp_path: Path, ending: str,
                                                                         code: int) -> None:
    record_lines(python, tmp_path, f"import sys\nkept = take(10)\n{ending}", code=code)
    assert only(explain_json(tmp_path / FILE))["now"]["allocated_bytes"] == 10 * MIB


@newest_torch
def test_an_end_that_python_does_not_see_is_said_and_the_error_before_it_kept(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, """
import os
try:
    take(50_000)
except torch.OutOfMemoryError:
    os._exit(3)
""", code=3)
    assert "Missing: the recording at the end; os._exit, a signal or a crash" in done.stderr
    assert recordings(tmp_path) == [FILE]
    assert len(only(explain_json(tmp_path / FILE))["ooms"]) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@newest_torch
def test_a_signal_ends_the_program_as_ever_once_it_is_recorded(python: str, tmp_path: Path, number: int) -> None:
    done = record_lines(python, tmp_path, f"""
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which is ignored where the tests run in the background
kept = take(10)
os.kill(os.getpid(), {number:d})
time.sleep(60)
""", code=128 + number if number == signal.SIGTERM else 130)
    assert recordings(tmp_path) == [FILE]
    assert only(explain_json(tmp_path / FILE))["now"]["allocated_bytes"] == 10 * MIB
    assert ("KeyboardInterrupt" in done.stderr) == (number == signal.SIGINT)


@newest_torch
def test_the_programs_own_handler_of_sigterm_stays_its_own(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
kept = take(10)
os.kill(os.getpid(), signal.SIGTERM)
""", code=5)
    assert recordings(tmp_path) == [FILE], done.stderr


@newest_torch
def test_the_ring_keeps_the_latest_entries(python: str, tmp_path: Path) -> None:
    record_lines(python, tmp_path, "for _ in range(100): take(3)", options=("--max-entries", "50"))
    assert len(entries(tmp_path / FILE)) == 50


# -- the program's own recording ---------------------------------------------------------------------------------------

OWN = """
def dump(name):
    import pickle
    with open(name + ".own", "wb") as file:
        pickle.dump(torch.cuda.memory._snapshot(), file)
record = torch.cuda.memory._record_memory_history
"""
OWN_RECORDINGS = {
    "before": "record()\nkept = [take(10) for _ in range(3)]\ndump('a')",
    "within": "early = take(2)\nrecord(stacks='python', max_entries=20)\nkept = [take(3) for _ in range(30)]\ndump('a')",
    "state": "early = take(2)\nrecord('state')\nkept = [take(10) for _ in range(3)]\ndump('a')",
    "legacy": "early = take(2)\nrecord(True, True, 1000, True)\nkept = [take(10) for _ in range(3)]\ndump('a')",
    "ended": "early = take(2)\nrecord()\nkept = [take(10)]\ndump('a')\nrecord(None)\nlate = take(7)",
    "twice": "record()\nx = take(10)\ndump('a')\nrecord(None)\nrecord()\ny = take(7)\ndump('b')\nrecord(enabled=None)",
    "bool": "early = take(2)\nrecord()\nkept = [take(10)]\ndump('a')\nrecord(False)",
}


def without_times_and_addresses(path: Path) -> Any:
    """What a recording says but for when and where, which differ from run to run."""
    def lines(entry: Document) -> list[tuple[str, int]]:
        return [(frame["filename"], frame["line"]) for frame in entry.get("frames", []) if frame["filename"].endswith(".py")]

    return [[(entry["action"], entry["size"], lines(entry)) for entry in trace]
            for trace in pickle.loads(path.read_bytes())["device_traces"]]


@pytest.mark.parametrize("case", OWN_RECORDINGS)
@every_torch
def test_the_programs_own_recording_is_what_it_would_be_without_us(python: str, tmp_path: Path, case: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(TAKES + OWN + OWN_RECORDINGS[case])
    alone = [PROGRAM, "rehearse", "-q", "--pass-exit-code", "-o", os.devnull, "--python", python, str(program)]
    subprocess.run(alone, cwd=tmp_path, check=True, timeout=240)
    expected = {path.name: without_times_and_addresses(path) for path in tmp_path.glob("*.own")}
    done = record(python, tmp_path, program)
    assert {path.name: without_times_and_addresses(path) for path in tmp_path.glob("*.own")} == expected
    assert expected
    assert "Note: the program" in done.stderr


@newest_torch
def test_the_programs_own_recording_is_used_and_not_switched_off(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, OWN + """
record(max_entries=1000)
kept = [take(10) for _ in range(3)]
import atexit
atexit.register(lambda: print("STILL ON:", torch._C._cuda_isHistoryEnabled()))
""")
    assert "STILL ON: True" in done.stdout
    assert sum(entry["action"] == "alloc" for entry in entries(tmp_path / FILE)) == 3
    assert "the program's own recording is used" in done.stderr


@newest_torch
def test_where_the_program_ends_its_recording_ours_comes_back(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, OWN + "record()\nkept = take(10)\nrecord(None)\nlate = take(7)\n"
                        "record(None)\nlater = take(5)")
    assert [entry["size"] // MIB for entry in entries(tmp_path / FILE) if entry["action"] == "alloc"] == [7, 5]
    assert "ended its own recording, and with it what was recorded until then" in " ".join(done.stderr.split())


@newest_torch
def test_a_wrong_call_for_a_recording_fails_as_it_would_and_ours_comes_back(python: str, tmp_path: Path) -> None:
    record_lines(python, tmp_path, OWN + """
early = take(2)
try:
    record("nonsense")
except RuntimeError as error:
    print("REFUSED", error)
late = take(7)
""")
    assert [entry["size"] // MIB for entry in entries(tmp_path / FILE) if entry["action"] == "alloc"] == [7]


# -- several processes -------------------------------------------------------------------------------------------------

@newest_torch
def test_each_rank_has_a_file_and_torchrun_none(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TAKES + """
import os
rank = int(os.environ["RANK"])
kept = take(10 * (rank + 1))
""")
    done = record(python, tmp_path, "-m", "torch.distributed.run", "--nproc-per-node", 2, "program.py")
    assert recordings(tmp_path) == ["unfrag-record.rank0.pickle", "unfrag-record.rank1.pickle"], done.stderr
    for rank in (0, 1):
        report = explain_json(tmp_path / f"unfrag-record.rank{rank}.pickle")
        assert only(report)["now"]["allocated_bytes"] == 10 * MIB * (rank + 1)


@newest_torch
def test_the_rank_that_ran_out_of_memory_is_the_one_that_is_explained(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TAKES + """
import os, time
kept = take(10)
if os.environ["RANK"] == "1":
    take(50_000)
time.sleep(30)
""")
    done = record(python, tmp_path, "-m", "torch.distributed.run", "--nproc-per-node", 2, "program.py", code=1)
    assert "unfrag-record.rank1.pickle" in recordings(tmp_path)
    assert "unfrag-record.rank1.pickle: a memory snapshot" in done.stderr
    assert "unfrag-record.rank0.pickle" in recordings(tmp_path), done.stderr  # torchrun ended it by SIGTERM


WORKERS = """
from torch.utils.data import DataLoader, Dataset
class Numbers(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return torch.tensor([index])
def main():
    BEFORE
    for batch in DataLoader(Numbers(), batch_size=2, num_workers=2, multiprocessing_context="METHOD"):
        batch.cuda()
    print("READ ALL")
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("before", ["pass", "kept = take(1)"])
@newest_torch
def test_workers_that_do_not_use_the_device_leave_nothing(python: str, tmp_path: Path, method: str, before: str) -> None:
    done = record_lines(python, tmp_path, WORKERS.replace("METHOD", method).replace("BEFORE", before))
    assert done.stdout == "READ ALL\n"
    assert recordings(tmp_path) == [FILE]
    assert "Missing" not in done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
@newest_torch
def test_children_that_use_the_device_have_files_of_their_own(python: str, tmp_path: Path, method: str) -> None:
    record_lines(python, tmp_path, f"""
import torch.multiprocessing as multiprocessing
def child(mib):
    kept = take(mib)
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=child, args=(mib,)) for mib in (20, 30)]
    for one in children:
        one.start()
    for one in children:
        one.join()
    kept = take(10)
""")
    peaks = sorted(only(explain_json(path))["peak"]["allocated_bytes"] // MIB for path in tmp_path.glob("*.pickle"))
    assert peaks == [10, 20, 30]


# -- the poke ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A recorded program that holds 10 MiB until it reads a line, and its number."""
    (tmp_path / "program.py").write_text(TAKES + "import os, sys\nkept = take(10)\n"
                                         "print(os.getpid(), flush=True)\nsys.stdin.readline()\nmore = take(20)\n")
    (tmp_path / "runtime").mkdir()
    process = subprocess.Popen(command(PYTHONS[0], "program.py"), cwd=tmp_path, stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(XDG_RUNTIME_DIR=str(tmp_path / "runtime")))
    assert process.stdout
    yield process, int(process.stdout.readline())
    if process.poll() is None:
        process.communicate("\n", timeout=60)
    assert process.returncode == 0


@needs_torch
def test_a_poke_writes_a_snapshot_while_the_program_runs_on(waiting: Any, tmp_path: Path) -> None:
    process, number = waiting
    runtime = tmp_path / "runtime"
    (path,) = (runtime / "unfrag").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    for count in (1, 2):
        done = run(["record", "--poke", number], cwd=tmp_path, XDG_RUNTIME_DIR=str(runtime))
        assert done.code == 0, done.message
        assert "Device 0 is healthy: 10.00 MiB" in done.text
        poked = only(explain_json(tmp_path / f"unfrag-record.poke{count}.pickle"))
        assert poked["now"]["allocated_bytes"] == 10 * MIB
    assert not (tmp_path / FILE).exists()
    process.communicate("\n", timeout=60)
    assert only(explain_json(tmp_path / FILE))["now"]["allocated_bytes"] == 30 * MIB


@needs_torch
def test_the_number_of_the_command_pokes_what_runs_under_it(waiting: Any, tmp_path: Path) -> None:
    _, number = waiting
    parent = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    done = run(["record", "-q", "--poke", parent], cwd=tmp_path, XDG_RUNTIME_DIR=str(tmp_path / "runtime"))
    assert done.code == 0, done.message
    assert len([*tmp_path.glob("*.poke1.pickle")]) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@needs_torch
def test_another_user_is_refused(waiting: Any, tmp_path: Path) -> None:
    _, number = waiting
    runtime = tmp_path / "runtime"
    poke = [PROGRAM, "record", "--poke", str(number)]
    as_nobody = subprocess.run(poke, capture_output=True, text=True, timeout=60, user=65534, cwd="/",
                               env=environment(XDG_RUNTIME_DIR=str(runtime)))
    assert as_nobody.returncode == 4
    assert "cannot be trusted" in as_nobody.stderr
    # Where somebody opened the doors, the program itself looks who knocks.
    for folder in (runtime / "unfrag", runtime, *tmp_path.parents[:3], tmp_path):
        folder.chmod(0o755)
    (path,) = (runtime / "unfrag").iterdir()
    path.chmod(0o666)
    knock = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
             "print(s.makefile().read())")
    knocked = subprocess.run(["python3", "-c", knock, str(path)], capture_output=True, text=True, timeout=60,
                             user=65534, cwd="/")
    assert knocked.stdout.strip() == "refused this program is another user's", knocked.stderr
    assert not [*tmp_path.glob("*.poke*")]
    (runtime / "unfrag").chmod(0o700)


def test_a_process_that_is_not_recorded_cannot_be_poked(tmp_path: Path) -> None:
    check_error(run(["record", "--poke", os.getpid()], XDG_RUNTIME_DIR=str(tmp_path)), 4, "is being recorded")


# -- what is run -------------------------------------------------------------------------------------------------------

@newest_torch
def test_modules_and_programs_of_the_environment_are_run_as_they_are_rehearsed(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TAKES + "import sys\nkept = take(10)\nprint(sys.argv[1:])")
    for words in (["-m", "program"], ["--", "program.py"], ["python", "program.py"],
                  ["sh", "-c", "python3 program.py -o 'a b'"]):
        (tmp_path / FILE).unlink(missing_ok=True)
        rest = [] if words[0] == "sh" else ["-o", "a b"]
        path = f"{Path(python).parent}:{os.environ['PATH']}"
        done = record(python, tmp_path, *words, *rest, PATH=path)
        assert done.stdout == "['-o', 'a b']\n", words
        assert recordings(tmp_path) == [FILE], words


@newest_torch
def test_the_users_own_start_of_python_is_kept(python: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("print('OWN START')\nSTARTED = True\n")
    done = record_lines(python, tmp_path, "import sitecustomize, sys\nassert sitecustomize.STARTED\ntake(1)\n"
                        "assert not [folder for folder in sys.path if '/unfrag-' in folder], sys.path\n"
                        "import inspect\nassert 'exec_module' not in vars(torch.__loader__)\n"
                        "assert inspect.getsource(torch)", PYTHONPATH=str(tmp_path / "own"))
    assert done.stdout == "OWN START\n"
    assert recordings(tmp_path) == [FILE]


@newest_torch
def test_a_program_that_forks_before_it_uses_the_device_still_may(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, """
import os
if os.fork() == 0:
    kept = take(5)
    print("CHILD", torch.cuda.is_initialized(), flush=True)
    os._exit(0)
os.wait()
print("PARENT", torch.cuda.is_initialized(), flush=True)
""")
    assert done.stdout == "CHILD True\nPARENT False\n"


@newest_torch
def test_a_program_that_never_uses_the_device_leaves_nothing_and_is_told_so(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, "print(torch.ones(2).sum())", code=0)
    assert "Nothing is recorded: program.py never used CUDA." in done.stderr
    assert recordings(tmp_path) == []
    isolated = record(python, tmp_path, "python", "-I", "program.py")
    assert "no Python that python -I program.py started took the recorder up" in " ".join(isolated.stderr.split())


@newest_torch
def test_an_allocator_of_which_pytorch_records_nothing_is_named(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, "torch.cuda.init()\nprint('DONE')",
                        PYTORCH_CUDA_ALLOC_CONF="backend:cudaMallocAsync", code=5)
    assert done.stdout == "DONE\n"
    assert "the allocator is cudaMallocAsync, of which PyTorch records nothing" in " ".join(done.stderr.split())


# -- what is missing ---------------------------------------------------------------------------------------------------

@needs_torch
def test_without_a_driver_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('RUN')")
    done = run(["record", "--python", PYTHONS[0], "program.py"], cwd=tmp_path)
    check_error(done, 4, "libcuda.so.1", "unfrag rehearse")
    assert (done.text, recordings(tmp_path)) == ("", [])


@newest_torch
def test_a_gpu_that_is_hidden_is_missing(python: str, tmp_path: Path) -> None:
    done = record_lines(python, tmp_path, "print('RUN')", code=4, CUDA_VISIBLE_DEVICES="-1")
    assert 'CUDA_VISIBLE_DEVICES is "-1"' in done.stderr
    assert done.stdout == ""


def test_without_torch_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('RUN')")
    environment_without = tmp_path / "environment"
    subprocess.run(["python3", "-m", "venv", "--without-pip", environment_without], check=True, timeout=120)
    done = run(["record", "--python", environment_without / "bin" / "python", "program.py"], cwd=tmp_path)
    check_error(done, 4, "has no torch")
    assert done.text == ""


@pytest.mark.parametrize(("args", "part"), [
    ([], "no program to record"), (["-m"], "no program to record"), (["--nonsense", "x.py"], "is no option of record"),
    (["-o", "program.py", "program.py"], "-o names a part of the program"),
])
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, args: list[str], part: str) -> None:
    (tmp_path / "program.py").write_text("print('RUN')")
    done = run(["record", *args], cwd=tmp_path)
    check_error(done, 2, part)
    assert (tmp_path / "program.py").read_text() == "print('RUN')"


def test_a_place_that_cannot_be_written_is_told_before_the_program_runs(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('RUN')")
    done = run(["record", "-o", "missing/out.pickle", "program.py"], cwd=tmp_path)
    check_error(done, 5, "missing/out.pickle")
    assert done.text == ""


@newest_torch
def test_an_older_recording_is_whole_until_the_new_one_is(python: str, tmp_path: Path) -> None:
    (tmp_path / "kept.pickle").write_bytes(b"older")
    record_lines(python, tmp_path, "print(torch.ones(1))", options=("-o", "kept.pickle"))
    assert (tmp_path / "kept.pickle").read_bytes() == b"older"
    record_lines(python, tmp_path, "take(4)", options=("-o", "kept.pickle"))
    assert only(explain_json(tmp_path / "kept.pickle"))["peak"]["allocated_bytes"] == 4 * MIB
