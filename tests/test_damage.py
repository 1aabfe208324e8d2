"""Any bytes in: a report or one clear error, soon, and in little memory.

Damaged files are made from the recordings and examples, always the same ones: about 600 in the normal run, about 4,000
with UNFRAG_TEST_ALL=1. How long the program computes is its processor time, which a busy machine does not change.
"""

from __future__ import annotations

import functools
import io
import json
import pickle
import pickletools
import random
import struct
import traceback
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Callable, Iterator

import pytest

from meter import Measured, Meter
from support import (BASE, CORPUS, ERROR, EXAMPLES, MIB, PROGRAM, TEST_ALL, Document, as_json, block, conservation,
                     entry, explain_json, gzip_member, html_page, is_consistent, load, named, only, p_dict, p_file,
                     p_get, p_int, p_list, p_put, p_text, recordings, segment, small_snapshot, snapshot, zstd_frame)

FILES = recordings("snapshots") + recordings("pytorch") + EXAMPLES
SMALL = [path for path in FILES if path.stat().st_size < 700_000]
VARIANTS = 98 if TEST_ALL else 15
LONGEST_S = 2.0


# -- running -----------------------------------------------------------------------------------------------------------

class Workshop:
    """Two programs at a time, each with a folder and a meter of its own."""

    def __init__(self, folder: Path) -> None:
        self._benches: SimpleQueue[tuple[Meter, Path]] = SimpleQueue()
        self._meters = []
        for index in range(2):
            bench = folder / str(index)
            bench.mkdir()
            self._meters.append(Meter(PROGRAM, bench))
            self._benches.put((self._meters[-1], bench / "input"))

    def run(self, data: bytes, *options: Any) -> Measured:
        meter, path = self._benches.get()
        try:
            path.write_bytes(data)
            return meter.run("explain", "--format", "json", *options, path)
        finally:
            self._benches.put((meter, path))

    def close(self) -> None:
        for meter in self._meters:
            meter.close()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    shop = Workshop(tmp_path_factory.mktemp("workshop"))
    yield shop
    shop.close()


def complaints(done: Measured, size: int) -> str:
    """What is wrong about how the program ended; `size`: bytes of the file, unpacked where it is packed."""
    most = 68 * MIB + 12 * size
    wrong = []
    if done.code not in (0, 3):
        wrong.append(f"exit code {done.code}: {done.err[-300:]!r}")
    if done.cpu_s >= LONGEST_S:
        wrong.append(f"{done.cpu_s:.1f} s")
    if done.peak_bytes >= most:
        wrong.append(f"{done.peak_bytes / MIB:.0f} MiB of memory, at most {most / MIB:.0f} allowed")
    if len(done.out) >= most:
        wrong.append(f"{len(done.out) / MIB:.0f} MiB of output, at most {most / MIB:.0f} allowed")
    if done.code == 3 and (done.out or not ERROR.fullmatch(done.err.decode())):
        wrong.append(f"the message {done.err!r}")
    if done.code == 0:
        wrong += wrong_report(done)
    return ", ".join(wrong)


def wrong_report(done: Measured) -> list[str]:
    if done.err:
        return [f"a report, and the message {done.err!r}"]
    if len(done.out) > 64 * MIB:
        return []  # told above
    try:
        conservation(json.loads(done.out))
    except AssertionError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].line
        return [f"a report that does not add up: {line}: {str(error)[:300]}"]
    return []


# -- damaged recordings ------------------------------------------------------------------------------------------------

Damage = Callable[[random.Random, bytes], bytes]


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[:rng.randrange(len(data))]


def flip(rng: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20, 200))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def scribble(rng: random.Random, data: bytes) -> bytes:
    """Other bytes near the beginning, where the structure is."""
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 3, 10))):
        damaged[rng.randrange(min(len(damaged), 3000))] = rng.randrange(256)
    return bytes(damaged)


def two_places(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.choice((1, 2, 7, 100, 5000)))


def drop(rng: random.Random, data: bytes) -> bytes:
    start, stop = two_places(rng, data)
    return data[:start] + data[stop:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    start, stop = two_places(rng, data)
    return data[:stop] + data[start:]


def blank(rng: random.Random, data: bytes) -> bytes:
    start, stop = two_places(rng, data)
    return data[:start] + rng.choice((b"\0", b"\xff", b"(", b"]", b"N")) * (stop - start) + data[stop:]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 4, 64))) + data[at:]


def splice(rng: random.Random, data: bytes) -> bytes:
    other = rng.choice(SMALL).read_bytes()
    return data[:rng.randrange(len(data))] + other[rng.randrange(len(other)):]


def packed(pack: Callable[[bytes], bytes], damage: Damage) -> Damage:
    def make(rng: random.Random, data: bytes) -> bytes:
        return damage(rng, pack(data))
    return make


def zip_of(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        archive.writestr("snapshot.pickle", data)
    return file.getvalue()


def as_text(data: bytes) -> bytes:
    return as_json(load(data))


quick_gzip = functools.partial(gzip_member, level=1)

PLAIN: dict[str, Damage] = {"cut": cut, "flip": flip, "scribble": scribble, "drop": drop, "repeat": repeat,
                            "blank": blank, "insert": insert, "splice": splice}
PACKED: dict[str, Damage] = {
    "gzip_cut": packed(quick_gzip, cut), "gzip_flip": packed(quick_gzip, flip), "gzip_of_flip": lambda rng, data:
    quick_gzip(flip(rng, data)), "zip_cut": packed(zip_of, cut), "zip_flip": packed(zip_of, flip),
    "zip_scribble": packed(zip_of, scribble), "zip_stored_scribble":
    packed(functools.partial(zip_of, method=zipfile.ZIP_STORED), scribble), "zstd_cut": packed(zstd_frame, cut),
    "zstd_flip": packed(zstd_frame, flip), "zstd_scribble": packed(zstd_frame, scribble),
    "html_cut": packed(html_page, cut), "html_flip": packed(html_page, flip), "json_cut": packed(as_text, cut),
    "json_flip": packed(as_text, flip), "json_scribble": packed(as_text, scribble)}


def damages(path: Path) -> list[tuple[str, int]]:
    """The kinds of damage done to a file, each with a seed. Large files get the quick kinds."""
    kinds = list(PLAIN) * 2 + list(PACKED) if path in SMALL else list(PLAIN)
    rng = random.Random(path.name)
    rng.shuffle(kinds)
    return [(kinds[index % len(kinds)], index) for index in range(VARIANTS)]


@pytest.mark.parametrize("path", named(FILES))
def test_a_damaged_file_gives_a_report_or_one_clear_error(path: Path, workshop: Workshop) -> None:
    data = path.read_bytes()

    def attempt(job: tuple[str, int]) -> str:
        kind, seed = job
        damaged = {**PLAIN, **PACKED}[kind](random.Random(f"{path.name}/{kind}/{seed}"), data)
        # JSON is larger than the pickle it was made from.
        wrong = complaints(workshop.run(damaged), max(len(damaged), len(data)))
        return f"{kind}/{seed}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(2) as pool:
        wrong = list(filter(None, pool.map(attempt, damages(path))))
    assert not wrong, "\n".join(wrong)


# -- cut files give what precedes the cut ------------------------------------------------------------------------------

def record_ends(data: bytes) -> tuple[list[int], list[int], list[int]]:
    """Where the opcodes of a pickle, its segments and its trace entries end. Of the stack, only what tells those apart
    is kept: marks, strings, and None for anything else."""
    starts: list[int] = []
    segments: list[int] = []
    entries: list[int] = []
    stack: list[Any] = []
    memo: list[Any] = []
    completed = None
    for opcode, argument, position in pickletools.genops(data):
        starts.append(position)
        if completed is not None:
            completed.append(position)
            completed = None
        if opcode.name in ("MEMOIZE",):
            memo.append(stack[-1])
        elif opcode.name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif opcode.name in ("PROTO", "FRAME", "STOP"):
            continue
        elif opcode.name in ("SETITEMS", "APPENDS"):
            at = max(index for index, value in enumerate(stack) if value is pickletools.markobject)
            keys = stack[at + 1::2] if opcode.name == "SETITEMS" else []
            completed = entries if "action" in keys else segments if "total_size" in keys else None
            del stack[at:]
        elif opcode.name == "APPEND":
            stack.pop()
        elif opcode.name == "SETITEM":
            del stack[-2:]
        elif opcode.name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            del stack[-int(opcode.name[-1]):]
            stack.append(None)
        elif opcode.name == "MARK":
            stack.append(pickletools.markobject)
        else:
            stack.append(argument if isinstance(argument, str) else None)
    return starts[1:], segments, entries


def chosen_cuts(rng: random.Random, places: list[int], count: int) -> list[int]:
    return sorted(rng.sample(places, min(count, len(places))))


def check_cut(workshop: Workshop, data: bytes, at: int, segments: list[int], entries: list[int]) -> str:
    done = workshop.run(data[:at])
    before = sum(end <= at for end in segments), sum(end <= at for end in entries)
    if before == (0, 0):
        return "" if done.code in (0, 3) else f"{at}: exit code {done.code}"
    if done.code != 0:
        return f"{at}: exit code {done.code} although {before} segments and entries precede the cut: {done.err!r}"
    report = json.loads(done.out)
    conservation(report)
    now = sum(device["now"]["segments"] for device in report["devices"])
    if not report["source"]["truncated"] or not report["source"]["warnings"]:
        return f"{at}: the cut was not told"
    if report["source"]["events"] != before[1]:
        return f"{at}: {report['source']['events']} entries, {before[1]} precede the cut"
    if before[0] and now not in (before[0], before[0] + 1):  # the one being written may be kept as far as it goes
        return f"{at}: {now} segments, {before[0]} precede the cut"
    return ""


CUT_FILES = [CORPUS / "pytorch" / f"{name}.pickle" for name in (
    "split_oom.default.torch2.9.1", "split_oom.expandable.torch2.15.0", "streams.default.torch2.9.1")
    if CORPUS.is_dir()] + EXAMPLES[:1]


@pytest.mark.parametrize("path", named(CUT_FILES))
def test_a_cut_file_gives_every_entry_before_the_cut(path: Path, workshop: Workshop) -> None:
    data = path.read_bytes()
    opcodes, segments, entries = record_ends(data)
    assert len(entries) == only(explain_json(path))["events"]
    rng = random.Random(path.name)
    count = 200 if TEST_ALL else 12
    places = {*chosen_cuts(rng, opcodes, 2 * count), *chosen_cuts(rng, entries, count), *segments[:2], entries[0],
              *(end - 1 for end in chosen_cuts(rng, entries, count)), *chosen_cuts(rng, list(range(len(data))), count),
              len(data) - 1}
    with ThreadPoolExecutor(2) as pool:
        wrong = pool.map(lambda at: check_cut(workshop, data, at, segments, entries), sorted(places))
    assert not list(filter(None, wrong))


def test_cut_json_gives_every_entry_before_the_cut(workshop: Workshop) -> None:
    document = small_snapshot()
    text = b'{"segments": ' + as_json(document["segments"]) + b', "device_traces": [['
    segments, entries = [len(text)], []
    for index, one in enumerate(document["device_traces"][0] * 3):
        text += (b", " if index else b"") + as_json(one)
        entries.append(len(text))
    text += b"]]}"
    wrong = [check_cut(workshop, text, at, segments, entries) for at in range(len(text) - 400, len(text))]
    assert not list(filter(None, wrong))


@pytest.mark.parametrize("pack", [gzip_member, zip_of, zstd_frame], ids=["gzip", "zip", "zstd"])
def test_a_cut_packed_file_gives_what_can_be_unpacked(pack: Callable[[bytes], bytes]) -> None:
    data = EXAMPLES[0].read_bytes()
    whole = pack(data)
    events = [explain_json(whole[:len(whole) * part // 10])["source"]["events"] for part in (6, 8, 9)]
    assert 0 < events[0] < events[1] < events[2] < explain_json(data)["source"]["events"]


def test_a_cut_gzip_gives_what_its_plain_bytes_give() -> None:
    packed_bytes = gzip_member(EXAMPLES[0].read_bytes())
    for part in (5, 7, 9):
        some = packed_bytes[:len(packed_bytes) * part // 10]
        plain = zlib.decompressobj(31).decompress(some)
        assert explain_json(some)["devices"] == explain_json(plain)["devices"]


def test_a_cut_page_gives_what_precedes_the_cut() -> None:
    page = html_page(EXAMPLES[0].read_bytes())
    report = explain_json(page[:len(page) * 9 // 10])
    assert report["source"]["truncated"]
    assert report["source"]["events"] > 0


def test_a_cut_after_the_last_byte_but_one_loses_nothing() -> None:
    """Only STOP is missing: everything is there, and the cut is told."""
    for path in EXAMPLES:
        data = path.read_bytes()
        report = explain_json(data[:-1])
        assert report["source"]["truncated"]
        assert report["devices"] == explain_json(data)["devices"]


# -- files that contradict themselves ----------------------------------------------------------------------------------

def whole_segment(index: int = 0, blocks: list[Document] | None = None, **more: Any) -> Document:
    return segment(BASE + index * 2 * MIB, blocks or [block(512), block(2 * MIB - 512, "inactive")], **more)


def traced(*entries: Document) -> Document:
    """These entries after the one that reserves the segment, and the segment as empty as it was."""
    reserved = entry("segment_alloc", BASE, 2 * MIB)
    return snapshot([whole_segment(blocks=[block(2 * MIB, "inactive")])], [reserved, *entries])


def freed(address: int, size: int) -> list[Document]:
    return [entry("free_requested", address, size), entry("free_completed", address, size)]


CONTRADICTIONS = {
    "blocks_that_do_not_fill_the_segment": snapshot([whole_segment(total_size=4 * MIB)]),
    "blocks_that_leave_a_gap": snapshot([whole_segment(blocks=[
        block(512), block(2 * MIB - 512, "inactive", address=BASE + 1024)])]),
    "blocks_that_overlap": snapshot([whole_segment(blocks=[
        block(1024), block(1024, address=BASE + 512), block(2 * MIB - 2048, "inactive")])]),
    "sums_that_are_wrong": snapshot([whole_segment(allocated_size=1024)]),
    "requested_sum_that_is_wrong": snapshot([whole_segment(requested_size=2)]),
    "one_segment_twice": snapshot([whole_segment(), whole_segment()]),
    "segments_that_overlap": snapshot([whole_segment(), segment(BASE + MIB, [block(2 * MIB)])]),
    "a_segment_inside_another": snapshot([segment(BASE, [block(8 * MIB)]), whole_segment(1)]),
    "entries_that_overlap": traced(
        entry("alloc", BASE, 1000), entry("alloc", BASE + 512, 512), *freed(BASE, 1000), *freed(BASE + 512, 512)),
    "an_entry_beyond_its_segment": traced(entry("alloc", BASE, 4 * MIB), *freed(BASE, 4 * MIB)),
    "an_entry_in_no_segment": traced(entry("alloc", BASE + 8 * MIB, 512), *freed(BASE + 8 * MIB, 512)),
    "an_address_handed_out_twice": traced(entry("alloc", BASE, 512), entry("alloc", BASE, 512), *freed(BASE, 512)),
    "an_address_freed_twice": traced(entry("alloc", BASE, 512), *freed(BASE, 512), *freed(BASE, 512)),
    "another_size_freed": traced(entry("alloc", BASE, 512), *freed(BASE, 4096)),
    "a_block_that_vanished": traced(entry("alloc", BASE, 512)),
    "a_block_that_came_from_nowhere": snapshot([whole_segment()], [entry("segment_alloc", BASE, 2 * MIB)]),
    "a_block_of_another_size": snapshot([whole_segment()], [
        entry("segment_alloc", BASE, 2 * MIB), entry("alloc", BASE, 4096)]),
    "a_segment_freed_while_in_use": snapshot([], [
        entry("segment_alloc", BASE, 2 * MIB), entry("alloc", BASE, 512), entry("segment_free", BASE, 2 * MIB)]),
    "a_segment_reserved_twice": traced(entry("segment_alloc", BASE, 2 * MIB)),
    "a_segment_freed_twice": snapshot([], [
        entry("segment_alloc", BASE, 2 * MIB), entry("segment_free", BASE, 2 * MIB),
        entry("segment_free", BASE, 2 * MIB)]),
    "a_segment_freed_in_part": snapshot([], [
        entry("segment_alloc", BASE, 4 * MIB), entry("segment_free", BASE, 2 * MIB)]),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_explained_with_a_warning(name: str) -> None:
    report = explain_json(CONTRADICTIONS[name])
    assert not is_consistent(report), report["source"]["warnings"]
    for moment in ("end", "peak"):
        explain_json(CONTRADICTIONS[name], "--at", moment)


# -- files made to hurt ------------------------------------------------------------------------------------------------

def a_frame(name: bytes = p_text("main"), line: bytes = b"K\x01") -> bytes:
    return p_dict(name=name, filename=p_text("/home/user/train.py"), line=line)


def an_entry(index: int, frames: bytes, **more: bytes) -> bytes:
    return p_dict(action=p_text("alloc"), addr=p_int(BASE + 512 * index), size=b"M\x00\x02", frames=frames, **more)


def a_block(index: int, **more: bytes) -> bytes:
    return p_dict(address=p_int(BASE + 2 * MIB * index), size=p_int(2 * MIB), requested_size=p_int(2 * MIB),
                  state=p_text("active_allocated"), **more)


def a_segment(index: int, blocks: bytes, **more: bytes) -> bytes:
    return p_dict(address=p_int(BASE + 2 * MIB * index), total_size=p_int(2 * MIB), stream=b"K\x00", blocks=blocks,
                  **more)


def a_snapshot(segments: bytes = b"]", traces: bytes = b"]", **more: bytes) -> bytes:
    return p_dict(segments=segments, device_traces=traces, **more)


def many(count: int, make: Callable[[int], bytes]) -> bytes:
    return p_list(*map(make, range(count)))


def remembered(value: bytes, index: int = 0) -> bytes:
    """Puts a value into the memo and takes it off the stack again."""
    return value + p_put(index) + b"0"


SHARED = p_get(0)
BIG_LIST = remembered(p_list(*[b"N"] * 100_000))
BIG_TEXT = remembered(p_text(b"A" * 500_000))
BIG_DICT = remembered(b"}(" + b"".join(p_text(f"k{index}") + b"N" for index in range(100_000)) + b"u")
BIG_STACK = remembered(a_frame(), 1) + remembered(p_list(*[p_get(1)] * 100_000))


def doubling(levels: int, make: Callable[[bytes], bytes]) -> bytes:
    """Each level holds the one below twice: 2 ** levels paths through one small file."""
    value = remembered(make(b"N"))
    for level in range(1, levels):
        value += remembered(make(p_get(level - 1) * 2), level)
    return value


def two_keys(items: bytes) -> bytes:
    """A dict with one item or two as its values."""
    half = len(items) // 2
    return b"}" if items == b"N" else b"}(" + p_text("a") + items[:half] + p_text("b") + items[half:] + b"u"


def plain_list(items: bytes) -> bytes:
    return b"](" + items + b"e"


def shared_to_death() -> dict[str, Callable[[], bytes]]:
    """Few bytes that would cost a lot if every use were paid for."""
    top = p_get(59)
    lists, dicts = doubling(60, plain_list), doubling(60, two_keys)
    often = 100_000

    def trace(make: Callable[[int], bytes], count: int = often) -> bytes:
        return a_snapshot(traces=p_list(many(count, make)))

    return {
        "doubling_lists_as_segments": lambda: lists + a_snapshot(segments=top),
        "doubling_lists_as_traces": lambda: lists + a_snapshot(traces=top),
        "doubling_lists_as_settings": lambda: lists + a_snapshot(allocator_settings=p_dict(a=top, b=top)),
        "doubling_lists_as_annotations": lambda: lists + a_snapshot(external_annotations=top),
        "doubling_lists_as_everything": lambda: lists + top,
        "doubling_lists_as_frames": lambda: lists + trace(lambda i: an_entry(i, top), 1000),
        "doubling_lists_in_unknown_keys": lambda: lists + trace(lambda i: an_entry(i, b"]", x=top), 1000),
        "doubling_dicts_as_settings": lambda: dicts + a_snapshot(allocator_settings=top),
        "doubling_dicts_as_everything": lambda: dicts + top,
        "one_list_as_all_frames": lambda: BIG_LIST + trace(lambda i: an_entry(i, SHARED)),
        "one_stack_as_all_frames": lambda: BIG_STACK + trace(lambda i: an_entry(i, SHARED)),
        "one_list_as_all_forward_frames": lambda:
            BIG_LIST + trace(lambda i: an_entry(i, b"]", forward_frames=SHARED)),
        "one_list_as_all_blocks": lambda: BIG_LIST + a_snapshot(many(often, lambda i: a_segment(i, SHARED))),
        "one_list_as_all_histories": lambda:
            BIG_LIST + a_snapshot(many(5000, lambda i: a_segment(i, p_list(a_block(i, history=SHARED), b"N")))),
        "one_dict_as_all_histories": lambda:
            BIG_DICT + a_snapshot(many(5000, lambda i: a_segment(
                i, p_list(a_block(i, history=p_list(SHARED, b"N")), b"N")))),
        "one_list_as_all_names": lambda: BIG_LIST + trace(lambda i: an_entry(
            i, p_list(a_frame(name=SHARED), b"N"))),
        "one_list_as_all_segments": lambda: BIG_LIST + a_snapshot(p_list(*[SHARED] * often)),
        "one_dict_as_all_segments": lambda: BIG_DICT + a_snapshot(p_list(*[SHARED] * often)),
        "one_segment_many_times": lambda: remembered(a_segment(0, p_list(a_block(0), b"N")))
                                            + a_snapshot(p_list(*[SHARED] * often)),
        "one_block_many_times": lambda: remembered(a_block(0)) + a_snapshot(many(1000, lambda i: a_segment(
            i, p_list(*[SHARED] * 1000)))),
        "one_entry_many_times": lambda: remembered(an_entry(0, b"]"))
                                          + a_snapshot(traces=p_list(p_list(*[SHARED] * often))),
        "one_trace_for_all_devices": lambda: remembered(many(often, lambda i: an_entry(i, b"]")))
                                     + a_snapshot(traces=p_list(*[SHARED] * often)),
        "one_list_as_all_traces": lambda: BIG_LIST + a_snapshot(traces=p_list(*[SHARED] * often)),
        "one_dict_as_the_whole_list": lambda: BIG_DICT + p_list(*[SHARED] * often),
        "one_dict_as_all_values": lambda: BIG_DICT + b"}(" + b"".join(
            p_text(f"x{i}") + SHARED for i in range(often)) + b"u",
        "one_text_as_all_names": lambda: BIG_TEXT + a_snapshot(many(1000, lambda i: a_segment(i, p_list(
            a_block(i, frames=p_list(a_frame(line=p_int(i)), a_frame(name=SHARED))), b"N")))),
        "one_text_as_all_fields_of_frames": lambda: BIG_TEXT + many(2000, lambda i: p_dict(
            name=SHARED, filename=SHARED, fx_node_op=SHARED, fx_node_name=SHARED, fx_node_target=p_text(str(i)))),
        "one_text_as_all_settings": lambda: BIG_TEXT + remembered(p_list(*[SHARED] * 64), 1) + remembered(
            p_list(*[p_get(1)] * 64), 2) + a_snapshot(allocator_settings=b"}(" + b"".join(
                p_text(f"s{i}") + p_get(2) for i in range(256)) + b"u"),
        "one_text_as_all_unknown_keys": lambda: BIG_TEXT + trace(
            lambda i: b"}(" + p_text("action") + p_text("alloc") + SHARED + b"Nu"),
        "one_list_copied_by_dict": lambda: remembered(
            p_list(*[p_text(f"k{i}") + b"N\x86" for i in range(20_000)]) + b"\x85")
                                   + remembered(b"ccollections\nOrderedDict\n", 1)
                                   + b"](" + (p_get(1) + SHARED + b"R") * often + b"e",
        "one_stack_reopened": lambda: remembered(a_frame(), 1) + remembered(p_list(*[p_get(1)] * 900))
                              + b"](" + (SHARED + b"(NNe") * often + b"e",
        "one_object_duplicated": lambda: b"](" + b"}" + b"2" * 1_000_000 + b"e",
    }


def self_containing() -> dict[str, Callable[[], bytes]]:
    loop = b"]" + p_put(0) + b"(" + SHARED + SHARED + b"e"
    ring = b"}" + p_put(0) + b"(" + p_text("segments") + SHARED + p_text("device_traces") + SHARED + b"u"
    in_block = p_text("size") + b"K\x01" + p_text("state") + p_text("inactive") + p_text("history")
    in_segment = p_text("total_size") + b"K\x01" + p_text("address") + b"K\x00" + p_text("blocks")
    own = b"}" + p_put(5) + b"("
    return {
        "list_in_itself": lambda: loop,
        "list_in_itself_one_at_a_time": lambda: b"]" + p_put(0) + SHARED + b"a",
        "dict_in_itself": lambda: ring,
        "dict_in_itself_as_settings": lambda: b"}" + p_put(0) + b"(" + p_text("segments") + b"]"
                                              + p_text("allocator_settings") + SHARED + b"u",
        "dict_in_a_dict_in_itself": lambda: b"}" + p_put(0) + p_text("a") + SHARED + b"s",
        "segments_in_themselves": lambda: a_snapshot(segments=loop),
        "traces_in_themselves": lambda: a_snapshot(traces=loop),
        "frames_in_themselves": lambda: a_snapshot(traces=p_list(p_list(an_entry(0, loop), an_entry(1, SHARED)))),
        "blocks_in_themselves": lambda: a_snapshot(p_list(a_segment(0, loop), a_segment(1, SHARED))),
        "block_in_its_history": lambda: a_snapshot(p_list(a_segment(0, p_list(
            own + in_block + p_list(p_get(5), b"N") + b"u", b"N")))),
        "segment_in_its_blocks": lambda: a_snapshot(p_list(own + in_segment + p_list(p_get(5)) + b"u")),
        "entry_in_its_trace": lambda: a_snapshot(traces=p_list(
            b"]" + p_put(7) + b"(" + an_entry(0, p_get(7)) + p_get(7) + b"e")),
        "settings_in_themselves": lambda: a_snapshot(
            allocator_settings=b"}" + p_put(0) + p_text("a") + loop + b"s"),
        "tuple_around_its_list": lambda: b"]" + p_put(0) + SHARED + b"\x85" + b"a",
    }


def lying_lengths() -> dict[str, Callable[[], bytes]]:
    huge = (1 << 62).to_bytes(8, "little")
    most = b"\xff" * 8
    return {
        "text_of_4_gib": lambda: b"X\xff\xff\xff\xff" + b"a" * 100,
        "text_of_4_eib": lambda: b"\x8d" + huge,
        "text_of_all_bits": lambda: b"\x8d" + most,
        "bytes_of_4_gib": lambda: b"B\xff\xff\xff\xff",
        "bytes_of_4_eib": lambda: b"\x8e" + huge,
        "bytearray_of_4_eib": lambda: b"\x96" + most,
        "string_of_minus_one": lambda: b"T\xff\xff\xff\xff",
        "integer_of_2_gib": lambda: b"\x8b\xff\xff\xff\x7f",
        "integer_of_minus_one": lambda: b"\x8b\xff\xff\xff\xff",
        "frame_of_4_eib": lambda: b"\x95" + huge + b"N",
        "integer_of_255_bytes": lambda: b"\x8a\xff" + b"\x01" * 255,
        "line_of_16_mib": lambda: b"I" + b"1" * (16 * MIB) + b"\n",
        "lines_of_digits": lambda: b"](" + (b"L" + b"9" * 5000 + b"L\n") * 300 + b"e",
        "memo_index_of_4_gib": lambda: b"Nr\xff\xff\xff\xff",
        "memo_index_of_a_million": lambda: b"Nr\x40\x42\x0f\x00",
        "memo_index_in_words": lambda: b"Np99999999999999999999999\n",
        "memo_never_filled": lambda: b"h\x05",
        "memo_of_nothing": lambda: b"\x94\x94\x94",
        "memo_of_a_mark": lambda: b"(\x94q\x00h\x00",
        "memo_changed": lambda: b"]q\x00Nq\x00h\x00h\x00a",
        "sizes_of_2_to_the_63": lambda: a_snapshot(p_list(p_dict(
            address=p_int(1 << 63), total_size=p_int((1 << 63) - 1), blocks=p_list(a_block(0), b"N")))),
        "segments_at_the_last_address": lambda: a_snapshot(p_list(*[p_dict(
            address=p_int((1 << 64) - index), total_size=p_int(1 << 47), blocks=b"]") for index in range(1, 50)])),
        "many_segments_of_the_most_bytes": lambda: a_snapshot(many(100_000, lambda i: p_dict(
            address=p_int(i << 40), total_size=p_int((1 << 48) - 1), stream=b"K\x00", blocks=b"]"))),
        "entries_of_the_most_bytes": lambda: a_snapshot(traces=p_list(many(100_000, lambda i: p_dict(
            action=p_text(("segment_alloc", "alloc", "segment_map")[i % 3]), addr=p_int(i << 40),
            size=p_int((1 << 48) - 1))))),
        "a_device_of_2_gib": lambda: a_snapshot(p_list(a_segment(0, b"]", device=p_int(1 << 31)))),
        "a_device_of_minus_2_gib": lambda: a_snapshot(p_list(a_segment(0, b"]", device=p_int(-1 << 62)))),
        "a_million_devices": lambda: a_snapshot(traces=p_list(*[b"]"] * 1_000_000)),
        "four_thousand_devices": lambda: a_snapshot(traces=many(
            4200, lambda i: p_list(an_entry(0, b"]"), an_entry(1, b"]")))),
    }


def deep() -> dict[str, Callable[[], bytes]]:
    million = 1_000_000
    return {
        "marks": lambda: b"(" * million,
        "marks_and_tuples": lambda: b"(" * million + b"t" * million,
        "lists_open": lambda: b"]" * 3 * million,
        "lists_in_lists": lambda: b"]" * million + b"a" * (million - 1),
        "lists_marked": lambda: b"](" * million + b"e" * million,
        "tuples_in_tuples": lambda: b"N" + b"\x85" * million,
        "dicts_in_dicts": lambda: (b"}" + p_text("a")) * (million // 4) + b"N" + b"s" * (million // 4),
        "dicts_open": lambda: (b"}(" + p_text("segments")) * (million // 8),
        "sets_in_sets": lambda: b"(" * million + b"\x91" * million,
        "lists_in_frames": lambda: a_snapshot(traces=p_list(p_list(an_entry(
            0, b"]" * million + b"a" * (million - 1))))),
        "empty_lists": lambda: b"](" + b"]" * 3 * million + b"e",
        "empty_dicts": lambda: b"](" + b"}" * 3 * million + b"e",
        "lists_of_one_each": lambda: b"](" + b"]Na" * million + b"e",
        "pops_of_nothing": lambda: b"0" * million,
        "entries_without_end": lambda: a_snapshot(traces=p_list((b"}(" + p_text("action")) * (million // 8))),
    }


HURTFUL = {**shared_to_death(), **self_containing(), **lying_lengths(), **deep()}


@pytest.mark.parametrize("name", HURTFUL)
def test_a_file_made_to_hurt_does_not(name: str, workshop: Workshop) -> None:
    data = p_file(HURTFUL[name]())
    wrong = complaints(workshop.run(data), len(data))
    assert not wrong


@pytest.mark.parametrize("name", ["doubling_lists_as_frames", "one_stack_as_all_frames", "one_segment_many_times",
                                  "one_text_as_all_names", "list_in_itself", "sizes_of_2_to_the_63"])
@pytest.mark.parametrize("options", [("--at", "0"), ("--at", "peak"), ("--group", "segment", "--top", "3")],
                         ids=["at_0", "at_peak", "group_segment"])
def test_a_file_made_to_hurt_does_not_with_options(name: str, options: tuple[str, ...], workshop: Workshop) -> None:
    data = p_file(HURTFUL[name]())
    done = workshop.run(data, *options)
    wrong = complaints(done, len(data)) if done.code != 2 else ""
    assert not wrong


HURTFUL_JSON: dict[str, Callable[[], bytes]] = {
    "lists_open": lambda: b"[" * 1_000_000,
    "lists_in_lists": lambda: b"[" * 1_000_000 + b"]" * 1_000_000,
    "dicts_open": lambda: b'{"a":' * 1_000_000,
    "dicts_in_dicts": lambda: b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000,
    "lists_in_segments": lambda: b'{"segments": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    "dicts_in_segments": lambda: b'{"segments": [' + b'{"segments":' * 300_000 + b"1" + b"}" * 300_000 + b"]}",
    "a_long_text": lambda: b'["' + b"a" * (32 * MIB) + b'"]',
    "a_long_number": lambda: b"[" + b"1" * MIB + b"]",
    "a_number_beyond_a_double": lambda: b'{"segments": [{"total_size": 1e999, "address": -1e999}]}',
    "lone_surrogates": lambda: b'["' + b"\\ud800" * 100_000 + b'"]',
    "invalid_utf_8": lambda: b'["\xff\xfe"]',
    "a_nul_byte": lambda: b'[\0]',
    "a_byte_order_mark": lambda: b"\xef\xbb\xbf[]",
    "commas": lambda: b"[" + b"," * MIB + b"]",
    "one_key_many_times": lambda: b"{" + b'"segments": [],' * 100_000 + b'"segments": []}',
    "empty_lists": lambda: b"[" + b"[]," * 1_000_000 + b"[]]",
}


@pytest.mark.parametrize("name", HURTFUL_JSON)
def test_json_made_to_hurt_does_not(name: str, workshop: Workshop) -> None:
    data = HURTFUL_JSON[name]()
    wrong = complaints(workshop.run(data), len(data))
    assert not wrong


# -- bombs -------------------------------------------------------------------------------------------------------------

@functools.cache
def squeezed(piece: bytes, count: int, before: bytes = b"") -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(before)]
    block = piece * (MIB // len(piece))
    parts += [packer.compress(block) for _ in range(count)]
    return b"".join(parts) + packer.flush()


def zip_with(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def self_extracting_loop() -> bytes:
    """A zip whose member claims to be as large as can be."""
    header = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, 0xFFFFFFFE, 0xFFFFFFFE, 1, 0)
    return header + b"x" + bytes(1000)


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip_of_zeros": lambda: squeezed(b"\0", 200),
    "gzip_of_pickle_that_does_nothing": lambda: squeezed(b"N0", 100, b"\x80\x04"),
    "gzip_of_pickle_that_marks_and_pops": lambda: squeezed(b"(1", 100, b"\x80\x04"),
    "gzip_of_json_spaces": lambda: squeezed(b" ", 100, b"["),
    "gzip_of_html": lambda: squeezed(b"a", 200, b"<html>"),
    "gzip_of_text_of_4_gib": lambda: squeezed(b"a", 200, b"\x80\x04X\xff\xff\xff\xff"),
    "gzip_of_bytes_of_4_gib": lambda: squeezed(b"a", 200, b"\x80\x04B\xff\xff\xff\xff"),
    "gzip_of_spaces": lambda: squeezed(b" ", 100),
    "gzip_of_gzip_of_zeros": lambda: gzip_member(squeezed(b"\0", 400)),
    "gzip_of_gzip_of_pickle": lambda: gzip_member(gzip_member(squeezed(b"N0", 200, b"\x80\x04"))),
    "zip_of_zeros": lambda: zip_with(("a", bytes(100 * MIB))),
    "zip_of_many_zeros": lambda: zip_with(*((f"{index}", bytes(10 * MIB)) for index in range(20))),
    "zip_of_many_files": lambda: zip_with(*((f"{index}", b"x") for index in range(5000))),
    "zip_of_zip_of_zeros": lambda: zip_with(("a.zip", zip_with(("a", bytes(100 * MIB))))),
    "zip_that_lies": self_extracting_loop,
    "gzip_of_empty_gzips": lambda: gzip_member(b"") * 100_000,
    "zstd_of_empty_frames": lambda: zstd_frame(b"") * 100_000,
    "zstd_of_repeated_bytes": lambda: b"\x28\xb5\x2f\xfd\x00\x38" + (b"\x02\x00\x10N" * 800),
    "zstd_of_a_huge_window": lambda: b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00",
    "zstd_of_skipped_frames": lambda: (b"\x50\x2a\x4d\x18" + struct.pack("<I", 0)) * 100_000,
    "zstd_of_a_skip_of_4_gib": lambda: b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(100),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name: str, workshop: Workshop) -> None:
    """Measured by its packed size: what is unpacked passes through and is not kept."""
    data = BOMBS[name]()
    wrong = complaints(workshop.run(data), len(data))
    assert not wrong


def test_a_bomb_is_refused_by_what_it_unpacks_to(workshop: Workshop) -> None:
    data = squeezed(b"N0", 100, b"\x80\x04")
    assert len(data) * 1000 < 104 * MIB
    done = workshop.run(gzip_member(data))
    assert done.code == 3
    assert b"1000 times its size" in done.err


def test_pickles_of_python_survive_protocol_by_protocol(workshop: Workshop) -> None:
    """Cut after every byte, a small snapshot never ends badly, whatever the protocol."""
    jobs = [(protocol, at) for protocol in range(6)
            for at in range(0, len(pickle.dumps(small_snapshot(), protocol)), 1 if TEST_ALL else 23)]

    def attempt(job: tuple[int, int]) -> str:
        protocol, at = job
        data = pickle.dumps(small_snapshot(), protocol)[:at]
        wrong = complaints(workshop.run(data), len(data))
        return f"protocol {protocol} cut at {at}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(2) as pool:
        assert not list(filter(None, pool.map(attempt, jobs)))


