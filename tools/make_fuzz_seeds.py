#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets, tests/fuzz_corpus/TARGET/*: tiny snapshots of every format and release."""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from snapshots.allocator import Allocator, OutOfMemory  # noqa: E402
from snapshots.device import CONTEXT_BYTES, Device  # noqa: E402
from snapshots.dialects import DIALECTS  # noqa: E402
from snapshots.document import Recording, build  # noqa: E402
from snapshots.program import Program, StackStyle  # noqa: E402
from snapshots.settings import KIB, MIB, parse_settings  # noqa: E402
from snapshots.trace import Annotation, Clock, Contexts, Stacks, Trace  # noqa: E402

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "fuzz_corpus"
LARGEST = 4096  # bytes of a seed: what libFuzzer takes
EPOCH_US = 1_760_000_000_000_000
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever this runs

Document = Any


def record(torch: str, conf: str = "", ring: int = 1 << 62, devices: int = 1, stacks: str = "shared") -> Document:
    """What a program of a dozen allocations leaves behind: two pools, two streams, a pending block, an OOM."""
    dialect = DIALECTS[torch]
    settings = parse_settings(conf, dialect.modern)
    recording = Recording(dialect, settings, [], [], Stacks(), Contexts(stacks), ring)
    recording.stacks.site(())
    for ordinal in range(devices):
        device = Device(ordinal, CONTEXT_BYTES + 44 * MIB)
        allocator = Allocator(device, settings, dialect, Trace(Clock(EPOCH_US)), recording.contexts, 400)
        recording.allocators.append(allocator)
        annotations: list[Annotation] = []
        try:
            run(Program(allocator, recording.stacks, StackStyle(), ordinal, annotations))
        except OutOfMemory:
            pass
        recording.annotations.extend(annotations)
    return build(recording)


def run(program: Program) -> None:
    """Ends with a request that does not fit."""
    with program.call("main", "/home/user/train.py", 7), program.annotate("step"):
        first = program.alloc(3 * MIB)
        small = program.alloc(600)
        program.alloc(2 * MIB, 0)
        waiting = program.alloc(700 * KIB, 64)
        program.allocator.record_stream(waiting, 0)
        program.free(first, waiting)
        program.at(9)
        program.alloc(1 * MIB + 1)
        program.free(small)
        program.alloc(30 * MIB)


def first_entries(document: Document, count: int) -> Document:
    """With only so many entries of each trace."""
    return {**document, "device_traces": [trace[:count] for trace in document["device_traces"]]}


def page(data: bytes) -> bytes:
    """The page of torch/cuda/_memory_viz.py, as short as it can be."""
    data += b"\x00" * (3 - len(data) % 3)
    files = json.dumps([{"name": "snapshot.pickle", "base64": base64.b64encode(data).decode()}])
    return (f"\n<!DOCTYPE html>\n<html>\n<body>\n<script type=\"module\">\nconst local_files = {files}\n"
            f"add_local_files(local_files, 'Active Memory Timeline')\n</script>\n</body>\n").encode()


def archive(data: bytes, method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("run/snapshot.pickle", LONG_AGO), data, method)
    return out.getvalue()


def zstandard(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        sys.exit("make_fuzz_seeds: error: the zstd program is needed; try apt-get install zstd")
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def protocols() -> dict[str, bytes]:
    """Pickles of every protocol, from the whole program or, where that is too long, from its first entries."""
    whole, short = record("2.15.0"), first_entries(record("2.2", stacks="none"), 4)
    seeds = {}
    for protocol in range(6):
        data = pickle.dumps(whole, protocol)
        seeds[f"protocol_{protocol}"] = data if len(data) <= LARGEST else pickle.dumps(short, protocol)
    return seeds


def machine() -> dict[str, bytes]:
    """What no snapshot has but a pickle may."""
    shared: list[Any] = []
    itself: list[Any] = [1]
    itself.append(itself)
    values = [-1, 1 << 31, -(1 << 40), 1 << 63, (1 << 64) - 1, -(1 << 63), 1 << 200, 0.5, True, None, "", "\u00e9\u20ac",
              "a\\n'\n", b"bytes", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), shared, shared, {1: {}}, itself, {5},
              frozenset({6})]
    seeds = {f"values_{protocol}": pickle.dumps(values, protocol) for protocol in (2, 3, 4, 5)}
    plain = [value for value in values if not isinstance(value, (bytes, set, frozenset))]
    seeds.update({f"values_{protocol}": pickle.dumps(plain, protocol) for protocol in (0, 1)})
    seeds["python_2"] = b"(dp0\nS'segments'\np1\n(lp2\nI5\naL7L\naF1.5\naI01\naVx\\u20ac\np3\naS'a\\x41\\n'\naN(tas."
    seeds["ordered_dict"] = b"\x80\x02ccollections\nOrderedDict\n)R(U\x06actionU\x05allocu."
    seeds["torch_jit"] = b"\x80\x02ctorch.jit._pickle\nrestore_type_tag\n]X\x09\x00\x00\x00List[int]\x86R."
    seeds["refused"] = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
    frame = b"(\x8c\x04name\x8c\x01f\x8c\x08filename\x8c\x01g\x8c\x04lineK\x01u"
    seeds["stack"] = b"\x80\x04]\x94(}\x94" + frame + b"h\x01h\x01eh\x00K\x05a."
    return seeds


def snapshots() -> dict[str, bytes]:
    """Every release, wrapping and form."""
    seeds = {}
    for torch in DIALECTS:
        seeds[f"torch_{torch}"] = pickle.dumps(first_entries(record(torch), 12), 4)
    seeds["expandable"] = pickle.dumps(record("2.9.1", "expandable_segments:True"), 4)
    seeds["mid_way"] = pickle.dumps(record("2.9.1", ring=6), 4)
    seeds["two_devices"] = pickle.dumps(record("2.1", ring=5, devices=2), 4)
    seeds["only_segments"] = pickle.dumps(record("2.9.1")["segments"], 4)
    seeds["only_trace"] = pickle.dumps(record("2.9.1")["device_traces"][0], 4)
    host = record("2.15.0", ring=4)
    host["host_segments"] = [{**host["segments"][0], "device": -1}]
    host["host_traces"] = [host["device_traces"][0][:2]]
    seeds["host"] = pickle.dumps(host, 4)
    seeds["inside_a_dict"] = pickle.dumps({"run": 1, "snapshot": record("2.2", ring=2)}, 4)
    seeds["cut"] = seeds["torch_2.9.1"][:1200]
    return seeds


def wrapped(data: bytes) -> dict[str, bytes]:
    return {"gzip": gzip.compress(data, 9, mtime=0), "zstd": zstandard(data),
            "zip_stored": archive(data, zipfile.ZIP_STORED), "zip_deflated": archive(data, zipfile.ZIP_DEFLATED),
            "html": page(data), "gzip_in_zip": archive(gzip.compress(data, 9, mtime=0), zipfile.ZIP_STORED)}


HEADER = struct.Struct("<8s4IQQqq5QIIiI4I")  # the beginning of the one of src/base/allocation_log.h
RECORD = struct.Struct("<BBHIQQQQQqII")
EVENT, TEXT, FRAME, STACK, SETTINGS, UNANSWERED = range(1, 7)
WHOLE = 1


def log_record(kind: int, action: int = 0, device: int = 0, number: int = 0, addr: int = 0, size: int = 0,
               first: int = 0, second: int = 0, stack: int = 0) -> bytes:
    return RECORD.pack(kind, action, device, number, addr, size, 0, first, second, EPOCH_US, stack, 0)


def log_text(number: int, text: bytes, action: int = WHOLE) -> bytes:
    rows = (len(text) + RECORD.size - 1) // RECORD.size
    return log_record(TEXT, action, number=number, size=len(text)) + text.ljust(rows * RECORD.size, b"\0")


def process_log(records: bytes, devices: int = 1, stop: int = 0, missing: int = 0) -> bytes:
    """The log of a rehearsed process as allocation_log_fuzz takes it: without the rest of the header's page."""
    claimed = len(records) // RECORD.size + missing
    return HEADER.pack(b"unfragL2", 17, devices, 1, stop, claimed, missing, EPOCH_US, 0, 1, 1, 4096, 30, 2, 1, 1, 28, 0,
                       7, 0, 0, 0) + records


def process_logs() -> dict[str, bytes]:
    names = log_text(1, b"train") + log_text(2, b"/home/user/train.py" * 5) + log_text(3, b"expandable_segments:True")
    stacks = (log_record(FRAME, number=1, size=7, first=1, second=2) + log_record(STACK, number=1, first=1)
              + log_record(STACK, number=2, first=1, second=1))
    entries = b"".join([log_record(EVENT, 3, addr=1 << 30, size=2 * MIB, stack=2),
                        log_record(EVENT, 0, addr=1 << 30, size=700, stack=1, first=1),
                        log_record(EVENT, 8, addr=44 * MIB, size=1 << 50), log_record(EVENT, 1, addr=1 << 30, size=700),
                        log_record(EVENT, 2, addr=1 << 30, size=700), log_record(EVENT, 4, addr=1 << 30, size=2 * MIB)])
    more = log_record(SETTINGS, first=3) + log_record(UNANSWERED, first=1)
    second = log_record(EVENT, 5, device=1, addr=1 << 40, size=20 * MIB)
    return {"whole": process_log(names + stacks + entries + more),
            "two_devices": process_log(names + stacks + second + entries + second, 2),
            "unfinished": process_log(log_text(1, entries[:100], 0) + bytes(RECORD.size) + names + stacks + entries),
            "stopped": process_log(names + stacks + entries, stop=1, missing=40),
            "cut": process_log(names + stacks + entries + more)[:-100]}


def write(target: str, seeds: dict[str, bytes]) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        if len(data) > LARGEST:
            sys.exit(f"make_fuzz_seeds: error: {target}/{name} has {len(data)} bytes; try a shorter recording")
        (folder / name).write_bytes(data)


def main() -> None:
    short = record("2.2", ring=3, stacks="none")
    text = json.dumps(first_entries(record("2.9.1", ring=4), 4), separators=(",", ":")).encode()
    whole = snapshots()
    write("pickle_machine_fuzz", {**protocols(), **machine()})
    write("snapshot_fuzz", {**whole, **wrapped(pickle.dumps(short, 4)), "json": text, "protocol_0": pickle.dumps(short, 0),
                            "protocol_2": pickle.dumps(short, 2)})
    some = {name: whole[name] for name in ("torch_2.1", "torch_2.15.0", "expandable", "mid_way", "two_devices",
                                           "only_trace", "host", "cut")}
    write("explain_fuzz", {**some, "json": text})
    write("allocation_log_fuzz", process_logs())
    write("replay_fuzz", {name: some[name] for name in some if name not in ("host", "two_devices")})


if __name__ == "__main__":
    main()
