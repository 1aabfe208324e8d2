"""The log of a rehearsed process under what programs do: many processes, hard ends, full disks, closed files."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import MIB, PROGRAM, Document, environment, run
from torches import newest_torch, rehearse, rehearse_lines

GIB = 1024 * MIB
SIZED = "import os, sys, time, torch\ndef hold(mib): return torch.empty(mib << 20, dtype=torch.uint8, device='cuda')\n"
# 1,800,000 entries: 110 MiB of log.
MANY_ENTRIES = SIZED + "kept = hold(64)\nfor _ in range(600_000): torch.empty(1, device='cuda')\n"
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def peaks(report: Document) -> list[int]:
    return [one["peak_reserved_bytes"] for one in report["process_list"]]


def rehearse_text(python: str, program: Path, **changes: str) -> str:
    return " ".join(run(["rehearse", "--python", python, program], **changes).text.split())


# -- no room for the log -----------------------------------------------------------------------------------------------

def check_stopped(report: Document, reason: str) -> None:
    assert report["exit_code"] == 0, report["printed"]
    assert "FINISHED" in report["printed"]
    assert not report["exact"]
    (one,) = report["incomplete"]
    assert one["reason"] == reason
    assert 0 < one["lost_entries"] < 1_800_000
    assert report["peak_reserved_bytes"] >= 64 * MIB
    assert {fit["fits"] for fit in report["fits"]} <= {None, False}  # nobody knows what came after


@newest_torch
def test_a_full_disk_ends_the_recording_and_not_the_program(python: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    small_disk = ["unshare", "-rm", "sh", "-c", MOUNT, "sh", "48m", tmp_path / "disk"]
    if subprocess.run([*small_disk, "true"], capture_output=True).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    program = tmp_path / "program.py"
    program.write_text(MANY_ENTRIES + "print('FINISHED')")
    done = subprocess.run([*small_disk, PROGRAM, "rehearse", "--format", "json", "--python", python, program],
                          capture_output=True, text=True, env=environment(TMPDIR=str(tmp_path / "disk")))
    assert done.returncode == 0, done.stderr
    check_stopped({**json.loads(done.stdout), "printed": done.stderr}, "disk")


@newest_torch
def test_a_limit_on_the_size_of_files_ends_the_recording_and_not_the_program(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(MANY_ENTRIES + "print('FINISHED')")
    command = [PROGRAM, "rehearse", "--python", python, program]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MIB, 20 * MIB))

    def limited(*options: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([*command[:2], *options, *command[2:]], capture_output=True, text=True,
                              env=environment(), preexec_fn=limit)
        assert done.returncode == 0, done.stderr
        return done

    done = limited("--format", "json")
    check_stopped({**json.loads(done.stdout), "printed": done.stderr}, "file_size_limit")
    text = " ".join(limited().stdout.split())
    assert "needs at least" in text
    assert "ends early" in text and "ulimit -f unlimited" in text
    command.append("{n}")
    done = subprocess.run([*command[:2], "--fit", "n=1..9", *command[2:]], capture_output=True, text=True,
                          env=environment(), preexec_fn=limit)
    assert done.returncode == 5
    assert "with n = 1 the recording is not whole" in done.stderr and "ulimit -f unlimited" in done.stderr


@newest_torch
def test_a_temporary_folder_may_be_named_from_here_and_left_by_the_program(python: str, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    report = rehearse_lines(python, tmp_path, SIZED + """
import subprocess
os.chdir('/')
if len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'again'], check=True)
kept = hold(64)
""", TMPDIR="tmp")
    assert peaks(report) == [64 * MIB] * 2


# -- several processes -------------------------------------------------------------------------------------------------

@newest_torch
def test_a_program_that_starts_anew_in_the_same_process_keeps_its_first_log(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, SIZED + """
if len(sys.argv) == 1:
    kept = hold(1024)
    os.execv(sys.executable, [sys.executable, __file__, "again"])
kept = hold(64)
""")
    assert peaks(report) == [GIB, 64 * MIB]
    assert len({one["process"] for one in report["process_list"]}) == 1
    assert report["peak_reserved_bytes"] == GIB
    assert [one["most_at_once"] for one in report["together"]] == [1]


@newest_torch
def test_the_figures_are_those_of_the_process_with_the_highest_peak(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SIZED + """
import torch.multiprocessing as mp
def work(): hold(1024)
if __name__ == "__main__":
    kept = hold(256)
    for _ in range(500): hold(1)  # more entries, and less memory
    child = mp.get_context("spawn").Process(target=work)
    child.start()
    child.join()
""")
    report = rehearse(python, program)
    assert report["processes"] == 2
    assert report["peak_reserved_bytes"] == GIB
    first, second = peaks(report)
    assert (first, 256 * MIB <= second < 300 * MIB) == (GIB, True)
    (together,) = report["together"]
    assert together["most_at_once"] == 2
    assert together["peak_reserved_bytes"] == first + second  # the parent held its own all the time
    assert not together["is_upper_bound"]
    fits = {one["gpu"]: one for one in report["fits"]}
    free = fits["rtx4090"]["headroom_bytes"] - (fits["rtx4090"]["total_bytes"] - first - second)
    assert -free > 2 * 300 * MIB  # a context each
    text = rehearse_text(python, program)
    assert "of GPU memory in 2 processes at once" in text
    for process in ("1.00 GiB", "of device 0 at once"):
        assert process in text


@newest_torch
def test_processes_that_follow_each_other_do_not_add_up(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, SIZED + """
import multiprocessing
def work(): kept = hold(1024)
for _ in range(3):  # forked, before this process has used the device; they end with os._exit
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0
kept = hold(64)
""")
    assert peaks(report) == [GIB] * 3 + [64 * MIB]
    (together,) = report["together"]
    assert (together["processes"], together["most_at_once"]) == (4, 1)
    assert (together["peak_reserved_bytes"], together["is_upper_bound"]) == (GIB, False)
    assert {one["fits"] for one in report["fits"] if one["total_bytes"] > 4 * GIB} == {True}


@newest_torch
def test_what_a_killed_process_held_counts_for_as_long_as_it_may_have_lived(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, SIZED + """
import multiprocessing, signal
def work():
    kept = hold(1024)
    os.kill(os.getpid(), signal.SIGKILL)
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
kept = hold(64)
""")
    (together,) = report["together"]
    assert (together["peak_reserved_bytes"], together["is_upper_bound"]) == (GIB + 64 * MIB, True)


@newest_torch
def test_a_process_is_named_by_its_command_line_too(python: str, tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(SIZED + "kept = hold(int(sys.argv[1]))\nos.kill(os.getpid(), 9)")
    program = tmp_path / "program.py"
    program.write_text("import subprocess, sys\nfor mib in '64', '32':\n"
                       "    subprocess.run([sys.executable, 'part.py', mib, 'a\\nb'])")
    report = rehearse(python, program, cwd=tmp_path)
    assert [one["command"] for one in report["process_list"]] == [f"{python} part.py {mib} a\\x0ab" for mib in (64, 32)]
    text = run(["rehearse", "--python", python, program], cwd=tmp_path).text
    assert "part.py 64 a\\x0ab" in text


@newest_torch
def test_memory_that_runs_out_in_another_process_is_not_passed_over(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SIZED + """
import subprocess
if len(sys.argv) > 1: hold(4000)
kept = hold(64)
assert subprocess.run([sys.executable, __file__, "large"], stderr=subprocess.DEVNULL).returncode == 1
""")
    report = rehearse(python, "--memory", "3GiB", program)
    assert report["peak_reserved_bytes"] == 64 * MIB
    assert [one["num_ooms"] for one in report["process_list"]] == [0, 1]
    text = " ".join(run(["rehearse", "--python", python, "--memory", "3GiB", program]).text.split())
    assert "runs out of memory" in text and "another process" in text


@newest_torch
def test_a_child_that_inherits_the_allocator_is_no_user_of_the_device(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, SIZED + """
kept = [hold(100)]
child = os.fork()
if child == 0:
    kept.clear()  # gives back what is the parent's
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
more = hold(200)
""")
    assert report["exact"]
    assert peaks(report) == [300 * MIB]


@newest_torch
def test_a_gpu_fits_only_if_each_device_of_the_program_does(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SIZED + """
for _ in range(9): small = hold(64)
large = torch.empty(12 << 30, dtype=torch.uint8, device='cuda:1')
""")
    report = rehearse(python, "--devices", "2", program)
    assert report["peak_reserved_bytes"] == 128 * MIB  # of the device with most entries
    fits = {one["gpu"]: one for one in report["fits"]}
    assert (fits["rtx3060"]["fits"], fits["rtx4090"]["fits"]) == (None, True)
    assert fits["rtx3060"]["headroom_bytes"] < 0 < fits["rtx4090"]["headroom_bytes"]
    text = " ".join(run(["rehearse", "--devices", "2", "--python", python, program]).text.split())
    assert "Of device 1 it needs more: 12.00 GiB reserved" in text


# -- hard ends, closed files, damage -----------------------------------------------------------------------------------

@newest_torch
def test_a_kill_amid_threads_that_allocate_loses_nothing(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SIZED + """
import signal, threading
kept = hold(512)
def churn(n):
    while True: torch.empty(1000 * n, device='cuda')
for n in range(1, 5): threading.Thread(target=churn, args=(n,), daemon=True).start()
time.sleep(1)
os.kill(os.getpid(), signal.SIGKILL)
""")
    report = rehearse(python, program)
    assert report["signal"] == 9
    assert report["exact"]
    assert report["incomplete"] == []
    assert report["peak_reserved_bytes"] >= 512 * MIB


@newest_torch
def test_a_program_that_closes_all_its_files_is_recorded_to_its_end(python: str, tmp_path: Path) -> None:
    report = rehearse_lines(python, tmp_path, MANY_ENTRIES.replace("kept =", "os.closerange(3, 65536)\nkept =") + """
mine = open('mine', 'wb+')  # has the number of what was closed
last = hold(128)
assert os.fstat(mine.fileno()).st_size == 0
""")
    assert report["exact"]
    assert report["incomplete"] == []
    assert report["peak_reserved_bytes"] == 194 * MIB
    assert report["process_list"][0]["entries"] > 1_800_000


@newest_torch
def test_a_log_that_cannot_be_read_takes_no_other_with_it(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SIZED + """
kept = hold(64)
folder = os.environ['UNFRAG_REHEARSAL_FOLDER']
mine = f'{folder}/log.{os.getpid()}'
open(folder + '/log.7', 'wb').write(b'what is this')
open(folder + '/log.8', 'wb').write(open(mine, 'rb').read(4096 + 10 * 64))
""")
    report = rehearse(python, program)
    assert report["peak_reserved_bytes"] == 64 * MIB
    assert [one["reason"] for one in report["incomplete"]] == ["damaged", "damaged"]
    assert not report["exact"]
    assert "log.7" in rehearse_text(python, program)
