"""The file formats in which a snapshot travels."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path

from .document import Recording, build
from .emitter import write_pickle

FORMATS = ("pickle", "json", "html", "segments")

# From this many events on, a pickle is written entry by entry instead of from dictionaries.
STREAM_EVENTS = 100_000

# The page of torch/cuda/_memory_viz.py: _memory_viz_template, _format_viz.
_PAGE = r"""
<!DOCTYPE html>
<html>
<head>
</head>
<body>
<script type="module">
import {add_local_files} from "https://cdn.jsdelivr.net/gh/pytorch/pytorch@main/torch/utils/viz/MemoryViz.js"
const local_files = $SNAPSHOT
add_local_files(local_files, $VIZ_KIND)
</script>
</body>
"""


def write(recording: Recording, path: Path, form: str, protocol: int) -> None:
    """Writes the snapshot in one of FORMATS: what _dump_snapshot writes, a JSON dump of it, the page that
    torch.cuda._memory_viz makes of it, or a pickle of the bare list of segments (torch.cuda.memory_snapshot)."""
    if form == "pickle":
        _write_pickle(recording, path, protocol)
    elif form == "json":
        path.write_text(json.dumps(build(recording)), encoding="utf-8")
    elif form == "html":
        path.write_text(_page(pickle.dumps(build(recording), protocol)), encoding="utf-8")
    elif form == "segments":
        path.write_bytes(pickle.dumps(build(recording)["segments"], protocol))
    else:
        raise ValueError(f"unknown format '{form}'")


def write_truth(recording: Recording, path: Path) -> None:
    """Writes what each block of each device was for, as {"devices": [[[allocated, freed, bytes, kind], ...], ...]}.

    The first two are the trace entries by which it was handed out (negative: before those that the ring kept) and given
    back (null: never).
    """
    devices = []
    for allocator in recording.allocators:
        first = recording.first_event(allocator.trace)
        devices.append([[life.allocated - first, None if life.freed is None else life.freed - first, life.size,
                         life.kind] for life in allocator.lives])
    path.write_text(json.dumps({"devices": devices}), encoding="utf-8")


def _write_pickle(recording: Recording, path: Path, protocol: int) -> None:
    events = sum(min(len(allocator.trace), recording.ring) for allocator in recording.allocators)
    with path.open("wb") as file:
        if events >= STREAM_EVENTS and protocol >= 4:
            write_pickle(recording, file, protocol)
        else:
            pickle.dump(build(recording), file, protocol)


def _page(data: bytes) -> str:
    """The pickle is padded with one to three zero bytes, so that its base64 form needs no `=`."""
    data += b"\x00" * (3 - len(data) % 3)
    files = [{"name": "snapshot.pickle", "base64": base64.b64encode(data).decode("utf-8")}]
    return _PAGE.replace("$VIZ_KIND", repr("Active Memory Timeline")).replace("$SNAPSHOT", json.dumps(files))
