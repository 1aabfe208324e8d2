#!/usr/bin/env python3
"""Writes PyTorch CUDA memory snapshots of simulated programs, for examples, tests and benchmarks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from snapshots.dialects import DIALECTS  # noqa: E402
from snapshots.output import FORMATS, write, write_truth  # noqa: E402
from snapshots.settings import GIB, KIB, MIB, SettingsError  # noqa: E402
from snapshots.simulate import SCENARIOS, Options, simulate  # noqa: E402

_UNITS = {"K": KIB, "M": MIB, "G": GIB}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.events is not None and not SCENARIOS[chosen.scenario].endless:
        parser.error(f"{chosen.scenario} ends by itself: --events is for "
                     + " and ".join(name for name, scenario in SCENARIOS.items() if scenario.endless))
    options = Options(chosen.scenario, chosen.events, chosen.torch, chosen.conf, chosen.memory, chosen.stacks,
                      chosen.depth, chosen.ring, chosen.devices, chosen.seed)
    try:
        recording = simulate(options)
        write(recording, chosen.output, chosen.format, chosen.protocol)
        if chosen.truth:
            write_truth(recording, chosen.truth)
    except SettingsError as error:
        parser.error(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("scenario", choices=tuple(SCENARIOS))
    add("-o", "--output", type=Path, required=True, metavar="FILE")
    add("--events", type=_positive, metavar="N", help="run until the trace of each device has at least N entries")
    add("--torch", choices=tuple(DIALECTS), default="2.9.1", help="the release whose format is written")
    add("--protocol", type=int, choices=range(6), default=4, help="of the pickle")
    add("--conf", default="", metavar="KEY:VALUE,...", help="PYTORCH_CUDA_ALLOC_CONF")
    add("--memory", type=_size, metavar="SIZE", help="of the GPU, such as 4G")
    add("--stacks", choices=("distinct", "shared", "cpp", "none"), default="distinct",
        help="a stack per call as PyTorch has it; one per call site; with C++ frames; none")
    add("--depth", type=_positive, metavar="N", help="Python frames in each stack")
    add("--ring", type=_positive, metavar="N", help="keep only the last N entries of each device")
    add("--devices", type=_positive, default=1, metavar="N")
    add("--seed", type=int, default=0, metavar="S")
    add("--truth", type=Path, metavar="FILE", help="write there what each block is for, as JSON")
    add("--format", choices=FORMATS, default="pickle")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _size(text: str) -> int:
    """Bytes, or with a suffix K, M or G."""
    unit = _UNITS.get(text[-1:].upper())
    return _positive(text[:-1]) * unit if unit else _positive(text)


if __name__ == "__main__":
    sys.exit(main())
