"""The wheel: what it asks of the system, what it holds, and that it works where nothing was built."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import support

LIBRARIES = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "ld-linux-x86-64.so.2",
             "libpthread.so.0", "libdl.so.2", "librt.so.1"}  # the last three are glibc's, empty since 2.34

pytestmark = pytest.mark.skipif(not (support.ROOT / "build/release/python").is_dir(), reason="no build folder")


def call(*words: object, **options: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """As pip builds it: with UNFRAG_TEST_ALL all anew, else with the archives of the build folder."""
    folder = tmp_path_factory.mktemp("wheel")
    quick = ["--no-build-isolation", "--config-settings=build-dir=build/release",
             "--config-settings=cmake.define.UNFRAG_TESTS=ON"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call(sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-w", folder, *([] if support.TEST_ALL else quick),
         cwd=support.ROOT, env=environment)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def contents(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("contents")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A new environment without a compiler on its PATH."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    call(folder / "bin/python", "-m", "pip", "install", "--no-index", "--no-deps", wheel,
         env={"PATH": str(folder / "bin"), "HOME": str(folder)})
    return folder


def binaries(contents: Path) -> list[Path]:
    return [path for path in contents.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


def test_it_asks_for_no_library_but_the_usual_ones(contents):
    found = binaries(contents)
    assert sorted(path.name.split(".")[0] for path in found) == ["_core", "unfrag"]
    for path in found:
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", call("readelf", "-d", path)))
        assert needed and needed <= LIBRARIES, path.name
        assert "RUNPATH" not in call("readelf", "-d", path) and "RPATH" not in call("readelf", "-d", path)


def test_it_holds_no_path_of_the_machine_that_built_it(contents):
    own = {str(support.ROOT), str(Path.home()), sys.prefix, sys.base_prefix}
    for path in filter(Path.is_file, contents.rglob("*")):
        held = path.read_bytes()
        for name in own - {"/", "/usr"}:
            assert name.encode() not in held, f"{path.name} has {name}"


def test_it_holds_the_package_its_types_and_the_command(contents):
    names = {path.relative_to(contents).as_posix() for path in contents.rglob("*") if path.is_file()}
    sources = (support.ROOT / "python/unfrag").rglob("*")
    package = {path.relative_to(support.ROOT / "python").as_posix() for path in sources
               if path.is_file() and path.suffix != ".pyc"}
    assert package <= names
    assert "unfrag/py.typed" in names and "unfrag/_core.pyi" in names
    assert any(name.endswith(".data/scripts/unfrag") for name in names)


def test_it_works_in_a_new_environment(installed, tmp_path):
    example = support.EXAMPLES[0]
    environment = {"PATH": str(installed / "bin"), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    printed = call(installed / "bin/unfrag", "explain", example, env=environment, cwd=tmp_path)
    code = f"import unfrag; print(unfrag.load({str(example)!r}).explain(), end='')"
    assert call(installed / "bin/python", "-c", code, env=environment, cwd=tmp_path) == printed
    assert printed == support.run(["explain", example], LC_ALL="C.UTF-8").text
    version = call(installed / "bin/unfrag", "--version", env=environment).split()[1]
    assert call(installed / "bin/python", "-c", "import unfrag; print(unfrag.__version__)", env=environment,
                cwd=tmp_path).strip() == version
