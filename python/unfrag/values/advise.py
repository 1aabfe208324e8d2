"""Of unfrag.advise/1 (docs/format/advise.md): which settings would have helped.
"""

from __future__ import annotations

from collections.abc import Sequence

from unfrag.values._base import Value
from unfrag.values.explain import Source
from unfrag.values.replay import Conditions, Guesses, Statistics


class AdviceRecorded(Statistics):
    """The recording itself, replayed under its own settings."""

    #: The settings in force; empty for the defaults.
    conf: str
    #: Whether that replay agrees with every entry, from the process's first allocation on.
    exact: bool
    #: What had to be guessed.
    guesses: Guesses
    #: Number of the first entry at which that replay differs, or None.
    divergence_event: int | None


class Candidate(Statistics):
    """One setting and what the recorded program comes to under it."""

    #: The settings as PYTORCH_CUDA_ALLOC_CONF would have them, merged with the keys in force that do not place blocks;
    #: empty for the defaults.
    conf: str
    #: Peak reserved bytes less than under the settings in force; negative where more.
    saved_bytes: int
    #: Number of requests that failed in the recording and are served here.
    num_rescued: int
    #: Number of requests that the recording served and that fail here.
    num_newly_refused: int
    #: Number of requests that fail under the settings in force and are served.
    num_served: int
    #: Whether the last of those requests is served.
    serves_last: bool
    #: Number of requests that fail in the worst order of addresses.
    most_ooms: int
    #: Whether any figure changes with where the driver puts new segments.
    depends_on_addresses: bool
    #: About the least device memory with which no request fails, without the CUDA context: with a little less one does;
    #: or None where none is enough.
    needs_bytes: int | None
    #: What the process may have beyond what is active when it serves a request that fails under the settings in force,
    #: else at the peak,; None where what it may have is unknown.
    left_bytes: int | None
    #: Estimated time of the calls to the device in milliseconds, to the order of magnitude.
    device_calls_ms: int
    #: What the settings cost or break in that release.
    drawbacks: Sequence[str]
    #: `conf` of a simpler candidate with the same figures, or None.
    same_as: str | None


class Recommended(Value):
    """What to set."""

    #: Its `conf`.
    conf: str
    #: The environment variable with its value, ready to paste.
    line: str


class AdviceFields(Value):
    """Settings ranked by replay."""

    #: Name and version of this format.
    schema: str
    #: The file and how much of it could be read.
    source: Source
    #: Ordinal of the device that was replayed.
    device: int
    #: Kind of the verdict on the recording, as explain has it.
    verdict: str
    #: Under what every candidate ran, but for its settings.
    conditions: Conditions
    #: The recording replayed as it was.
    recorded: AdviceRecorded
    #: What is in force first, then from best to worst, those that come to the same as another last.
    candidates: Sequence[Candidate]
    #: What to set, or None where no setting helps.
    recommended: Recommended | None
    #: The advice in one sentence.
    headline: str
    #: Where no setting helps after a request failed: what to free.
    instead: Sequence[str]
    #: Where the estimate of device calls comes from.
    cost_source: str
