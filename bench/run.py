#!/usr/bin/env python3
"""Measures the budgets of unfrag against a peer, side by side in one run: reading and explaining against CPython's own
reader, replay against the same rules on std::set (bench/replay_bench.cpp says how), and the null device of a rehearsal
against the training step that runs on it; whole rehearsals have no peer. They run with UNFRAG_TEST_TORCH's first interpreter.

Times are of the processor, user and system, which other work on the machine disturbs least. Every ratio is taken
pair by pair, unfrag and the peer in turn, so that it holds while the speed drifts; quote the medians. Peak
memory is what the operating system says of the finished process (ru_maxrss).

    ./dev bench            the files at hand and generated ones of up to 60 MB
    ./dev bench --large    also 1.5 GB with 5 million entries (about 2 GB of disk in build/bench)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
UNFRAG = BUILD / "unfrag"
READER = BUILD / "release" / "bin" / "read_bench"
REPLAYER = BUILD / "release" / "bin" / "replay_bench"
LAUNCHER = BUILD / "release" / "bin" / "peak_run"
FILES = BUILD / "bench"
REHEARSED = ROOT / "bench" / "rehearsed"
CORPUS = ROOT.parent / "shared" / "corpus"
MIB = 1 << 20

READ_BUDGET = 15.0      # times pickle.load, reading into a Trace
EXPLAIN_BUDGET = 10.0   # times pickle.load, the whole process, files over 10 MB
REPLAY_BUDGET = 20.0    # million events a second on one core, trace in memory
OPERATION_BUDGET = 30.0  # ns, median of an allocation or a free
REHEARSE_BUDGET = 30.0  # seconds of the processor, of the program and all that is around it
TABLE_BUDGET = 1.2      # times load(file).explain(): from the file to a pandas table of events
PEER_BUDGET = 1.5       # times the peer on std::set: less would not be worth the code
NULL_DEVICE_BUDGET = 1 / 6  # of the time of a training step, in the null device
SLACK_BYTES = 12 * MIB  # memory beyond the file, or beyond 1.2 times it for explain

# The benchmark's files are the generator's or recordings kept for tests. Still nothing but plain data is loaded.
LOAD = """
import pickle, sys, time
class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise ValueError(f"{module}.{name}")
with open(sys.argv[1], "rb") as file:
    start = time.process_time()
    Plain(file).load()
    print(time.process_time() - start)
"""


@dataclass
class Run:
    seconds: float
    peak_bytes: int
    output: str


def run(command: list[str]) -> Run:
    """Runs a command to its end; processor seconds and peak resident bytes are of the whole process."""
    FILES.mkdir(parents=True, exist_ok=True)
    figures = FILES / "figures"
    done = subprocess.run([str(LAUNCHER), str(figures), *command], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"failed with status {done.returncode}: {' '.join(command)}")
    seconds, peak = figures.read_text().split()
    return Run(float(seconds), int(peak), done.stdout.decode())


def generated(name: str, *options: str) -> Path:
    """A snapshot of tools/gen_snapshot.py, made once and kept in build/bench."""
    path = FILES / name
    if not path.exists():
        FILES.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, str(ROOT / "tools" / "gen_snapshot.py"), "train", "-o", str(part), *options],
                       check=True, stdout=subprocess.DEVNULL)
        part.rename(path)
    return path


def files(large: bool) -> list[Path]:
    chosen = [
        generated("train_500k.pickle", "--events", "500000"),
        generated("train_400k_2.15.pickle", "--events", "400000", "--torch", "2.15.0"),
        generated("train_200k_cpp.pickle", "--events", "200000", "--stacks", "cpp"),
        generated("train_500k_no_stacks.pickle", "--events", "500000", "--stacks", "none"),
    ]
    recording = CORPUS / "pytorch" / "fastai_resize.default.torch2.15.0.pickle"
    if recording.exists():
        chosen.append(recording)
    if large:
        chosen.append(generated("train_5m.pickle", "--events", "5000000", "--depth", "140"))
    return chosen


def replay_files() -> list[Path]:
    names = ("varlen.default.torch2.15.0.pickle", "fastai_resize.default.torch2.15.0.pickle")
    recordings = [CORPUS / "pytorch" / name for name in names]
    return [generated("train_100k_2.15.pickle", "--events", "100000", "--torch", "2.15.0"),
            *(recording for recording in recordings if recording.exists())]


@dataclass
class Row:
    what: str
    file: Path
    value: float
    budget: float
    more_is_better: bool

    @property
    def holds(self) -> bool:
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget

    def __str__(self) -> str:
        sign = ">=" if self.more_is_better else "<="
        verdict = "ok" if self.holds else "OVER BUDGET"
        return f"{self.what:<38} {self.file.name:<44} {self.value:>8.2f}  {sign} {self.budget:<6.2f} {verdict}"


def measure(path: Path, pairs: int) -> list[Row]:
    """Ratios against pickle.load of the same file, and peak memory against the file's size."""
    size = path.stat().st_size
    reads, explains, read_peaks, explain_peaks = [], [], [], []
    for _ in range(pairs):
        load = float(run([sys.executable, "-c", LOAD, str(path)]).output)
        read = run([str(READER), str(path), "1"])
        explain = run([str(UNFRAG), "explain", "--format", "json", str(path)])
        reads.append(load / float(read.output.split()[0]))
        explains.append(load / explain.seconds)
        read_peaks.append(read.peak_bytes)
        explain_peaks.append(explain.peak_bytes)
    rows = [
        Row("read: times faster than pickle.load", path, statistics.median(reads), READ_BUDGET, True),
        Row("explain: times faster, whole process", path, statistics.median(explains), EXPLAIN_BUDGET, True),
        Row("read: peak MiB", path, max(read_peaks) / MIB, (size + SLACK_BYTES) / MIB, False),
        Row("explain: peak MiB", path, max(explain_peaks) / MIB, (1.2 * size + SLACK_BYTES) / MIB, False),
    ]
    events = int(run([str(READER), str(path), "1"]).output.split()[2])
    print(f"# {path.name}: {size / 1e6:.1f} MB, {events:,} entries, {size / max(events, 1):.0f} B an entry")
    for row in rows:
        print(row, flush=True)
    return rows


def measure_replay(path: Path, repetitions: int) -> list[Row]:
    """Events a second, time an operation, and the ratio to the peer, of the program in a recording."""
    done = subprocess.run([str(REPLAYER), str(path), str(repetitions)], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    rows = [
        Row("replay: million events a second", path, found["events_per_second"] / 1e6, REPLAY_BUDGET, True),
        Row("replay: ns an operation, median", path, found["operation_ns"], OPERATION_BUDGET, False),
        Row("replay: times faster than std::set", path, found["times_faster"], PEER_BUDGET, True),
    ]
    print(f"# {path.name}: {found['events']:,} entries, {found['operations']:,} operations; the peer does "
          f"{found['peer_events_per_second'] / 1e6:.1f} million events a second, an operation in "
          f"{found['peer_operation_ns']:.0f} ns")
    for row in rows:
        print(row, flush=True)
    return rows


def measure_rehearsal(program: Path, python: str) -> list[Row]:
    """A real program with real PyTorch, from its start to the report."""
    done = run([str(UNFRAG), "rehearse", "-q", "--pass-exit-code", "--format", "json", "--memory", "80GiB", "--python",
                python, str(program)])
    found = json.loads(done.output)
    row = Row("rehearse: seconds, whole process", program, done.seconds, REHEARSE_BUDGET, False)
    print(f"# {program.name}: {found['kernel_launches']:,} kernels, {found['torch']}\n{row}", flush=True)
    return [row]


def measure_null_device(python: str, repetitions: int) -> list[Row]:
    """The null device's share of the time of a training step: 24 layers, from the first request for memory on."""
    program = ROOT / "examples" / "train.py"
    command = [str(UNFRAG), "rehearse", "-q", "--timing", "--format", "json", "--memory", "80GiB", "--python", python,
               str(program), "--layers", "24", "--batch", "8", "--steps", "100"]
    timings = [json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["timing"]
               for _ in range(repetitions)]
    timing = sorted(timings, key=lambda one: one["share"])[repetitions // 2]
    families = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in timing["families"].items())
    print(f"# rehearse {program.name}: {timing['seconds']:.2f} s of {timing['program_seconds']:.2f} s ({families})")
    row = Row("rehearse: null device, share of a step", program, timing["share"], NULL_DEVICE_BUDGET, False)
    print(row, flush=True)
    return [row]


def measure_tables(path: Path, python: str, pairs: int) -> list[Row]:
    """From a file to a pandas table, in Python."""
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "release" / "python")}
    done = subprocess.run([python, str(ROOT / "bench" / "table_run.py"), str(path), str(pairs)], stdout=subprocess.PIPE,
                          check=True, env=environment)
    ratios = [table / explain for table, explain in json.loads(done.stdout)]
    row = Row("python: file to pandas, times load().explain()", path, statistics.median(ratios), TABLE_BUDGET, False)
    print(row, flush=True)
    return [row]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also a 1.5 GB file with 5 million entries")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each file (default: 5)")
    parser.add_argument("file", nargs="*", type=Path, help="read and explain these files instead, and no more")
    arguments = parser.parse_args()
    print(f"# peer: pickle.load of CPython {sys.version.split()[0]}; medians of {arguments.pairs} pairs, of replay three "
          "times as many")
    rows = []
    for path in arguments.file or files(arguments.large):
        pairs = arguments.pairs if path.stat().st_size < 1e9 else min(arguments.pairs, 2)
        rows += measure(path, pairs)
    for path in [] if arguments.file else replay_files():
        rows += measure_replay(path, 3 * arguments.pairs)
    package = os.environ.get("UNFRAG_PACKAGE_PYTHON")
    if not package:
        print("# no tables: UNFRAG_PACKAGE_PYTHON names no interpreter that the package is built for")
    for path in files(False) if package and not arguments.file else []:
        rows += measure_tables(path, package, arguments.pairs)
    pythons = os.environ.get("UNFRAG_TEST_TORCH", "").split(":")
    if not pythons[0]:
        print("# no rehearsals: UNFRAG_TEST_TORCH names no interpreter with PyTorch")
    for program in sorted(REHEARSED.glob("*.py")) if pythons[0] and not arguments.file else []:
        rows += measure_rehearsal(program, pythons[0])
    if pythons[0] and not arguments.file:
        rows += measure_null_device(pythons[0], 3)
    over = [row for row in rows if not row.holds]
    print(f"# {len(rows) - len(over)} of {len(rows)} within budget")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
