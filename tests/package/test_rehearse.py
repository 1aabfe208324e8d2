"""A rehearsal from Python gives what the command gives."""

from __future__ import annotations

import copy
import json
import os
import pickle
import time

import pytest
import support
import unfrag
from test_values import compare

TORCH = os.environ.get("UNFRAG_TEST_TORCH", "").split(":")[0]
PROGRAM = '''
import sys, torch
x = [torch.zeros(1 << 20, device="cuda") for _ in range(int(sys.argv[1]))]
print("printed by the program")
'''

needs_torch = pytest.mark.skipif(not TORCH, reason="UNFRAG_TEST_TORCH names no Python with torch")


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@needs_torch
def test_a_rehearsal_is_that_of_the_command(program, capsys):
    found = unfrag.rehearse([program, "10"], gpu="rtx3060", python=TORCH)
    assert "printed by the program" in capsys.readouterr().err
    done = support.run(["rehearse", "--format", "json", "--gpu", "rtx3060", "--python", TORCH, "--", program, "10"])
    raw = json.loads(done.text)
    for report in (raw, found._tree):
        report["explanation"]["source"]["bytes"] = 0
        report["process_list"][0]["process"] = 0
    assert compare(found, raw) > 200
    assert found.device.name == "NVIDIA GeForce RTX 3060" and found.num_ooms == 0
    assert found.trace.explain().chosen.peak.allocated_bytes == 10 << 22
    assert "needs 40.00 MiB" in str(found) and "Next" not in str(found)


@needs_torch
def test_the_largest_that_fits_is_found(program):
    found = unfrag.rehearse([program, "{n}"], memory="1GiB", context=0, fit="n=1..1000", python=TORCH)
    assert found.fit.largest == 255


@needs_torch
def test_running_out_of_memory_is_a_result(program):
    found = unfrag.rehearse([program, "1000"], memory="1GiB", python=TORCH)
    assert found.num_ooms == 1 and found.exit_code == 1
    assert found.trace.verdict.kind == "capacity"


def test_without_torch_it_says_what_is_missing(program):
    with pytest.raises(unfrag.MissingError, match="torch"):
        unfrag.rehearse([program, "1"], python="/usr/bin/python3")


def test_options_that_make_no_sense_are_the_commands_errors(program):
    with pytest.raises(unfrag.UsageError, match="no-such-gpu"):
        unfrag.rehearse(program, gpu="no-such-gpu")


@needs_torch
def test_what_the_program_leaves_running_is_not_waited_for(tmp_path, capsys):
    path = tmp_path / "program.py"
    path.write_text("import subprocess, torch; torch.zeros(3, device='cuda')\n"
                    "print('1\\r2'); subprocess.Popen(['sleep', '60'])")
    begin = time.monotonic()
    found = unfrag.rehearse(path, python=TORCH)
    assert time.monotonic() - begin < 50
    assert "1\r2" in capsys.readouterr().err
    assert copy.deepcopy(found) == found and str(pickle.loads(pickle.dumps(found))) == str(found)  # made here
