"""Writes a snapshot as a pickle of protocol 4 or 5 without building the dictionaries of its trace entries.

The bytes equal those of `pickle.dump(document.build(recording))` (CPython Modules/_pickle.c: save, batch_list_exact,
batch_dict_exact, _Pickler_OpcodeBoundary), in a small part of the memory.
"""

from __future__ import annotations

import struct
from array import array
from typing import Any, BinaryIO, Callable

from .document import Document, Entries, Frames, Recording, build_without_traces
from .trace import ACTIONS, OOM, Trace

_FRAME_TARGET = 64 * 1024  # bytes; a frame ends at the first object behind this
_BATCH = 1000  # items per APPENDS or SETITEMS


class _FramedFile:
    """Collects the frame being written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.frame = bytearray()

    def boundary(self) -> None:
        """To be called before each object: ends the frame if it is full."""
        if len(self.frame) >= _FRAME_TARGET:
            self.close()

    def close(self) -> None:
        """Writes the frame out."""
        self._file.write(b"\x95" + struct.pack("<Q", len(self.frame)))
        self._file.write(self.frame)
        self.frame.clear()


class MemoReference:
    """Stands for an object that was written before, by its memo number."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Pickler:
    """The subset of pickle that snapshots need. Objects passed to `save` must stay alive: the memo goes by identity."""

    def __init__(self, file: _FramedFile) -> None:
        self._file = file
        self.memo: dict[int, int] = {}  # id of an object -> memo number
        self.memo_size = 0
        self._alive: list[Any] = []
        self._savers: dict[type, Callable[[Any], None]] = {
            bool: self._save_bool, int: self._save_int, float: self._save_float, str: self._save_str,
            tuple: self._save_tuple, list: self._save_list, dict: self._save_dict, MemoReference: self._save_reference}

    def save(self, value: Any) -> None:
        """Writes one object with all it contains."""
        self._file.boundary()
        number = self.memo.get(id(value))
        if number is not None:
            self._file.frame += get_opcode(number)
        else:
            self._savers[type(value)](value)

    def memoize(self, value: Any) -> None:
        """Numbers an object whose opcode was just written."""
        self._file.frame += b"\x94"
        self.memo[id(value)] = self.memo_size
        self.memo_size += 1
        self._alive.append(value)

    def _save_bool(self, value: bool) -> None:
        self._file.frame += b"\x88" if value else b"\x89"

    def _save_int(self, value: int) -> None:
        self._file.frame += int_opcode(value)

    def _save_float(self, value: float) -> None:
        self._file.frame += b"G" + struct.pack(">d", value)

    def _save_str(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        header = bytes((0x8C, len(data))) if len(data) < 256 else b"X" + struct.pack("<I", len(data))
        self._file.frame += header + data
        self.memoize(value)

    def _save_tuple(self, value: Any) -> None:
        if len(value) != 2:
            raise ValueError("snapshots contain pairs only")
        self.save(value[0])
        self.save(value[1])
        self._file.frame += b"\x86"
        self.memoize(value)

    def _save_list(self, value: list[Any]) -> None:
        self._file.frame += b"]"
        self.memoize(value)
        if len(value) == 1:
            self.save(value[0])
            self._file.frame += b"a"
            return
        for start in range(0, len(value), _BATCH):
            self._file.frame += b"("
            for item in value[start:start + _BATCH]:
                self.save(item)
            self._file.frame += b"e"

    def _save_dict(self, value: Document) -> None:
        self._file.frame += b"}"
        self.memoize(value)
        if len(value) > _BATCH or len(value) == 1:
            raise ValueError("snapshots contain no such dictionary")
        if not value:
            return
        self._file.frame += b"("
        for key, item in value.items():
            self.save(key)
            self.save(item)
        self._file.frame += b"u"

    def _save_reference(self, value: MemoReference) -> None:
        self._file.frame += get_opcode(value.number)


def get_opcode(number: int) -> bytes:
    """BINGET or LONG_BINGET."""
    return bytes((0x68, number)) if number < 256 else b"j" + struct.pack("<I", number)


def int_opcode(value: int) -> bytes:
    """The shortest of BININT1, BININT2, BININT and LONG1."""
    if 0 <= value < 1 << 8:
        return bytes((0x4B, value))
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return bytes((0x8A, len(data))) + data


class _TraceWriter:
    """Writes trace entries; most of them from ready pieces, as long as no frame can end inside and nothing is new."""

    def __init__(self, recording: Recording, pickler: _Pickler, file: _FramedFile, frames: Frames) -> None:
        self._dialect = recording.dialect
        self._contexts = recording.contexts
        self._pickler = pickler
        self._file = file
        self._frames = frames
        self._entries = Entries(recording.dialect, frames)
        self._memoized_per_entry = 1 + recording.dialect.compile_context + recording.dialect.pool_id
        # context -> memo number of its frame list, plus 1
        self._list_numbers = array("Q", bytes(8 * len(recording.contexts.sites)))
        self._heads: list[bytes | None] = [None] * len(ACTIONS)
        self._keys: dict[str, bytes] = {}
        self._site_lists: dict[int, bytes] = {}
        self._ints: dict[int, bytes] = {}

    def write(self, trace: Trace, first: int) -> None:
        """The list of the events from number `first` on."""
        frame = self._file.frame
        frame += b"]\x94"
        self._pickler.memo_size += 1
        count = len(trace) - first
        if count == 1:
            self._write_entry(trace, first)
            frame += b"a"
            return
        for start in range(first, len(trace), _BATCH):
            frame += b"("
            for index in range(start, min(start + _BATCH, len(trace))):
                self._write_entry(trace, index)
            frame += b"e"

    def _write_entry(self, trace: Trace, index: int) -> None:
        head = self._heads[trace.actions[index]]
        entry = None if head is None else self._ready_entry(trace, index, head)
        if entry is None:
            self._write_slowly(trace, index)
        else:
            self._file.frame += entry

    def _ready_entry(self, trace: Trace, index: int, head: bytes) -> bytes | None:
        """The bytes of an entry, or None if they may not be written in one go."""
        context = trace.contexts[index]
        listed = self._ready_frames(context) if context else b""
        if listed is None:
            return None
        keys = self._keys
        entry = (head + self._int(trace.addresses[index], False) + keys["size"] + self._int(trace.sizes[index], True)
                 + keys["stream"] + self._int(trace.streams[index], True) + self._ready_extras(trace, index)
                 + listed + b"u")
        if len(self._file.frame) + len(entry) >= _FRAME_TARGET:
            return None
        self._pickler.memo_size += self._memoized_per_entry
        if context and not self._list_numbers[context]:
            self._pickler.memo_size += 1
            self._list_numbers[context] = self._pickler.memo_size
        return entry

    def _ready_extras(self, trace: Trace, index: int) -> bytes:
        """The fields that depend on the release."""
        dialect, keys = self._dialect, self._keys
        extras = keys["time_us"] + self._int(trace.times_us[index], False) if dialect.time_us else b""
        if dialect.compile_context:
            extras += keys["compile_context"] + b"\x8c\x03N/A\x94"
        if dialect.user_metadata:
            extras += keys["user_metadata"]
        if dialect.pool_id:
            extras += keys["pool_id"] + self._pair(trace.pool_ids[trace.pools[index]])
        return extras

    def _ready_frames(self, context: int) -> bytes | None:
        """The field `frames`, or None if something in it has not been written yet."""
        if "frames" not in self._keys:
            return None
        number = self._list_numbers[context]
        if number:
            return self._keys["frames"] + get_opcode(number - 1)
        site = self._contexts.sites[context]
        listed = self._site_lists.get(site) or self._site_list(site, context)
        return self._keys["frames"] + listed if listed else None

    def _write_slowly(self, trace: Trace, index: int) -> None:
        """Through the general pickler; then notes what has been numbered by it."""
        entry = self._entries.entry(trace, index)
        context = trace.contexts[index]
        memo = self._pickler.memo
        frames = entry.get("frames")
        if frames is not None and self._list_numbers[context]:
            entry["frames"] = MemoReference(self._list_numbers[context] - 1)
        self._pickler.save(entry)
        if frames is not None and not self._list_numbers[context]:
            self._list_numbers[context] = memo[id(frames)] + 1
        self._note_keys(entry, trace.actions[index])

    def _note_keys(self, entry: Document, action: int) -> None:
        memo = self._pickler.memo
        for key in entry:
            self._keys[key] = get_opcode(memo[id(key)])
        if "user_metadata" in entry:
            self._keys["user_metadata"] += get_opcode(memo[id(entry["user_metadata"])])
        address = self._keys["device_free" if action == OOM else "addr"]
        self._heads[action] = b"}\x94(" + self._keys["action"] + get_opcode(memo[id(entry["action"])]) + address

    def _site_list(self, site: int, context: int) -> bytes:
        """The bytes of a new frame list of a call site, or b"" if one of its frames has not been written yet."""
        memo = self._pickler.memo
        numbers = [memo.get(id(self._frames.frame(number))) for number in self._frames.frame_numbers(context)]
        if None in numbers or len(numbers) > _BATCH:
            return b""
        items = b"".join(get_opcode(number) for number in numbers if number is not None)
        if len(numbers) < 2:
            listed = b"]\x94" + items + (b"a" if numbers else b"")
        else:
            listed = b"]\x94(" + items + b"e"
        self._site_lists[site] = listed
        return listed

    def _pair(self, pair: Any) -> bytes:
        return int_opcode(pair[0]) + int_opcode(pair[1]) + b"\x86\x94"

    def _int(self, value: int, cache: bool) -> bytes:
        if value >= 1 << 31:
            size = value.bit_length() // 8 + 1
            return bytes((0x8A, size)) + value.to_bytes(size, "little")
        if not cache:
            return int_opcode(value)
        found = self._ints.get(value)
        if found is None:
            found = self._ints[value] = int_opcode(value)
        return found

    def note_lists(self) -> None:
        """Takes over the numbers of the frame lists that blocks and segments referred to."""
        for context, frames in self._frames.lists().items():
            number = self._pickler.memo.get(id(frames))
            if number is not None:
                self._list_numbers[context] = number + 1


def write_pickle(recording: Recording, file: BinaryIO, protocol: int) -> None:
    """Writes the snapshot to `file`; `protocol` is 4 or 5."""
    if protocol not in (4, 5):
        raise ValueError("only protocols 4 and 5 can be streamed")
    file.write(bytes((0x80, protocol)))
    framed = _FramedFile(file)
    pickler = _Pickler(framed)
    frames = Frames(recording)
    document = build_without_traces(recording, frames)
    writer = _TraceWriter(recording, pickler, framed, frames)
    framed.frame += b"}"
    pickler.memoize(document)
    framed.frame += b"("
    for key, value in document.items():
        pickler.save(key)
        if key == "device_traces":
            writer.note_lists()
            _save_traces(recording, pickler, framed, writer)
        else:
            pickler.save(value)
    framed.frame += b"u."
    framed.close()


def _save_traces(recording: Recording, pickler: _Pickler, file: _FramedFile, writer: _TraceWriter) -> None:
    file.boundary()
    file.frame += b"]\x94"
    pickler.memo_size += 1
    many = len(recording.allocators) != 1
    if many:
        file.frame += b"("
    for allocator in recording.allocators:
        file.boundary()
        writer.write(allocator.trace, recording.first_event(allocator.trace))
    file.frame += b"e" if many else b"a"
