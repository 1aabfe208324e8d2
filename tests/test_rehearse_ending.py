"""What `unfrag rehearse` does when it, or the program, is ended from outside: nothing stays behind, nothing is untold."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support import PROGRAM, environment, run
from torches import newest_torch

READY = "import os, time, torch\nx = torch.ones(1 << 20, device='cuda')\nopen('ready', 'w').write(str(os.getpid()))\n"
# 900,000 entries, of which the report takes seconds.
MANY = READY + "for _ in range(300_000): torch.empty(1, device='cuda')\n"


def begin(python: str, folder: Path, *args: str, ignored: tuple[signal.Signals, ...] = ()) -> subprocess.Popen[str]:
    def take_signals() -> None:
        """As a terminal's program does, even where the tests themselves run in the background."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen([PROGRAM, "rehearse", "--python", python, *args], cwd=folder, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=take_signals,
                            env=environment(TMPDIR=str(folder / "tmp")))


def wait_until(child: subprocess.Popen[str], holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)


def left_in(folder: Path) -> list[Path]:
    return list((folder / "tmp").iterdir())


# -- signals -----------------------------------------------------------------------------------------------------------

@newest_torch
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_report_is_made_leaves_nothing_behind(python: str, how: signal.Signals,
                                                                 tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(MANY)
    child = begin(python, tmp_path, "program.py")
    wait_until(child, (tmp_path / "ready").exists)
    program = Path("/proc") / (tmp_path / "ready").read_text()
    wait_until(child, lambda: not program.exists())
    child.send_signal(how)
    output, _ = child.communicate(timeout=60)
    assert (child.returncode, output) == (-how, "")
    assert left_in(tmp_path) == []


@newest_torch
def test_a_signal_while_the_folder_is_copied_leaves_nothing_behind(python: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "data").mkdir(parents=True)
    for i in range(20_000):
        (work / "data" / str(i)).write_text("x")
    (work / "program.py").write_text("open('ran', 'w')")
    (tmp_path / "tmp").mkdir()
    child = subprocess.Popen([PROGRAM, "rehearse", "--python", python, "--scratch", "program.py"], cwd=work, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=environment(TMPDIR=str(tmp_path / "tmp")))
    wait_until(child, lambda: any((tmp_path / "tmp").glob("unfrag-*/scratch/data")))
    child.terminate()
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGTERM
    assert left_in(tmp_path) == []


@newest_torch
def test_a_signal_that_comes_when_the_program_starts_reaches_it(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import time\ntime.sleep(60)")
    child = begin(python, tmp_path, "program.py")
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    wait_until(child, lambda: any((tmp_path / "tmp").glob("unfrag-*/stage")))
    wait_until(child, lambda: children.read_text() != "")
    child.terminate()
    assert "SIGTERM (15) ended the program" in " ".join(child.communicate(timeout=30)[0].split())
    assert (child.returncode, left_in(tmp_path)) == (0, [])


@newest_torch
def test_what_nohup_ignores_stays_ignored(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(READY + "time.sleep(1)\nprint('FINISHED')")
    child = begin(python, tmp_path, "program.py", ignored=(signal.SIGHUP,))
    wait_until(child, (tmp_path / "ready").exists)
    os.killpg(child.pid, signal.SIGHUP)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "FINISHED" in output


# -- what was killed ---------------------------------------------------------------------------------------------------

@newest_torch
def test_what_a_killed_rehearsal_left_goes_with_the_next_one_and_not_while_its_program_runs(python: str,
                                                                                           tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(READY + "time.sleep(100)")
    (tmp_path / "other.py").write_text("print(1)")
    child = begin(python, tmp_path, "program.py")
    wait_until(child, (tmp_path / "ready").exists)
    child.kill()
    (stale,) = left_in(tmp_path)
    try:
        child.wait()
        run(["rehearse", "-q", "--python", python, "other.py"], cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
        assert left_in(tmp_path) == [stale]
    finally:
        os.kill(int((tmp_path / "ready").read_text()), signal.SIGKILL)
    child.communicate()  # ends when nobody has its output any more
    run(["rehearse", "-q", "--python", python, "other.py"], cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert left_in(tmp_path) == []


# -- a search ----------------------------------------------------------------------------------------------------------

@newest_torch
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_search_that_is_interrupted_says_so_and_ends_as_a_signal_ends_it(python: str, how: signal.Signals,
                                                                           tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nif sys.argv[1] != '1':\n    " + READY.replace("\n", "\n    ") +
                                         "time.sleep(100)")
    child = begin(python, tmp_path, "--fit", "n=1..9", "program.py", "{n}")
    wait_until(child, (tmp_path / "ready").exists)
    os.killpg(child.pid, how)  # as a terminal does
    output, errors = child.communicate(timeout=60)
    assert (child.returncode, output) == (128 + how, "")
    (line,) = [line for line in errors.splitlines() if line.startswith("unfrag: error: ")]
    assert f"--fit was interrupted by {how.name}" in line
    assert "n = 1 fits" in line
    assert left_in(tmp_path) == []


@newest_torch
def test_a_search_is_interrupted_although_the_program_ends_well(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(READY + "try: time.sleep(100)\nexcept KeyboardInterrupt: pass")
    child = begin(python, tmp_path, "-q", "--fit", "n=1..9", "program.py", "{n}")
    wait_until(child, (tmp_path / "ready").exists)
    os.killpg(child.pid, signal.SIGINT)
    assert "interrupted" in child.communicate(timeout=60)[1]
    assert child.returncode == 128 + signal.SIGINT


# -- the short report --------------------------------------------------------------------------------------------------

@newest_torch
@pytest.mark.parametrize(("ending", "said"), [
    ("raise SystemExit(3)", "unfrag: The program ended with exit code 3."),
    ("os.kill(os.getpid(), 9)", "unfrag: SIGKILL (9) ended the program"),
    ("", "")])
def test_the_short_report_says_on_standard_error_how_the_program_failed(python: str, ending: str, said: str,
                                                                        tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(READY + ending)
    done = run(["rehearse", "-q", "--python", python, "program.py"], cwd=tmp_path)
    assert done.code == 0
    assert "GPU memory" in done.text
    assert said in done.message if said else done.message == ""


@newest_torch
def test_the_short_report_too_says_whose_torch_has_a_device(python: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('no torch here')")
    done = run(["rehearse", "-q", "--python", python, "program.py"], cwd=tmp_path)
    assert f"unfrag: CUDA is presented to the torch of {python} alone" in done.message
