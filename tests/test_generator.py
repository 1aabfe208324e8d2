"""The snapshot generator: its allocator against known answers, its files against recordings of PyTorch itself.

Recordings are read from ../shared/corpus beside the project; the tests that need them are skipped where it is absent.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import pickle
import pickletools
import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(ROOT / "tools"))

import gen_snapshot  # noqa: E402
from snapshots.allocator import Allocator, OutOfMemory  # noqa: E402
from snapshots.blocks import Block  # noqa: E402
from snapshots.device import Device  # noqa: E402
from snapshots.dialects import DIALECTS  # noqa: E402
from snapshots.document import Document, build  # noqa: E402
from snapshots.emitter import write_pickle  # noqa: E402
from snapshots.settings import GIB, MIB, SettingsError, parse_settings, round_size, segment_size  # noqa: E402
from snapshots.simulate import Options, simulate  # noqa: E402
from snapshots.trace import ACTIONS, Clock, Contexts, Trace  # noqa: E402

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recordings at {CORPUS}")

Event = tuple[str, int, int]


class DataUnpickler(pickle.Unpickler):
    """Loads built-in types only."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the file refers to {module}.{name}")


def load(path: Path) -> Any:
    with path.open("rb") as file:
        return DataUnpickler(file).load()


def make_allocator(conf: str, torch: str, device: Device | None = None) -> Allocator:
    dialect = DIALECTS[torch]
    return Allocator(device or Device(0, 16 * GIB), parse_settings(conf, dialect.modern), dialect, Trace(Clock(0)),
                     Contexts("distinct"))


def events_of(trace: Trace) -> list[Event]:
    return [(ACTIONS[action], address, size)
            for action, address, size in zip(trace.actions, trace.addresses, trace.sizes)]


# -- the allocator against known answers -------------------------------------------------------------------------------

@pytest.mark.parametrize("divisions, nbytes, expected", [
    (0, 1, 512), (0, 512, 512), (0, 513, 1024), (0, 1048576, 1048576), (0, 1048577, 1049088),
    (4, 1200, 1536), (4, 2048, 2048), (4, 2049, 2560), (4, 3000, 3072), (4, 1048577, 1310720),
    (4, 6 * MIB + 1, 7340032), (4, 100 * MIB + 1, 117440512), (8, 4097, 4608), (8, 5000, 5120),
    (8, 1048577, 1179648), (8, 100 * MIB + 1, 109051904),
])
def test_rounding(divisions: int, nbytes: int, expected: int) -> None:
    assert round_size(nbytes, (divisions,) * 16) == expected


@pytest.mark.parametrize("rounded, expected", [
    (512, 2 * MIB), (1049088, 20 * MIB), (10485248, 20 * MIB), (10485760, 10 * MIB), (10486272, 12 * MIB)])
def test_segment_size(rounded: int, expected: int) -> None:
    assert segment_size(rounded) == expected


def test_division_lists() -> None:
    text = "roundup_power2_divisions:[64:8,256:4,>:1]"
    assert parse_settings(text, True).divisions == (8,) * 7 + (0, 4) + (1,) * 7
    assert parse_settings(text, False).divisions == (8,) * 7 + (0,) + (1,) * 8
    with pytest.raises(SettingsError):
        parse_settings("expandable_segments:true", True)


@pytest.mark.parametrize("torch", DIALECTS)
def test_plain_segments(torch: str) -> None:
    """Best fit, the split rule of the large pool, segment sizes."""
    allocator = make_allocator("", torch)
    first = allocator.malloc(1000)
    allocator.malloc(MIB)
    third = allocator.malloc(MIB + 1)
    allocator.malloc(10 * MIB)
    allocator.malloc(10 * MIB + 1)
    allocator.free(first)
    allocator.free(third)
    allocator.malloc(3 * MIB)
    allocator.malloc(19 * MIB - 512)
    found = events_of(allocator.trace)
    small, one, two, three = (address for action, address, _ in found if action == "segment_alloc")
    assert found == [
        ("segment_alloc", small, 2 * MIB), ("alloc", small, 1000), ("alloc", small + 1024, MIB),
        ("segment_alloc", one, 20 * MIB), ("alloc", one, MIB + 1), ("alloc", one + 1049088, 10 * MIB),
        ("segment_alloc", two, 12 * MIB), ("alloc", two, 10 * MIB + 1),
        ("free_requested", small, 1000), ("free_completed", small, 1000),
        ("free_requested", one, MIB + 1), ("free_completed", one, MIB + 1),
        ("alloc", one + 11534848, 3 * MIB), ("segment_alloc", three, 20 * MIB), ("alloc", three, 19 * MIB - 512)]
    runs = allocator.runs()
    used = [block for run in runs for block in run if block.allocated]
    holes = [block.size for run in runs for block in run if block.is_idle() and len(run) > 1]
    assert sum(block.size for block in used) == 45088768
    assert sum(block.requested for block in used) == 45088257
    assert sum(block.size for run in runs for block in run) == 56623104
    assert (len(runs), len(holes), sum(holes)) == (4, 6, 11534336)


@pytest.mark.parametrize("torch", DIALECTS)
def test_expandable_segments(torch: str) -> None:
    """Mapping in pages, growing into unmapped addresses, unmapping the whole pages inside holes."""
    allocator = make_allocator("expandable_segments:True", torch)
    first = allocator.malloc(30 * MIB)
    allocator.malloc(15 * MIB)
    allocator.free(first)
    third = allocator.malloc(45 * MIB)
    allocator.malloc(100)
    allocator.free(third)
    allocator.empty_cache()
    found = events_of(allocator.trace)
    large, small = found[0][1], found[8][1]
    assert found == [
        ("segment_map", large, 40 * MIB), ("alloc", large, 30 * MIB),
        ("segment_map", large + 40 * MIB, 20 * MIB), ("alloc", large + 30 * MIB, 15 * MIB),
        ("free_requested", large, 30 * MIB), ("free_completed", large, 30 * MIB),
        ("segment_map", large + 60 * MIB, 40 * MIB), ("alloc", large + 45 * MIB, 45 * MIB),
        ("segment_map", small, 2 * MIB), ("alloc", small, 100),
        ("free_requested", large + 45 * MIB, 45 * MIB), ("free_completed", large + 45 * MIB, 45 * MIB),
        ("segment_unmap", large, 20 * MIB), ("segment_unmap", large + 60 * MIB, 40 * MIB)]
    runs = [[(block.address, block.size, block.allocated) for block in run] for run in allocator.runs()]
    assert runs == [
        [(large + 20 * MIB, 10 * MIB, False), (large + 30 * MIB, 15 * MIB, True), (large + 45 * MIB, 15 * MIB, False)],
        [(small, 512, True), (small + 512, 2 * MIB - 512, False)]]


def test_memory_of_another_stream_stays_pending() -> None:
    allocator = make_allocator("", "2.9.1")
    tensor = allocator.malloc(4096, stream=7)
    allocator.record_stream(tensor, 0)
    allocator.free(tensor)
    assert events_of(allocator.trace)[-1][0] == "free_requested"
    allocator.malloc(512, stream=7)
    assert [action for action, _, _ in events_of(allocator.trace)[-2:]] == ["free_completed", "alloc"]


def test_private_pools_are_separate_and_freed_on_destruction() -> None:
    allocator = make_allocator("", "2.15.0")
    pool = allocator.create_pool()
    allocator.free(allocator.malloc(4096))
    with allocator.use_pool(pool):
        allocator.free(allocator.malloc(4096))
    allocator.destroy_pool(pool)
    assert [event[0] for event in events_of(allocator.trace)].count("segment_alloc") == 2
    assert events_of(allocator.trace)[-1][0] == "segment_free"
    assert allocator.trace.pool_ids[allocator.trace.pools[-1]] == (0, pool)


def test_oversize_blocks_go_back_for_the_request() -> None:
    allocator = make_allocator("max_split_size_mb:64", "2.9.1", Device(0, 1 * GIB))
    allocator.free(allocator.malloc(300 * MIB))
    allocator.malloc(400 * MIB)
    assert [event[0] for event in events_of(allocator.trace)[-3:]] == ["segment_free", "segment_alloc", "alloc"]


# -- the allocator against PyTorch's own -------------------------------------------------------------------------------

class ScriptedDevice(Device):
    """Gives out the addresses of a recording, in its order, as long as there is memory."""

    CONTEXT = 500 * MIB

    def __init__(self, entries: list[Document], total: int) -> None:
        super().__init__(0, total)
        self._unused = total - self.CONTEXT
        self._segments = iter([entry["addr"] for entry in entries if entry["action"] == "segment_alloc"])
        self._maps = [(index, entry["addr"]) for index, entry in enumerate(entries) if entry["action"] == "segment_map"]
        self.position: Callable[[], int] = lambda: 0

    def malloc(self, size: int) -> int | None:
        return next(self._segments) if self.take(size) else None

    def free(self, address: int, size: int) -> None:
        self.give(size)

    def reserve(self, size: int) -> int:
        return next(address for index, address in self._maps if index >= self.position())

    def unreserve(self, address: int, size: int) -> None:
        pass


def replay(entries: list[Document], allocator: Allocator) -> None:
    """Makes the calls that led to these entries: mallocs, frees of memory that another stream uses or not, and
    empty_cache, known by its frame."""
    live: dict[int, Block] = {}
    emptied: set[int] = set()
    for entry, following in zip(entries, entries[1:] + [{"action": "", "addr": 0}]):
        frames = entry["frames"]
        if frames and frames[0]["name"] == "empty_cache" and id(frames) not in emptied:
            emptied.add(id(frames))
            allocator.empty_cache()
        if entry["action"] == "alloc":
            block = allocator.malloc(entry["size"], entry["stream"])
            live[block.address] = block
        elif entry["action"] == "oom":
            with pytest.raises(OutOfMemory):
                allocator.malloc(entry["size"], entry["stream"])
        elif entry["action"] == "free_requested":
            block = live.pop(entry["addr"])
            if (following["action"], following.get("addr")) != ("free_completed", entry["addr"]):
                allocator.record_stream(block, 1 << 40)
            allocator.free(block)


REPLAYED = ["split_oom.default.torch2.9.1", "split_oom.default.torch2.15.0", "split_oom.expandable.torch2.9.1",
            "split_oom.expandable.torch2.15.0", "split_oom.split64.torch2.9.1", "streams.default.torch2.9.1",
            "streams.expandable.torch2.9.1", "streams.round4.torch2.9.1", "streams.round_map.torch2.9.1",
            "streams.split64.torch2.9.1", "cap_oom.default.torch2.9.1", "cap_oom.expandable.torch2.9.1",
            "varlen.default.torch2.9.1", "varlen.default.torch2.15.0", "varlen.expandable.torch2.15.0",
            "varlen.round4.torch2.9.1", "varlen.split64.torch2.9.1"]


@needs_corpus
@pytest.mark.parametrize("name", REPLAYED)
def test_requests_of_a_recording_are_served_as_pytorch_served_them(name: str) -> None:
    truth = {one["file"]: one for one in map(json.loads, (CORPUS / "pytorch/truth.jsonl").read_text().splitlines())}
    total = truth[name + ".pickle"]["total_memory"]
    document = load(CORPUS / "pytorch" / (name + ".pickle"))
    entries = document["device_traces"][0]
    device = ScriptedDevice(entries, total)
    conf = document["allocator_settings"]["PYTORCH_CUDA_ALLOC_CONF"]
    allocator = make_allocator(conf, re.sub(r".*torch", "", name), device)
    device.position = lambda: len(allocator.trace)
    replay(entries, allocator)
    expected = [(one["action"], one.get("addr", one.get("device_free")), one["size"]) for one in entries]
    assert events_of(allocator.trace) == expected
    blocks = [(block.address, block.size, block.allocated) for run in allocator.runs() for block in run]
    assert blocks == [(block["address"], block["size"], block["state"] == "active_allocated")
                      for segment in document["segments"] for block in segment["blocks"]]


# -- the files against PyTorch's own -----------------------------------------------------------------------------------

SHAPES = {
    "2.15.0": ["pytorch/split_oom.default.torch2.15.0", "pytorch/varlen.default.torch2.15.0"],
    "2.9.1": ["pytorch/split_oom.default.torch2.9.1", "pytorch/varlen.default.torch2.9.1"],
    "2.6": ["snapshots/gpt_train_xl"],
    "2.2": ["snapshots/kv_sketch_segments_only"],
}


def shape(document: Document) -> dict[str, Any]:
    """The keys in their order and the types of the values, for each kind of dictionary; `entry` by action."""
    found: dict[str, set[Any]] = defaultdict(set)

    def note(kind: str, value: Document) -> None:
        found[kind].add(tuple((key, type(one).__name__) for key, one in value.items()))

    note("top", document)
    note("settings", document["allocator_settings"])
    note("divisions", document["allocator_settings"]["roundup_power2_divisions"])
    for segment in document["segments"]:
        note("segment", segment)
        for block in segment["blocks"]:
            note("block", block)
    for entry in itertools.chain(*document["device_traces"]):
        note("entry " + entry["action"], entry)
        for frame in entry.get("frames", ()):
            note("frame", frame)
    for annotation in document.get("external_annotations", ()):
        note("annotation", annotation)
    return found


def strings_of(document: Document) -> Iterable[tuple[str, object]]:
    """The strings and empty lists that PyTorch may share, each with its role."""
    for segment in document["segments"]:
        yield from roles("segment", segment, ["segment_type"])
        if list(segment)[-1] == "blocks":  # no stack was gathered; an empty one has its key behind the blocks
            yield "no frames", segment["frames"]
        for block in segment["blocks"]:
            yield from roles("block", block, ["state"])
            if block["state"] == "inactive":
                yield "no frames", block["frames"]
    for entry in itertools.chain(*document["device_traces"]):
        yield from roles("entry", entry, ["action", "user_metadata"])
        for frame in entry["frames"]:
            yield from roles("frame", frame, [])
    for annotation in document["external_annotations"]:
        yield from roles("annotation", annotation, [])


def roles(kind: str, value: Document, names: list[str]) -> Iterable[tuple[str, object]]:
    """All keys of a dictionary, and the values of some."""
    for key in value:
        yield f"{kind}.{key}", key
    for name in names:
        yield f"{kind}[{name}]={value.get(name)}", value.get(name)


def sharing(document: Document) -> set[tuple[str, ...]]:
    """Groups of roles whose values are all one object."""
    objects: dict[str, set[int]] = defaultdict(set)
    for role, value in strings_of(document):
        objects[role].add(id(value))
    groups: dict[int, list[str]] = defaultdict(list)
    for role, ids in objects.items():
        if len(ids) == 1:
            groups[min(ids)].append(role)
    return {tuple(sorted(group)) for group in groups.values()}


def opcodes(data: bytes) -> set[str]:
    """The opcodes of a pickle, but for the one of strings above 255 bytes."""
    return {opcode.name for opcode, _, _ in pickletools.genops(data)} - {"BINUNICODE"}


def restricted(groups: set[tuple[str, ...]], common: set[str]) -> set[tuple[str, ...]]:
    return {kept for group in groups for kept in [tuple(role for role in group if role in common)] if kept}


@needs_corpus
@pytest.mark.parametrize("torch", SHAPES)
def test_files_have_the_shape_of_recordings(torch: str) -> None:
    real: dict[str, set[Any]] = defaultdict(set)
    ours: dict[str, set[Any]] = defaultdict(set)
    real_opcodes: set[str] = set()
    our_opcodes: set[str] = set()
    for name in SHAPES[torch]:
        path = CORPUS / (name + ".pickle")
        for kind, shapes in shape(load(path)).items():
            real[kind] |= shapes
        real_opcodes |= opcodes(path.read_bytes())
    for scenario in ("fragmentation_oom", "train"):
        stacks = "none" if torch == "2.2" else "distinct"
        document = build(simulate(Options(scenario, 5000 if scenario == "train" else None, torch, stacks=stacks)))
        for kind, shapes in shape(document).items():
            ours[kind] |= shapes
        our_opcodes |= opcodes(pickle.dumps(document, 4))
    both = set(real) & set(ours) - ({"segment"} if torch == "2.2" else set())
    assert both >= {"top", "settings", "divisions", "block"}
    assert {kind: ours[kind] for kind in both} == {kind: real[kind] for kind in both}
    assert ours["segment"] <= real["segment"]
    assert our_opcodes == real_opcodes


@needs_corpus
@pytest.mark.parametrize("torch", ["2.15.0", "2.9.1"])
def test_objects_are_shared_as_in_recordings(torch: str) -> None:
    real = sharing(load(CORPUS / f"pytorch/varlen.default.torch{torch}.pickle"))
    ours = sharing(DataUnpickler(io.BytesIO(pickle.dumps(build(simulate(Options("train", 20000, torch))), 4))).load())
    common = set(itertools.chain(*real)) & set(itertools.chain(*ours))
    assert {"block.size", "entry.size", "no frames", "frame.name"} <= common
    assert restricted(ours, common) == restricted(real, common)


@needs_corpus
def test_contexts_are_shared_as_in_recordings() -> None:
    """A call's entries and the block share one list; two calls never do."""
    recorded = load(CORPUS / "pytorch/streams.default.torch2.9.1.pickle")
    for document in (recorded, build(simulate(Options("train", 5000)))):
        trace = document["device_traces"][0]
        for one, two in zip(trace, trace[1:]):
            same = one["frames"] is two["frames"]
            if (one["action"], two["action"]) == ("segment_alloc", "alloc"):
                assert same
            if (one["action"], two["action"]) == ("free_requested", "free_completed"):
                assert one["addr"] == two["addr"] or not same
            if (one["action"], two["action"]) in (("alloc", "alloc"), ("free_requested", "alloc")):
                assert not same
        lists = {id(entry["frames"]) for entry in trace if entry["action"] == "alloc"}
        blocks = [block for segment in document["segments"] for block in segment["blocks"]]
        assert all(id(block["frames"]) in lists for block in blocks if block["state"] == "active_allocated")


# -- the emitter -------------------------------------------------------------------------------------------------------

def python_pickle_matches() -> bool:
    """Whether this interpreter's pickle makes the bytes that CPython 3.8 to 3.13 make."""
    probe: Any = [{"a": number, "b": [number] * (number % 3), "c": (0, 0), "d": 0.5} for number in range(4000)]
    digest = hashlib.sha256(pickle.dumps(probe, 4)).hexdigest()
    return digest == "3fa1360633c393747a630d2000b06e8815a46389bec8a80d56aa946034961328"


same_pickle = pytest.mark.skipif(not python_pickle_matches(), reason="this interpreter's pickle writes other bytes")


@same_pickle
@pytest.mark.parametrize("torch", DIALECTS)
@pytest.mark.parametrize("stacks", ["distinct", "shared", "cpp", "none"])
def test_streamed_pickle_equals_pickle_dump(torch: str, stacks: str) -> None:
    for scenario, events, ring, devices, conf in (
            ("train", 1, None, 1, ""), ("train", 4000, 1500, 2, "expandable_segments:True"),
            ("capacity_oom", None, None, 1, "max_split_size_mb:64"), ("leak", 1, 1, 1, "")):
        recording = simulate(Options(scenario, events, torch, conf, stacks=stacks, ring=ring, devices=devices))
        document = build(recording)
        for protocol in (4, 5):
            streamed = io.BytesIO()
            write_pickle(recording, streamed, protocol)
            assert streamed.getvalue() == pickle.dumps(document, protocol)


# -- the recordings in themselves --------------------------------------------------------------------------------------

class Memory:
    """Applies trace entries to ranges of addresses, without any allocator rule but rounding."""

    def __init__(self, divisions: tuple[int, ...]) -> None:
        self.divisions = divisions
        self.pages: set[int] = set()  # reserved memory, in units of 2 MiB
        self.blocks: dict[int, tuple[int, str]] = {}  # address -> (requested size, state)

    def apply(self, entry: Document) -> None:
        action, size = entry["action"], entry["size"]
        if action in ("segment_alloc", "segment_map", "segment_free", "segment_unmap"):
            pages = set(range(entry["addr"] // (2 * MIB), (entry["addr"] + size) // (2 * MIB)))
            assert entry["addr"] % (2 * MIB) == size % (2 * MIB) == 0
            if action in ("segment_alloc", "segment_map"):
                assert not pages & self.pages
                self.pages |= pages
            else:
                assert pages <= self.pages
                self.pages -= pages
        elif action == "alloc":
            last = entry["addr"] + round_size(size, self.divisions) - 1
            assert {entry["addr"] // (2 * MIB), last // (2 * MIB)} <= self.pages
            assert entry["addr"] not in self.blocks
            self.blocks[entry["addr"]] = (size, "active_allocated")
        elif action == "free_requested":
            assert self.blocks[entry["addr"]] == (size, "active_allocated")
            self.blocks[entry["addr"]] = (size, "active_pending_free")
        elif action == "free_completed":
            assert self.blocks.pop(entry["addr"]) == (size, "active_pending_free")


def check_sums(segment: Document) -> None:
    blocks = segment["blocks"]
    used = [block for block in blocks if block["state"] != "inactive"]
    assert segment["total_size"] == sum(block["size"] for block in blocks)
    assert segment["active_size"] == sum(block["size"] for block in used)
    assert segment["allocated_size"] == sum(block["size"] for block in used if block["state"] == "active_allocated")
    assert segment["requested_size"] == sum(block["requested_size"] for block in used)
    ends = itertools.accumulate((block["size"] for block in blocks), initial=segment["address"])
    assert [block["address"] for block in blocks] == list(ends)[:-1]
    for one, two in zip(blocks, blocks[1:]):
        assert "inactive" not in (one["state"], two["state"]) or one["state"] != two["state"]


@pytest.mark.parametrize("scenario", ["fragmentation_oom", "capacity_oom", "leak", "leak_mended", "train"])
@pytest.mark.parametrize("conf", ["", "expandable_segments:True", "roundup_power2_divisions:4", "max_split_size_mb:64"])
@pytest.mark.parametrize("torch", ["2.9.1", "2.15.0"])
def test_events_lead_to_the_segments(scenario: str, conf: str, torch: str) -> None:
    recording = simulate(Options(scenario, 15000 if scenario == "train" else None, torch, conf, seed=1))
    document = build(recording)
    memory = Memory(recording.settings.divisions)
    trace = document["device_traces"][0]
    for entry in trace:
        memory.apply(entry)
    for segment in document["segments"]:
        check_sums(segment)
    reserved = sum(segment["total_size"] for segment in document["segments"])
    assert reserved == len(memory.pages) * 2 * MIB
    used = {block["address"]: (block["requested_size"], block["state"])
            for segment in document["segments"] for block in segment["blocks"] if block["state"] != "inactive"}
    assert used == memory.blocks
    times = [entry["time_us"] for entry in trace]
    assert times == sorted(times)
    if trace[-1]["action"] == "oom":
        device = recording.allocators[0].device
        assert trace[-1]["device_free"] == device.free_bytes


# -- the scenarios -----------------------------------------------------------------------------------------------------

def totals(document: Document) -> tuple[int, int, int]:
    """Reserved and allocated bytes, and the largest free block."""
    segments = document["segments"]
    holes = [block["size"] for segment in segments for block in segment["blocks"] if block["state"] == "inactive"]
    return (sum(segment["total_size"] for segment in segments), sum(segment["allocated_size"] for segment in segments),
            max(holes))


@pytest.mark.parametrize("seed", range(4))
def test_fragmentation_oom(seed: int) -> None:
    document = build(simulate(Options("fragmentation_oom", seed=seed)))
    reserved, allocated, largest = totals(document)
    failed = document["device_traces"][0][-1]
    assert failed["action"] == "oom"
    assert reserved - allocated > failed["size"] + GIB > failed["device_free"] + GIB
    assert largest < failed["size"] // 10
    assert all(segment["active_size"] for segment in document["segments"])


def test_fragmentation_oom_succeeds_with_expandable_segments() -> None:
    document = build(simulate(Options("fragmentation_oom", conf="expandable_segments:True")))
    assert document["device_traces"][0][-1]["action"] == "alloc"


@pytest.mark.parametrize("conf", ["", "expandable_segments:True"])
def test_capacity_oom(conf: str) -> None:
    document = build(simulate(Options("capacity_oom", conf=conf)))
    reserved, allocated, _ = totals(document)
    failed = document["device_traces"][0][-1]
    assert failed["action"] == "oom"
    assert reserved - allocated < reserved * 0.03
    assert failed["device_free"] < failed["size"]


def test_leak() -> None:
    document = build(simulate(Options("leak", torch="2.15.0")))
    live: dict[tuple[str, int], list[int]] = defaultdict(list)
    for segment in document["segments"]:
        for block in segment["blocks"]:
            if block["state"] == "active_allocated":
                user = next(frame for frame in block["frames"] if frame["filename"].endswith("project/train.py"))
                live[user["filename"], user["line"]].append(block["size"])
    steps = sum(one["name"].startswith("ProfilerStep#") for one in document["external_annotations"]) // 2
    assert [len(sizes) for (_, line), sizes in live.items() if line == 38] == [steps]
    assert sum(sizes for sizes in map(sum, live.values())) < 1.1 * sum(live["/home/user/project/train.py", 38])
    assert "oom" not in {entry["action"] for entry in document["device_traces"][0]}
    ends = defaultdict(list)
    for annotation in document["external_annotations"]:
        ends[annotation["name"]].append(annotation["stage"])
    assert all(stages == ["START", "END"] * (len(stages) // 2) for stages in ends.values())
    assert "Optimizer.step#AdamW.step" in ends


def test_train_mix() -> None:
    recording = simulate(Options("train", 30000))
    counts: dict[str, int] = defaultdict(int)
    for action in recording.allocators[0].trace.actions:
        counts[ACTIONS[action]] += 1
    assert all(0.32 < counts[name] / 30000 < 0.35 for name in ("alloc", "free_requested", "free_completed"))
    trace = build(recording)["device_traces"][0]
    depths = {len(entry["frames"]) for entry in trace}
    assert 0 in depths and max(depths) > 30
    assert any(entry["stream"] for entry in trace)


# -- the command line and the examples ---------------------------------------------------------------------------------

def run(*arguments: str) -> None:
    assert gen_snapshot.main(list(arguments)) == 0


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        run("train", "--events", "2000", "--seed", seed, "-o", str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() != (tmp_path / "three").read_bytes()


@pytest.mark.parametrize("protocol", range(6))
def test_protocols(tmp_path: Path, protocol: int) -> None:
    run("leak", "--events", "300", "--protocol", str(protocol), "-o", str(tmp_path / "file"))
    assert load(tmp_path / "file") == build(simulate(Options("leak", 300)))


def test_large_files_are_streamed(tmp_path: Path) -> None:
    run("train", "--events", "120000", "--stacks", "shared", "-o", str(tmp_path / "file"))
    assert len(load(tmp_path / "file")["device_traces"][0]) >= 120000


def test_formats(tmp_path: Path) -> None:
    path = tmp_path / "file"
    document = build(simulate(Options("leak", 300)))
    run("leak", "--events", "300", "--format", "json", "-o", str(path))
    assert json.loads(path.read_text()) == json.loads(json.dumps(document))
    run("leak", "--events", "300", "--format", "segments", "-o", str(path))
    assert load(path) == document["segments"]
    run("leak", "--events", "300", "--format", "html", "-o", str(path))
    listed = re.search(r"^const local_files = (.*)$", path.read_text(), re.MULTILINE)
    assert listed
    [file] = json.loads(listed.group(1))
    data = base64.b64decode(file["base64"])
    assert file["name"] == "snapshot.pickle" and data.endswith(b"\0") and not file["base64"].endswith("=")
    assert DataUnpickler(io.BytesIO(data)).load() == document


def test_ring_depth_and_devices(tmp_path: Path) -> None:
    run("train", "--events", "6000", "--ring", "2500", "--depth", "60", "--devices", "2", "-o", str(tmp_path / "file"))
    document = load(tmp_path / "file")
    assert [len(trace) for trace in document["device_traces"]] == [2500, 2500]
    assert {len(entry["frames"]) for trace in document["device_traces"] for entry in trace} == {0, 60}
    assert {segment["device"] for segment in document["segments"]} == {0, 1}


def test_events_are_for_endless_scenarios(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        gen_snapshot.main(["capacity_oom", "--events", "5", "-o", "unused"])
    assert "--events" in capsys.readouterr().err


def example_commands() -> list[list[str]]:
    """The commands that the README of the examples names."""
    text = (EXAMPLES / "README.md").read_text()
    return [shlex.split(line)[2:] for line in text.splitlines() if line.startswith("python3 tools/gen_snapshot.py")]


@same_pickle
def test_examples_can_be_made_again(tmp_path: Path) -> None:
    commands = example_commands()
    named = set()
    for command in commands:
        place = command.index("-o") + 1
        example = ROOT / command[place]
        named.add(example)
        run(*command[:place], str(tmp_path / "file"), *command[place + 1:])
        assert (tmp_path / "file").read_bytes() == example.read_bytes()
        assert example.stat().st_size < 200_000
    assert named == set(EXAMPLES.glob("*.pickle"))
