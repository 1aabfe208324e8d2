"""Reading recordings from Python: from anywhere, by many threads, and without a trace left behind."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import support
import unfrag

EXAMPLE = support.EXAMPLES[0]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("path", support.named([*support.recordings("pytorch"), *support.recordings("snapshots")]))
def test_a_snapshot_in_memory_equals_its_file(path):
    in_memory = unfrag.load(support.load(path))
    from_file = unfrag.load(path)
    assert in_memory == from_file
    one, other = in_memory.explain().to_dict(), from_file.explain().to_dict()
    for report in (one, other):
        del report["source"]["path"], report["source"]["bytes"]
    assert one == other


def test_bytes_and_files_and_packed_files_are_the_same_recording(tmp_path):
    data = EXAMPLE.read_bytes()
    packed = tmp_path / "packed.pickle.gz"
    packed.write_bytes(gzip.compress(data))
    expected = unfrag.load(EXAMPLE)
    for source in (str(EXAMPLE), data, bytearray(data), memoryview(data), io.BytesIO(data), packed, expected):
        assert unfrag.load(source) == expected
    assert unfrag.load(support.EXAMPLES[1]) != expected
    assert expected != "a text"


def test_a_list_of_segments_is_a_recording():
    segments = support.small_snapshot()["segments"]
    assert len(unfrag.load(segments).segments) == len(segments)


def test_a_path_need_not_be_unicode(tmp_path):
    path = os.fsencode(tmp_path) + b"/na\xefve.pickle"
    with open(path, "wb") as file:
        file.write(EXAMPLE.read_bytes())
    trace = unfrag.load(os.fsdecode(path))
    assert trace == unfrag.load(EXAMPLE)
    assert "\\xefve.pickle" in trace.explain().source.path


@pytest.mark.parametrize(("source", "error", "message"), [
    (b"no snapshot", unfrag.BadInputError, "byte"), ("/no/such/file", unfrag.BadInputError, "/no/such/file"),
    (7, unfrag.UsageError, "an? int is no recording"), (io.StringIO("text"), unfrag.UsageError, "opened as text"), (None, unfrag.UsageError, "NoneType"),
    ({"segments": [lambda: 0]}, unfrag.BadInputError, "snapshot")])
def test_what_is_no_recording_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        unfrag.load(source)


def test_errors_are_one_tree_with_the_commands_messages(tmp_path):
    bad = tmp_path / "bad.pickle"
    bad.write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(unfrag.BadInputError) as failed:
        unfrag.load(bad)
    error = failed.value
    assert isinstance(error, (unfrag.Error, ValueError))
    assert support.run(["explain", bad]).message == f"unfrag: error: {error}\n"
    assert error.file == str(bad) and error.where.startswith("byte") and error.what and error.action
    with pytest.raises(unfrag.UsageError, match="--device 9"):
        unfrag.load(EXAMPLE).explain(device=9)
    with pytest.raises(unfrag.UsageError, match="not a size"):
        unfrag.load(EXAMPLE).explain(want="much")
    with pytest.raises(TypeError, match="it takes"):
        unfrag.load(EXAMPLE).explain(wants="1GiB")
    for kind in (unfrag.UsageError, unfrag.BadInputError, unfrag.MissingError, unfrag.OutputError):
        assert issubclass(kind, unfrag.Error)


def test_a_cut_file_gives_what_precedes_the_cut():
    data = EXAMPLE.read_bytes()
    trace = unfrag.load(data[: len(data) // 2])
    assert trace.explain().source.truncated and trace.warnings
    assert 0 < len(trace.events) < len(unfrag.load(EXAMPLE).events)


def test_many_loads_and_drops_leave_no_memory_behind():
    data = EXAMPLE.read_bytes()
    rounds = 10_000 if support.TEST_ALL else 1_500

    def use() -> None:
        trace = unfrag.load(data)
        trace.explain().verdict.kind
        trace.events.__arrow_c_stream__()

    for _ in range(rounds // 5):
        use()
    gc.collect()
    before = resident_bytes()
    for _ in range(rounds):
        use()
    gc.collect()
    assert resident_bytes() - before < 4 << 20


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor")
def test_threads_read_different_files_at_the_same_time():
    """Two threads take less than twice the time of one: the lock of the interpreter is not held. Ratios, since other
    programs run as well."""
    sources = [path.read_bytes() for path in support.EXAMPLES[:2]]

    def work(data: bytes) -> None:
        for _ in range(60):
            unfrag.load(data).explain()

    def measure(parallel: bool) -> float:
        start = time.perf_counter()
        threads = [threading.Thread(target=work, args=(data,)) for data in sources]
        for thread in threads:
            thread.start()
            if not parallel:
                thread.join()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    best = min(measure(True) / measure(False) for _ in range(4))
    if best >= 0.75 and os.getloadavg()[0] > len(os.sched_getaffinity(0)) + 1:
        pytest.skip("other programs have the processors")
    assert best < 0.75


def test_a_thread_that_reads_lets_others_run():
    data = EXAMPLE.read_bytes()
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    for _ in range(20):
        unfrag.load(data).explain()
    done.set()
    thread.join()
    assert counted > 1000


def test_importing_it_imports_nothing_else_and_is_quick():
    code = """
import sys, time
start = time.perf_counter()
import unfrag
seconds = time.perf_counter() - start
others = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - {"unfrag", "__mp_main__"}
import json
print(json.dumps({"seconds": seconds, "others": sorted(n for n in others if not n.startswith(("_", "sitecustomize")))}))
"""
    found = [json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True,
                                       env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).stdout)
             for _ in range(5)]
    assert found[0]["others"] == []
    assert min(one["seconds"] for one in found) < 0.05


def test_a_recording_goes_to_another_process_and_is_no_key():
    trace = unfrag.load(EXAMPLE)
    assert pickle.loads(pickle.dumps(trace)) == trace  # made here, not read from a file
    with pytest.raises(TypeError):
        hash(trace)


def test_an_error_about_a_file_whose_name_is_no_unicode_says_so(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/na\xefve.pickle")
    with open(path, "wb") as file:
        file.write(b"nothing")
    with pytest.raises(unfrag.BadInputError) as failed:
        unfrag.load(path)
    assert failed.value.file == path


@pytest.mark.parametrize("told", [{"addresses": "left"}, {"memory": "1GiB", "fraction": 2},
                                  {"memory": "1GiB", "fraction": -1.0}, {"memory": "1GiB", "fraction": float("inf")}])
def test_what_the_command_refuses_is_refused(told):
    with pytest.raises(unfrag.UsageError):
        unfrag.load(EXAMPLE).replay(**told)


def test_a_recording_in_memory_names_no_command_to_type():
    assert "Next:" in str(unfrag.load(EXAMPLE).explain())
    assert "Next:" not in str(unfrag.load(EXAMPLE.read_bytes()).explain())
