"""A recording of what the allocator did, and what can be asked of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Union

from unfrag import _core
from unfrag.errors import BadInputError, UsageError
from unfrag.reports import IN_MEMORY, Advice, Comparison, Explanation, Holders, Message, Picture, Replay, Timeline
from unfrag.tables import Table
from unfrag.values.explain import Blocker, Verdict

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: A number of bytes, or text such as "24GiB" (kB, MB and GB are powers of ten).
Size = Union[int, str]


class Told(TypedDict, total=False):
    """What a recording does not tell, by keyword; see Trace."""

    device: int | None
    memory: Size | None
    context: Size | None
    fraction: float | None
    addresses: str | None
    torch: str | None


class Trace:
    """A recording: what PyTorch's allocator did, and the state it left. It does not change; threads may share it.

    What a recording does not tell can be told to most methods, by keyword:
    device: the GPU to report on, by ordinal; the one with most entries unless given.
    memory: all memory of the device (Size). context: what the process's CUDA context takes of it (Size).
    fraction: the process's set_per_process_memory_fraction. addresses: "up" or "down", where new segments lie.
    torch: the PyTorch release that made it, such as "2.9".
    Errors of all methods: UsageError where an argument makes no sense for this recording, BadInputError where the
    recording lacks what the question needs.
    """

    __slots__ = ("_core", "_explanation", "__weakref__")

    def __init__(self, core: _core.Recording) -> None:
        """Not for you: `unfrag.load` makes them."""
        self._core = core
        self._explanation: Explanation | None = None

    def explain(
        self,
        *,
        at: int | str | None = None,
        group: str = "line",
        want: Size | None = None,
        stream: int = 0,
        **told: Unpack[Told],
    ) -> Explanation:
        """Who holds the memory, why the last request failed, what stands in its way.

        at: the moment: the number of an entry, "peak", "oom" or "end"; unless given the last failed request, else the
        end.
        group: what a holder is: "line", "function", "stream" or "segment".
        want: would a request of that size on `stream` be served?
        """
        plain = at is None and group == "line" and want is None and all(value is None for value in told.values())
        if plain and self._explanation is not None:
            return self._explanation
        arguments = _core.ExplainArguments()
        arguments.at = "" if at is None else str(at)
        arguments.group = group
        arguments.want = _size(want)
        arguments.stream = stream
        arguments.recording = _recording_arguments(told)
        explanation = Explanation(self._core.explain(arguments))
        if plain:
            self._explanation = explanation
        return explanation

    def replay(
        self, conf: str | None = None, *, curves: bool = False, timing: bool = False, **told: Unpack[Told]
    ) -> Replay:
        """Runs PyTorch's allocator again on what was recorded.

        conf: other settings, as in PYTORCH_CUDA_ALLOC_CONF, or "default"; those of the recording unless given.
        curves: with memory over time. timing: measures how fast it runs.
        """
        return Replay(self._core.replay(_recording_arguments(told), conf, curves, timing))

    def advise(self, **told: Unpack[Told]) -> Advice:
        """Which settings would have helped, each replayed, best first."""
        explanation = self.explain(**told)
        return Advice(_core.advise(explanation._core, _recording_arguments(told)))

    def holders(self, at: int | str | None = None, group: str = "line", **told: Unpack[Told]) -> Holders:
        """Who holds allocated memory at a moment, most first; as `explain` takes it."""
        return self.explain(at=at, group=group, **told).holders

    def timeline(self, **told: Unpack[Told]) -> Timeline:
        """Memory over the entries of the trace; draws itself in a notebook."""
        return self.explain(**told).timeline

    def address_space(self, at: int | str | None = None, **told: Unpack[Told]) -> Picture:
        """Segments and their blocks at a moment, to scale; draws itself in a notebook."""
        return self.explain(at=at, **told).address_space

    @property
    def verdict(self) -> Verdict | None:
        """Why memory ran out, or what is to be said about the end; None where the recording has no GPU."""
        return self.explain().verdict

    @property
    def blockers(self) -> Sequence[Blocker]:
        """The live blocks in the way of the request that failed, cheapest first."""
        return self.explain().blockers

    @property
    def events(self) -> Table:
        """A row a trace entry: docs/format/tables.md."""
        return Table(self._core.events(), "events")

    @property
    def blocks(self) -> Table:
        """A row a block, as the snapshot shows it."""
        return Table(self._core.blocks(), "blocks")

    @property
    def segments(self) -> Table:
        """A row a segment, as the snapshot shows it."""
        return Table(self._core.segments(), "segments")

    @property
    def stacks(self) -> Table:
        """A row a frame, innermost first; `stack` is what the other tables name."""
        return Table(self._core.stacks(), "stacks")

    @property
    def warnings(self) -> list[str]:
        """What the reader noticed, in sentences."""
        return self._core.warnings

    def to_snapshot(self) -> bytes:
        """A pickle like those of torch.cuda.memory._dump_snapshot, which memory_viz reads."""
        return self._core.snapshot()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `to_snapshot()` to a file. Errors: OSError."""
        with open(path, "wb") as file:
            file.write(self.to_snapshot())

    def __eq__(self, other: object) -> bool:
        """Whether two recordings say the same, wherever they were read from."""
        return self._core.equals(other._core) if isinstance(other, Trace) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return (load, (self.to_snapshot(),))

    def __str__(self) -> str:
        return str(self.explain())

    def __repr__(self) -> str:
        return f"<unfrag.Trace {self._core.name}: {len(self.events):,} events>"

    def _repr_html_(self) -> str:
        return self.explain()._repr_html_()


def load(source: Any, *, max_unpacked: Size | None = None) -> Trace:
    """Reads a recording.

    source: the path of a snapshot (pickle, JSON or memory_viz page; plain, gzip, zstd or zip), its bytes, a binary
    file, or what torch.cuda.memory._snapshot() or memory_snapshot() gives. Nothing in it is ever executed.
    max_unpacked: most bytes to unpack (Size); 1,000 times the file and 64 GiB unless given.
    Errors: BadInputError with the offset of the byte where it cannot be read. A file that was cut gives what precedes
    the cut.
    """
    limit = _size(max_unpacked)
    if isinstance(source, Trace):
        return source
    if isinstance(source, (str, os.PathLike)):
        return Trace(_core.load_file(os.fsencode(source), limit))
    if isinstance(source, (Mapping, list)):
        return Trace(_core.load_bytes(_pickled(source), IN_MEMORY[0], limit))
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        return Trace(_core.load_bytes(_bytes_of(source.read()), name if isinstance(name, str) else IN_MEMORY[2], limit))
    return Trace(_core.load_bytes(_bytes_of(source), IN_MEMORY[1], limit))


def diff(
    a: Any, b: Any = None, *, conf: str | None = None, fail_on: Iterable[str] = (), **told: Unpack[Told]
) -> Comparison:
    """What changed from recording `a` to `b`, by line.

    a, b: Traces, or what `load` takes. conf: instead of b, a replayed under other settings.
    fail_on: bounds such as "peak_reserved>+5%", whose outcome `gates` has.
    """
    first = load(a)
    gates = [fail_on] if isinstance(fail_on, str) else list(fail_on)
    if b is not None and conf is not None:
        raise UsageError("conf replays a, so that there is no place for b; try one or the other")
    if b is None:
        if conf is None and told.get("memory") is None:
            raise UsageError("b is missing; try a second recording, or conf or memory for a what-if of a")
        recorded = first.explain(device=told.get("device"))._core
        what_if = _core.what_if(recorded, _recording_arguments(told), conf)
        return Comparison(_core.diff(recorded, what_if, gates))
    return Comparison(_core.diff(first.explain(**told)._core, load(b).explain(**told)._core, gates))


def explain_message(text: str, *, name: str = "message") -> Message:
    """What follows from the text of an out-of-memory error, or from a memory_summary() table.

    Text around it does no harm. name: what to call it. Errors: BadInputError where the text has neither.
    """
    return Message(_core.explain_message(text, name))


def _bytes_of(source: Any) -> bytes:
    if isinstance(source, str):
        raise UsageError("the file was opened as text; try open(path, 'rb')")
    try:
        return bytes(memoryview(source))
    except TypeError:
        raise UsageError(
            f"a {type(source).__name__} is no recording; try a path, or what torch.cuda.memory._snapshot() gives"
        ) from None


def _pickled(snapshot: Any) -> bytes:
    """The bytes of a file of it: the reader of files then takes it, so that both are the same recording."""
    import pickle

    try:
        return pickle.dumps(snapshot, protocol=4)
    except Exception as error:  # an object of any kind may hide in a dict
        raise BadInputError(f"the snapshot holds what none does: {error}; try torch.cuda.memory._snapshot()") from error


def _size(size: Size | None) -> str:
    return "" if size is None else str(size)


def _recording_arguments(told: Told) -> _core.RecordingArguments:
    arguments = _core.RecordingArguments()
    for name, value in told.items():
        if name not in Told.__annotations__:
            raise TypeError(f"unexpected argument {name!r}; it takes {', '.join(Told.__annotations__)}")
        if value is not None:
            setattr(arguments, name, str(value) if name in ("memory", "context") else value)
    return arguments
