"""Runs a scenario and returns what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from . import scenarios, train
from .allocator import Allocator, OutOfMemory
from .device import Device
from .dialects import DIALECTS
from .document import Recording
from .program import Program, StackStyle
from .settings import GIB, parse_settings
from .trace import Annotation, Clock, Contexts, Stacks, Trace

# The time of the first event: 2025-10-09 08:53:20 UTC.
EPOCH_US = 1_760_000_000_000_000

# How long the GPU works on after a free, for blocks that another stream used.
_EVENT_DELAY_US = 400

_UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Scenario:
    """`memory` is the size in bytes of the GPU it is meant for; `endless`: runs to a given number of events."""

    run: Callable[..., None]
    memory: int
    endless: bool


SCENARIOS: dict[str, Scenario] = {
    "fragmentation_oom": Scenario(scenarios.fragmentation_oom, 4 * GIB, False),
    "capacity_oom": Scenario(scenarios.capacity_oom, 4 * GIB, False),
    "leak": Scenario(scenarios.leak, 4 * GIB, True),
    "leak_mended": Scenario(scenarios.leak_mended, 4 * GIB, True),
    "train": Scenario(train.train, 80 * GIB, True),
}


@dataclass(frozen=True)
class Options:
    """The choices of the command line; `memory` in bytes."""

    scenario: str
    events: int | None = None
    torch: str = "2.9.1"
    conf: str = ""
    memory: int | None = None
    stacks: str = "distinct"
    depth: int | None = None
    ring: int | None = None
    devices: int = 1
    seed: int = 0


def simulate(options: Options, scenario: Scenario | None = None) -> Recording:
    """The state at the end of the scenario, or at its out-of-memory error (as an observer attached to it would see).

    `scenario`: another than the one that the options name.
    """
    scenario = scenario or SCENARIOS[options.scenario]
    dialect = DIALECTS[options.torch]
    settings = parse_settings(options.conf, dialect.modern)
    sharing = "distinct" if options.stacks == "cpp" else options.stacks
    recording = Recording(dialect, settings, [], [], Stacks(), Contexts(sharing),
                          _UNLIMITED if options.ring is None else options.ring)
    recording.stacks.site(())  # site 0: no frames
    for ordinal in range(options.devices):
        device = Device(ordinal, options.memory or scenario.memory)
        allocator = Allocator(device, settings, dialect, Trace(Clock(EPOCH_US)), recording.contexts, _EVENT_DELAY_US)
        recording.allocators.append(allocator)
        _run(scenario, allocator, recording, options)
    recording.annotations.sort(key=lambda annotation: annotation.time_us)
    return recording


def _run(scenario: Scenario, allocator: Allocator, recording: Recording, options: Options) -> None:
    style = StackStyle(cpp=options.stacks == "cpp", depth=options.depth)
    seed = 1000 * options.seed + allocator.device.ordinal
    annotations: list[Annotation] = []
    program = Program(allocator, recording.stacks, style, seed, annotations)
    arguments = () if options.events is None else (options.events,)
    try:
        scenario.run(program, *arguments)
    except OutOfMemory:
        pass
    recording.annotations.extend(annotations)
