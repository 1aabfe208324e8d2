"""What recordings were found to say: reports that print as the command's text, with every field of its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, overload

from unfrag import _core
from unfrag.tables import Table
from unfrag.values._base import Value, Values, restored
from unfrag.values.advise import AdviceFields
from unfrag.values.diff import ComparisonFields
from unfrag.values.explain import Blocker, Device, ExplanationFields, Holder, Suspect, Verdict
from unfrag.values.message import MessageFields
from unfrag.values.replay import ReplayFields

if TYPE_CHECKING:
    from unfrag.trace import Trace


#: Names of recordings that are no file, for which there is no command to type next.
IN_MEMORY = ("snapshot in memory", "bytes in memory", "file in memory")


class _CoreReport(Protocol):
    """What the compiled reports have in common."""

    def json(self) -> str: ...
    def text(self, width: int = 80, color: bool = False, stacks: bool = False, top: int = 10) -> str: ...
    def html(self) -> str: ...


class Report(Value):
    """A report of the core. Its JSON is read when a field is first asked for."""

    _core: _CoreReport

    def __init__(self, core: Any) -> None:
        self.__dict__["_core"] = core

    @cached_property
    def _tree(self) -> dict[str, Any]:  # type: ignore[override]
        tree: dict[str, Any] = json.loads(self._core.json())
        return tree

    def to_json(self) -> str:
        """What the command prints with --format json, one line."""
        return self._core.json()

    def text(self, width: int = 80, *, color: bool = False, stacks: bool = False, top: int = 10) -> str:
        """What the command prints.

        width: columns, 60 and more. color: with the escapes of a terminal. stacks: whole stacks. top: lines of a list.
        """
        text = self._core.text(width, color, stacks, top)
        return text.partition("\nNext: ")[0] if text.startswith(IN_MEMORY) else text

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self._core.html()

    def __copy__(self) -> Report:
        return self

    def __deepcopy__(self, memo: object) -> Report:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets the fields: text and pictures need the recording."""
        fields = next(base for base in type(self).__mro__ if base.__name__.endswith("Fields"))
        return (restored, (fields.__name__, self._tree))


class Explanation(Report, ExplanationFields):
    """What `unfrag explain` finds out: who holds the memory, why a request failed, what stands in its way.

    Its own fields are those of unfrag.explain/1; `verdict`, `blockers`, `holders` and `growth` are those of the device
    that the report is about (`device`), one of `devices`.
    """

    _core: _core.Explanation

    @property
    def chosen(self) -> Device | None:
        """Of `devices`, the one that the report is about; None where the recording has no GPU."""
        return next((device for device in self.devices if device.index == self.device), None)

    @property
    def verdict(self) -> Verdict | None:
        """Why the last request failed, else what is to be said about the end."""
        return self.chosen.verdict if self.chosen else None

    @property
    def blockers(self) -> Sequence[Blocker]:
        """The live blocks in the way of the request that the verdict is about, cheapest first."""
        return (self.chosen.blockers if self.chosen else None) or Values([])

    @property
    def holders(self) -> Holders:
        """Who holds allocated memory, most first."""
        return Holders(self.chosen["holders"]._items if self.chosen else [], self._core)

    @property
    def growth(self) -> Sequence[Suspect]:
        """Lines that hold more from iteration to iteration."""
        return (self.chosen.growth if self.chosen else None) or Values([])

    @property
    def timeline(self) -> Timeline:
        """Memory over the entries of the trace."""
        return Timeline(self._core)

    @property
    def address_space(self) -> Picture:
        """Segments and their blocks at the moment of the report, to scale."""
        return Picture(self._core.address_space_svg())


class Holders(Table):
    """Who holds memory: to go through as unfrag.values.explain.Holder, and a table for readers of Arrow.

    Not a Sequence, as readers of tables would take it for a list of objects.
    """

    __slots__ = ("_holders",)

    def __init__(self, items: Sequence[Any], core: _core.Explanation) -> None:
        super().__init__(core.holders(), "holders")
        self._holders: Values[Holder] = Values(items, Holder)

    @overload
    def __getitem__(self, index: int) -> Holder: ...
    @overload
    def __getitem__(self, index: slice) -> Values[Holder]: ...
    def __getitem__(self, index: int | slice) -> Holder | Values[Holder]:
        return self._holders[index]

    def __iter__(self) -> Iterator[Holder]:
        return iter(self._holders)

    def __eq__(self, other: object) -> bool:
        return self._holders == (other._holders if isinstance(other, Holders) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._holders)


class Picture:
    """An inline SVG, which a notebook shows; `svg` is its text, of a file as well."""

    __slots__ = ("svg",)

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<unfrag.Picture of {len(self.svg):,} characters>"


class Timeline(Table):
    """The highest allocated, active, requested and reserved bytes within each of at most 256 stretches of the trace."""

    __slots__ = ("_explanation",)

    def __init__(self, core: _core.Explanation) -> None:
        super().__init__(core.timeline(), "timeline")
        self._explanation = core

    @property
    def picture(self) -> Picture:
        """The curves, with their peaks and where requests failed."""
        return Picture(self._explanation.timeline_svg())

    def _repr_html_(self) -> str:
        return self.picture.svg


class Replay(Report, ReplayFields):
    """PyTorch's allocator run again on a recording, as it was or under other settings."""

    _core: _core.Replay

    @property
    def trace(self) -> Trace:
        """What the allocator did, as a recording of its own: it can be explained, saved, compared, replayed."""
        from unfrag.trace import Trace

        return Trace(_core.recording_of(self._core))


class Advice(Report, AdviceFields):
    """Settings ranked by replaying a recording under each."""


class Comparison(Report, ComparisonFields):
    """What changed from one recording to another; `gates` says whether bounds hold."""

    _core: _core.Comparison

    @property
    def all_gates_hold(self) -> bool:
        return all(gate.holds for gate in self.gates)

    def markdown(self, top: int = 10) -> str:
        """For a comment on a pull request. top: lines that grew, and as many that shrank."""
        return self._core.markdown(top)

    def _repr_markdown_(self) -> str:
        return self.markdown()


class Message(Report, MessageFields):
    """What follows from the text of an out-of-memory error, or from a memory_summary() table."""
