"""Runs the program and tells how it ended, how long it computed and how much memory it took at most.

The system counts a child's peak memory from its parent's at the time of the fork, and a test run is large. So a process
of its own, which imports next to nothing, starts the program: this file run as a script.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_S = 20  # a run that takes longer hangs
MOST_BYTES = 4 << 30  # keeps a runaway from taking the machine with it
MOST_OUTPUT = 512 << 20


@dataclass(frozen=True)
class Measured:
    code: int  # negative: the signal that ended it
    cpu_s: float
    peak_bytes: int
    out: bytes
    err: bytes


class Meter:
    """One run at a time; `folder` holds what the program writes."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._files = [str(folder / name) for name in ("out", "err")]
        self._server = subprocess.Popen([sys.executable, "-S", "-E", __file__, *self._files], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def run(self, *args: Any) -> Measured:
        assert self._server.stdin and self._server.stdout
        print(json.dumps([self._program, *map(str, args)]), file=self._server.stdin, flush=True)
        code, cpu_s, peak_bytes = json.loads(self._server.stdout.readline())
        out, err = (Path(name).read_bytes() for name in self._files)
        return Measured(code, cpu_s, peak_bytes, out, err)

    def close(self) -> None:
        self._server.communicate()


def measure(args: list[str], actions: list[Any]) -> tuple[int, float, int]:
    pid = os.posix_spawn(args[0], args, os.environ, file_actions=actions)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(LONGEST_S)
    _, status, usage = os.wait4(pid, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def serve(out: str, err: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, out, write, 0o600),
               (os.POSIX_SPAWN_OPEN, 2, err, write, 0o600)]
    for line in sys.stdin:
        print(json.dumps(measure(json.loads(line), actions)), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
