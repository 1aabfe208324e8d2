"""What the command-level tests share: running the program, its JSON, snapshots made by hand, reading recordings.

The program is build/unfrag; the environment variable UNFRAG names another one.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
EXAMPLES = sorted((ROOT / "examples").glob("*.pickle"))
GOLDEN = ROOT / "tests" / "golden"
PROGRAM = os.path.abspath(os.environ.get("UNFRAG", ROOT / "build" / "unfrag"))
TEST_ALL = os.environ.get("UNFRAG_TEST_ALL") == "1"

sys.path.insert(0, str(ROOT / "tools"))

KIB = 1 << 10
MIB = 1 << 20
BASE = 0x7F0000000000  # where segments made by hand begin

Document = dict[str, Any]

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recordings at {CORPUS}")


def recordings(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("*.pickle"))


def named(paths: list[Path]) -> Any:
    """Test parameters that go by the file's name; one that is skipped where there are none."""
    if not paths:
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"no recordings at {CORPUS}"))]
    return [pytest.param(path, id=path.name.removesuffix(".pickle")) for path in paths]


# -- the program -------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Result:
    code: int  # negative: the signal that ended it
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()  # strict: the program promises valid UTF-8

    @property
    def message(self) -> str:
        return self.err.decode()


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items()
            if name not in ("NO_COLOR", "TERM", "LANG", "COLUMNS") and not name.startswith("LC_")}
    return {**kept, "LANG": "C.UTF-8", **changes}


def run(args: list[Any], stdin: bytes | None = None, cwd: Path | None = None, **changes: str) -> Result:
    """Runs `unfrag ARGS`. `changes`: environment variables."""
    command = [PROGRAM] + [os.fsencode(one) if isinstance(one, Path) else str(one) for one in args]
    done = subprocess.run(command, input=stdin if stdin is not None else b"", capture_output=True, timeout=120,
                          env=environment(**changes), cwd=cwd)
    return Result(done.returncode, done.stdout, done.stderr)


def explain_json(source: Path | bytes | Document, *options: Any, code: int = 0) -> Document:
    """The report on a file, on its bytes, or on a snapshot, which is pickled; checked as every report is."""
    if isinstance(source, Path):
        done = run(["explain", "--format", "json", *options, source])
    else:
        data = source if isinstance(source, bytes) else pickle.dumps(source, 4)
        done = run(["explain", "--format", "json", *options, "-"], stdin=data)
    assert done.code == code, done.message
    report = json.loads(done.text)
    conservation(report)
    return report


def only(report: Document) -> Document:
    """The one device of a report."""
    assert len(report["devices"]) == 1
    return report["devices"][0]


ERROR = re.compile(r"unfrag: error: (?:(?P<place>[^\n]+?): )?(?P<what>[^\n]+); try (?P<action>[^\n]+)\n")


def check_error(done: Result, code: int, *parts: str) -> None:
    """The exit code, one line in the shape that all errors have, and what it must mention."""
    assert done.code == code, done.message
    assert ERROR.fullmatch(done.message), done.message
    for part in parts:
        assert part in done.message


# -- what holds for every report ---------------------------------------------------------------------------------------

CONTRADICTION = re.compile(r"contradict|do(es)? not fit|overlap|more is active than reserved|make no sense|makes no sense|"
                           r"used more than once")


def is_consistent(report: Document) -> bool:
    """Whether the file was whole and does not contradict itself."""
    source = report["source"]
    return not source["truncated"] and not any(CONTRADICTION.search(warning) for warning in source["warnings"])


def conservation(report: Document) -> None:
    """Every byte is somewhere, and nowhere twice."""
    devices = report["devices"] + ([report["host"]] if report["host"] else [])
    assert report["schema"] == "unfrag.explain/1"
    assert report["source"]["events"] == sum(device["events"] for device in devices)
    assert report["device"] in ([device["index"] for device in report["devices"]] or [None])
    for device in devices:
        check_moment(device["at"])
        check_holders_at(device)
        check_kinds(device)
        check_timeline(device)
        if "verdict" in device:
            check_verdict(device)
        if is_consistent(report):
            check_sums(device)


def check_moment(at: Document) -> None:
    used = at["requested_bytes"] + at["rounding_bytes"]
    free = at["free_in_segments_bytes"] + at["free_segments_bytes"]
    assert used + free == at["reserved_bytes"]
    used -= at["pending_bytes"]
    for field, whole in (("reserved_bytes", at["reserved_bytes"]), ("allocated_bytes", used), ("free_bytes", free),
                         ("pending_bytes", at["pending_bytes"]), ("free_segments_bytes", at["free_segments_bytes"])):
        assert sum(pool[field] for pool in at["pools"]) == whole, field
    for pool in at["pools"]:
        assert pool["allocated_bytes"] + pool["pending_bytes"] + pool["free_bytes"] == pool["reserved_bytes"]
        assert pool["largest_free_bytes"] <= pool["free_bytes"]
    holes = at["fragmentation"]
    assert holes["free_bytes"] == free
    assert holes["largest_free_bytes"] == max((pool["largest_free_bytes"] for pool in at["pools"]), default=0)
    assert holes["releasable_bytes"] <= at["reserved_bytes"]
    assert holes["stranded_bytes"] <= free + at["pending_bytes"]


def held(device: Document, field: str) -> int:
    rest = device.get("holders_omitted", {}).get(field, 0)
    return sum(holder[field] for holder in device["holders"]) + rest


def check_holders_at(device: Document) -> None:
    at = device["at"]
    held_now = at["requested_bytes"] + at["rounding_bytes"] - at["pending_bytes"]
    assert held(device, "at_bytes") == held_now + at.get("outside_bytes", 0)
    for holder in device["holders"]:
        assert holder.get("kind", "unknown") in MEMORY_KINDS  # reports as first written have none
        for name in ("blocks", "at_blocks", "peak_blocks"):
            size = holder[{"blocks": "now_bytes"}.get(name, name.replace("blocks", "bytes"))]
            assert (holder[name] == 0) <= (size == 0)


MEMORY_KINDS = ("parameters", "gradients", "optimizer_state", "activations", "inputs", "workspaces", "unknown")


def check_kinds(device: Document) -> None:
    if "kinds" not in device:  # in reports as first written
        return
    assert tuple(use["kind"] for use in device["kinds"]) == MEMORY_KINDS
    for field in ("now_bytes", "at_bytes", "peak_bytes"):
        assert sum(use[field] for use in device["kinds"]) == held(device, field)


CURVES = ("allocated_bytes", "active_bytes", "requested_bytes", "reserved_bytes")


def check_timeline(device: Document) -> None:
    timeline, peak = device["timeline"], device["peak"]
    assert timeline["event"] == sorted(set(timeline["event"]))
    assert len(timeline["event"]) <= 256
    assert timeline["event"][-1:] == ([device["events"] - 1] if device["events"] else [])
    for name in CURVES:
        highest = max(timeline[name], default=0)
        if peak[name.replace("bytes", "event")] is None:  # it was reached before the first entry
            assert highest <= peak[name]
        else:
            assert highest == peak[name], name


KINDS = ("limit", "outside", "growth", "capacity", "stranded", "fragmentation", "cache", "healthy", "undecided")


def check_verdict(device: Document) -> None:
    for verdict in [device["verdict"], *(oom["verdict"] for oom in device["ooms"])]:
        evidence = verdict["evidence"]
        tried = KINDS if "requested_bytes" in evidence else ("growth", "cache", "fragmentation", "healthy", "undecided")
        order = [tried.index(kind) for kind in [verdict["kind"], *verdict["also"]]]
        assert order == sorted(set(order)), "the first that holds is the kind, the others follow"
        assert verdict["headline"].endswith(".") and "\n" not in verdict["headline"]
        if "may_bytes" in evidence:
            assert evidence["need_bytes"] == evidence["active_bytes"] + evidence["requested_bytes"]
            assert evidence["spare_bytes"] == evidence["may_bytes"] - evidence["need_bytes"]
    evidence = device["verdict"]["evidence"]
    for blocker in device["blockers"]:
        assert blocker["release_bytes"] == sum(block["bytes"] for block in blocker["blocks"])
        assert blocker["release_bytes"] <= blocker["hole_bytes"] >= evidence["requested_bytes"]
    costs = [(one["release_bytes"], len(one["blocks"])) for one in device["blockers"]]
    assert costs == sorted(costs)
    if emptying := device["segments_to_empty"]:
        assert emptying["release_bytes"] == sum(block["bytes"] for block in emptying["blocks"])
        assert emptying["returned_bytes"] == sum(segment["bytes"] for segment in emptying["segments"])


def check_sums(device: Document) -> None:
    now, peak, at = device["now"], device["peak"], device["at"]
    assert held(device, "now_bytes") == now["allocated_bytes"]
    assert held(device, "peak_bytes") == peak["allocated_bytes"]
    for name in CURVES:
        assert peak[name] >= now[name], name
    assert now["allocated_bytes"] <= now["active_bytes"] <= now["reserved_bytes"]
    assert now["requested_bytes"] <= now["active_bytes"]
    if at["moment"] == "end":
        assert at["reserved_bytes"] == now["reserved_bytes"]
        assert at["requested_bytes"] == now["requested_bytes"]
        assert at["requested_bytes"] + at["rounding_bytes"] == now["active_bytes"]
        assert at["pending_bytes"] == now["active_bytes"] - now["allocated_bytes"]
        assert sum(pool["segments"] for pool in at["pools"]) <= now["segments"]
    for segment in device["pinned_segments"]:
        assert segment["held_bytes"] + segment["free_bytes"] == segment["bytes"]
        assert 0 < segment["largest_block"]["bytes"] <= segment["held_bytes"]


# -- reading recordings ------------------------------------------------------------------------------------------------

class DataUnpickler(pickle.Unpickler):
    """Loads built-in types only.

    A pickle is a program: pickle.load calls whatever the file names. Recordings come from strangers, so nothing they
    name is ever looked up, here or in any test.
    """

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the file refers to {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("the file refers to an object outside it")


def load(source: Path | bytes) -> Any:
    data = source if isinstance(source, bytes) else source.read_bytes()
    return DataUnpickler(io.BytesIO(data)).load()


# -- snapshots made by hand --------------------------------------------------------------------------------------------

def frame(name: str, filename: str = "/home/user/train.py", line: int = 1) -> Document:
    return {"name": name, "filename": filename, "line": line}


def block(size: int, state: str = "active_allocated", requested: int | None = None, **more: Any) -> Document:
    return {"size": size, "requested_size": size if requested is None else requested, "state": state, "frames": [],
            **more}


def segment(address: int, blocks: list[Document], **more: Any) -> Document:
    """A segment of the default pool that says of itself what its blocks say; the blocks get their addresses."""
    at = address
    for one in blocks:
        one.setdefault("address", at)
        at += one["size"]
    active = [one for one in blocks if one["state"] != "inactive"]
    allocated = sum(one["size"] for one in active if one["state"] == "active_allocated")
    total = at - address
    return {"device": 0, "address": address, "total_size": total, "allocated_size": allocated,
            "active_size": sum(one["size"] for one in active),
            "requested_size": sum(one["requested_size"] for one in active), "stream": 0,
            "segment_type": "small" if total == 2 * MIB else "large", "segment_pool_id": (0, 0),
            "is_expandable": False, "frames": [], "blocks": blocks, **more}


def entry(action: str, addr: int, size: int, **more: Any) -> Document:
    return {"action": action, "addr": addr, "size": size, "stream": 0, **more}


def oom(size: int, device_free: int = 0, **more: Any) -> Document:
    return {"action": "oom", "device_free": device_free, "size": size, "stream": 0, **more}


def snapshot(segments: list[Document], *traces: list[Document], **more: Any) -> Document:
    return {"segments": segments, "device_traces": list(traces), **more}


def small_snapshot(frames: list[Document] | None = None) -> Document:
    """One segment: two blocks handed out, one of them given back."""
    stack = frames or [frame("main")]
    return snapshot(
        [segment(BASE, [block(512, frames=stack, requested=500), block(2 * MIB - 512, "inactive")])],
        [entry("segment_alloc", BASE, 2 * MIB, frames=stack), entry("alloc", BASE, 500, frames=stack),
         entry("alloc", BASE + 512, 4096, frames=stack), entry("free_requested", BASE + 512, 4096, frames=stack),
         entry("free_completed", BASE + 512, 4096, frames=stack)])


# -- pickles made by hand ----------------------------------------------------------------------------------------------

def p_text(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data


def p_int(value: int) -> bytes:
    if -1 << 31 <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def p_put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


def p_get(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def p_list(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def p_dict(**items: bytes) -> bytes:
    return b"}(" + b"".join(p_text(key) + value for key, value in items.items()) + b"u"


def p_file(value: bytes) -> bytes:
    return b"\x80\x04" + value + b"."


# -- wrappings ---------------------------------------------------------------------------------------------------------

def zstd_frame(data: bytes) -> bytes:
    """A frame of raw blocks: magic, no checksum and no size, a window of 128 KiB."""
    blocks = [data[at:at + 100_000] for at in range(0, len(data), 100_000)] or [b""]
    last = len(blocks) - 1
    packed = (struct.pack("<I", len(one) << 3 | (index == last))[:3] + one for index, one in enumerate(blocks))
    return b"\x28\xb5\x2f\xfd\x00\x38" + b"".join(packed)


def gzip_member(data: bytes, level: int = 6) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def html_page(data: bytes) -> bytes:
    """What torch.cuda._memory_viz writes around a pickle."""
    from snapshots import output
    return output._page(data).encode()


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


