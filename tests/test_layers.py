"""The layer check passes on the project and finds what it is there to find."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKER = ROOT / "tools" / "check_layers.py"


def check(root):
    done = subprocess.run([sys.executable, CHECKER, "--root", root], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path):
    """A project of a few files that passes."""
    write(tmp_path / "src" / "base" / "result.h", "#pragma once\n")
    write(tmp_path / "src" / "trace" / "trace.h", '#pragma once\n#include "base/result.h"\n')
    write(tmp_path / "src" / "trace" / "trace.cpp", '#include "trace/trace.h"\n\n#include <zlib.h>\n')
    write(tmp_path / "src" / "trace" / "CMakeLists.txt", "unfrag_folder(trace SOURCES trace.cpp LINK unfrag_base)\n")
    write(tmp_path / "src" / "ingest" / "unpack.h", "#pragma once\n#include <vector>\n")
    write(tmp_path / "build" / "generated.h", "#include <unistd.h>\n")
    assert check(tmp_path) == (0, [])
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_project_keeps_its_layers():
    assert check(ROOT) == (0, [])


@pytest.mark.parametrize(
    ("file", "include", "says"),
    [
        ("trace/new.h", '"ingest/unpack.h"', 'trace may not include "ingest/unpack.h"'),
        ("trace/new.h", "<ingest/unpack.h>", 'trace may not include "ingest/unpack.h"'),
        ("report/new.h", '"ingest/unpack.h"', 'report may not include "ingest/unpack.h"'),
        ("base/new.h", '"app/explain.h"', 'base may not include "app/explain.h"'),
        ("runtime/new.h", '"replay/replay.h"', 'runtime may not include "replay/replay.h"'),
        ("trace/new.h", '"../base/result.h"', 'includes "../base/result.h"'),
        ("trace/new.h", '"builder.h"', '"builder.h" does not begin with a folder'),
        ("analyze/new.h", "<unistd.h>", "analyze includes unistd.h, a POSIX"),
        ("analyze/new.h", "<sys/mman.h>", "analyze includes sys/mman.h, a POSIX"),
        ("base/os_new.h", "<fcntl.h>", "base includes fcntl.h, a POSIX"),
        ("analyze/new.h", "<Python.h>", "analyze includes Python.h, a Python"),
        ("runtime/new.h", "<cuda_runtime.h>", "runtime includes cuda_runtime.h, a CUDA"),
        ("report/new.h", "<nlohmann/json.hpp>", "report includes nlohmann/json.hpp, a JSON"),
        ("app/new.h", "<CLI/CLI.hpp>", "app includes CLI/CLI.hpp, a CLI11"),
    ],
)
def test_a_forbidden_include_is_named_with_its_line(tree, file, include, says):
    write(tree / "src" / file, f"#pragma once\n\n#include {include}\n")
    status, findings = check(tree)
    assert status == 1
    assert len(findings) == 1
    assert findings[0].startswith(f"src/{file}:3: {says}")
    assert "; try: " in findings[0]


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("analyze/new.h", '"trace/trace.h"'),
        ("app/new.h", '"ingest/unpack.h"'),
        ("analyze/new_test.cpp", '"ingest/unpack.h"'),
        ("base/os_new.cpp", "<fcntl.h>"),
        ("analyze/new.h", "<signal.h>"),
    ],
)
def test_an_allowed_include_passes(tree, file, include):
    folder = (tree / "src" / file).parent
    write(tree / "src" / file, f"#include {include}\n")
    if file.endswith(".cpp"):  # A source must be built, too.
        with (folder / "CMakeLists.txt").open("a", encoding="utf-8") as lists:
            lists.write(f"\ntarget_sources(new PRIVATE {Path(file).name})\n")
    assert check(tree) == (0, [])


def test_a_folder_must_be_in_the_table(tree):
    write(tree / "src" / "misc" / "helpers.h", "#pragma once\n")
    assert check(tree)[1] == [
        "src/misc/helpers.h:1: is in no folder of the table; "
        "try: move it, or add its folder to ARROWS in tools/check_layers.py"
    ]


def test_a_forbidden_link_is_named_with_its_line(tree):
    write(tree / "src" / "alloc" / "CMakeLists.txt", "unfrag_folder(alloc\n  LINK fmt::fmt\n       unfrag_trace)\n")
    assert check(tree) == (
        1,
        ["src/alloc/CMakeLists.txt:3: alloc may not link unfrag_trace; try: link only unfrag_base"],
    )


def test_a_source_left_out_of_the_build_is_found(tree):
    write(tree / "src" / "alloc" / "CMakeLists.txt", "unfrag_folder(alloc SOURCES a.cpp LINK unfrag_base)\n")
    write(tree / "src" / "alloc" / "a.cpp", "")
    write(tree / "src" / "alloc" / "a_test.cpp", "")
    status, findings = check(tree)
    assert status == 1
    assert findings[0].startswith("src/alloc/CMakeLists.txt:1: does not build a_test.cpp")



def test_a_folder_within_a_folder_may_leave_its_tests_to_the_outer_one(tree):
    inner = tree / "src" / "trace" / "inner"
    write(inner / "CMakeLists.txt", "add_library(inner a.cpp)\n")
    write(inner / "a.cpp", "")
    write(inner / "a_test.cpp", "")
    write(tree / "src" / "trace" / "CMakeLists.txt",
          "unfrag_folder(trace SOURCES trace.cpp TESTS inner/a_test.cpp LINK unfrag_base)\n")
    assert check(tree) == (0, [])
