"""A program rehearsed on a device that computes nothing: `unfrag rehearse` from Python."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from unfrag import _core
from unfrag.errors import BadInputError, Error, MissingError, OutputError, UsageError
from unfrag.trace import Size, Trace, load
from unfrag.values.rehearse import RehearsalFields

_ERRORS: Mapping[int, type[Error]] = {2: UsageError, 3: BadInputError, 4: MissingError}


class Rehearsal(RehearsalFields):
    """What a program would need: the peaks, whether it ran out, which GPUs it fits. docs/format/rehearse.md."""

    _text: str
    _snapshot: bytes | None

    def __init__(self, tree: dict[str, Any], text: str, snapshot: bytes | None) -> None:
        super().__init__(tree)
        self.__dict__["_text"] = text
        self.__dict__["_snapshot"] = snapshot

    @property
    def trace(self) -> Trace:
        """What the allocator did. Errors: BadInputError where the program allocated nothing."""
        if self._snapshot is None:
            raise BadInputError(f"{self.program} allocated no device memory; try a program that uses CUDA")
        return load(self._snapshot)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._tree, self._text, self._snapshot))

    def to_json(self) -> str:
        """What the command prints with --format json."""
        return json.dumps(self._tree)

    def __str__(self) -> str:
        """The command's text, but for the command to type next, for which `trace` stands here."""
        return str(self._text).partition("\nNext: ")[0]

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def rehearse(
    program: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    gpu: str | None = None,
    memory: Size | None = None,
    context: Size | None = None,
    devices: int = 1,
    steps: int | None = None,
    fit: str | None = None,
    python: str | os.PathLike[str] | None = None,
    values: str | None = None,
    host_memory: Size | None = None,
    addresses: str | None = None,
    cudnn: str | os.PathLike[str] | None = None,
    scratch: bool = False,
    timing: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Rehearsal:
    """Runs a PyTorch program, unmodified, on a device that computes nothing, with PyTorch's own allocator.

    program: "train.py", or a list with its arguments: ["train.py", "--bs", "64"], ["-m", "package.train"].
    gpu: which to stand in for, such as "rtx4090"; the reference device of 16 GiB unless given.
    fit: "bs=8..512": finds the largest value with which it fits; the program's words name it as {bs}.
    python: the interpreter that runs it; this one unless given. env, cwd: of the program.
    The others are the options of `unfrag rehearse`. What the program prints goes to sys.stderr.
    Errors: MissingError without a CUDA build of torch; UsageError for options that make no sense.
    """
    import tempfile

    words = [os.fspath(word) for word in ([program] if isinstance(program, (str, os.PathLike)) else program)]
    options: dict[str, Any] = {
        "gpu": gpu, "memory": memory, "context": context, "devices": devices, "steps": steps, "fit": fit,
        "python": python or sys.executable, "values": values, "host-memory": host_memory, "addresses": addresses,
        "cudnn": cudnn,
    }  # fmt: skip
    arguments = [str(part) for name, value in options.items() if value is not None for part in (f"--{name}", value)]
    arguments += ["--scratch"] * scratch + ["--timing"] * timing
    with tempfile.TemporaryDirectory(prefix="unfrag-") as folder:
        report, text, snapshot = (os.path.join(folder, name) for name in ("json", "text", "snapshot"))
        outputs = ["--json", report, "-o", text, "--snapshot", snapshot]
        code, said = _run([command(), "rehearse", *outputs, *arguments, "--", *words], env, cwd)
        if code != 0:
            raise _ERRORS.get(code, OutputError)(said or f"unfrag rehearse ended with {code}")
        recording = _read(snapshot) if os.path.exists(snapshot) else None
        return Rehearsal(json.loads(_read(report)), _read(text).decode(), recording)


def _run(words: list[str], env: Mapping[str, str] | None, cwd: Any) -> tuple[int, str]:
    """Passes on what is printed, which a notebook would not see otherwise. The exit code, and the error it says."""
    import codecs
    import select
    import subprocess

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    tail = ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=cwd) as process:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        try:
            # What the program left running may hold the pipe open for ever: the end of the command is the end.
            while (ready := bool(select.select([pipe], [], [], 0.1)[0])) or process.poll() is None:
                if not ready:
                    continue
                data = os.read(pipe, 1 << 16)
                if not data:
                    break
                text = decoder.decode(data)
                sys.stderr.write(text)
                tail = (tail + text)[-_LONGEST_ERROR:]
        except BaseException:  # an interrupted cell ends its program too
            process.terminate()
            raise
    _, found, error = tail.rpartition("unfrag: error: ")
    return process.returncode, error.partition("\n")[0].strip() if found else ""


_LONGEST_ERROR = 1 << 14


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def command() -> str:
    """The program `unfrag` that was installed with this package. Errors: MissingError."""
    import sysconfig

    build_folder = os.path.join(os.path.dirname(_core.__file__), "..", "..", "bin")
    folders = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable), build_folder]
    places = [os.path.join(folder, "unfrag") for folder in folders]
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise MissingError(f"the command unfrag is not at {places[0]}; try installing the package again")
