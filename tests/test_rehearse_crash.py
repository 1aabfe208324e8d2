"""How a rehearsal tells of a program that crashes: the last call into the null device, and a crash on the way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import ROOT, run
from torches import every_torch, newest_torch, rehearse

COPY_BACK = "import torch\nx = torch.ones(5).cuda()\ny = x * 2\ny.cpu()\n"


@every_torch
@pytest.mark.parametrize(("ending", "signal", "name"), [
    ("import ctypes; ctypes.string_at(0)", 11, "SIGSEGV"),
    ("import os; os.abort()", 6, "SIGABRT"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGFPE)", 8, "SIGFPE"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", 7, "SIGBUS"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 9, "SIGKILL"),
])
def test_a_crash_names_the_last_call(python: str, ending: str, signal: int, name: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COPY_BACK + "torch.cuda.synchronize()\n" + ending)
    report = rehearse(python, program)
    assert (report["signal"], report["last_call"], report["at_exit"]) == (signal, "cudaDeviceSynchronize", False)
    text = " ".join(run(["rehearse", "--python", python, program]).text.split())
    assert (f"{name} ({signal}) ended the program; the figures are up to then. The last call into the null device was "
            "cudaDeviceSynchronize.") in text


@newest_torch
def test_the_last_call_is_that_of_the_thread_that_crashed(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COPY_BACK + """
import ctypes, threading
def crash():
    torch.cuda.mem_get_info()
    done.wait()
    ctypes.string_at(0)
done = threading.Event()
thread = threading.Thread(target=crash)
thread.start()
torch.cuda.synchronize()
done.set()
thread.join()
""")
    report = rehearse(python, program)
    assert (report["signal"], report["last_call"]) == (11, "cudaMemGetInfo")


@newest_torch
def test_a_call_of_a_mathematical_library_is_named_too(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import ctypes, torch\na = torch.ones(8, 8, device='cuda')\nb = a @ a\n"
                       "ctypes.CDLL(None).cublasGetVersion_v2(None, ctypes.byref(ctypes.c_int()))\nctypes.string_at(0)")
    assert rehearse(python, program)["last_call"] == "cublasGetVersion_v2"


@newest_torch
def test_a_program_that_ends_by_itself_has_no_last_call(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COPY_BACK + "raise SystemExit(3)")
    report = rehearse(python, program)
    assert (report["exit_code"], report["last_call"], report["at_exit"]) == (3, None, False)


@newest_torch
def test_a_handler_of_the_programs_own_still_runs(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COPY_BACK + "import ctypes, faulthandler\nfaulthandler.enable()\nctypes.string_at(0)")
    report = rehearse(python, program)
    assert "Fatal Python error: Segmentation fault" in report["printed"]
    assert report["signal"] == 11 and report["last_call"]


@every_torch
def test_a_crash_while_python_shuts_down_is_a_note(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COPY_BACK + """
import os
class Last:
    def __del__(self, abort=os.abort): abort()
import sys
sys.kept_to_the_end = Last()
""")
    report = rehearse(python, program)
    assert (report["signal"], report["at_exit"]) == (6, True)
    text = " ".join(run(["rehearse", "--python", python, program]).text.split())
    assert "The program had come to its end: SIGABRT (6) ended it while Python was shutting down." in text


# What PyTorch's guards ask around every operation, whatever it is; what a library's loading does; functions of PyTorch's
# own, which are noted and called; the end of a process.
NOT_ENTERED = re.compile(
    "cudaGetDevice|cudaSetDevice|cudaGetLastError|cudaPeekAtLastError|cudaStreamIsCapturing|cudaStreamGetCaptureInfo.*|"
    "cudaThreadExchangeStreamCaptureMode|cuDevicePrimaryCtxGetState|cuCtxGetCurrent|cuCtxGetDevice|__cudaRegister.*|"
    "__cudaUnregister.*|__cudaInitModule|__attribute__|UNFRAG_[A-Z0-9_]+|_exit")


def test_every_function_of_the_null_device_says_that_it_was_entered() -> None:
    function = re.compile(r"^UNFRAG_NULL_API [^{;]*?(\w+)\([^{;]*\) \{(.*?)(?:\}$)", re.MULTILINE | re.DOTALL)
    silent, count = set(), 0
    for source in (ROOT / "src" / "rehearsal" / "null").glob("*.cpp"):
        for name, body in function.findall(source.read_text()):
            count += 1
            if "Entered()" not in body and "const Entered entered;" not in body:
                silent.add(name)
    assert count > 200
    assert {name for name in silent if not NOT_ENTERED.fullmatch(name)} == set()
