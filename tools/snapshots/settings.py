"""Allocator settings and size arithmetic. Every size is in bytes."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

# PyTorch c10/cuda/CUDACachingAllocator.cpp: kMinBlockSize, kSmallSize, kSmallBuffer, kLargeBuffer, kMinLargeAlloc,
# kRoundLarge.
MIN_BLOCK = 512
SMALL_MAX = 1 * MIB
SMALL_SEGMENT = 2 * MIB
LARGE_SEGMENT = 20 * MIB
MIN_LARGE = 10 * MIB
ROUND_LARGE = 2 * MIB

# PyTorch c10/core/AllocatorConfig.h: kRoundUpPowerOfTwoIntervals (1 MiB, 2 MiB, 4 MiB ... 32 GiB).
DIVISION_SLOTS = 16


class SettingsError(ValueError):
    """The configuration string is not one that PyTorch accepts."""


@dataclass(frozen=True)
class Settings:
    """The part of PYTORCH_CUDA_ALLOC_CONF that the model follows; `text` is the string itself."""

    text: str = ""
    expandable_segments: bool = False
    max_split_size: int | None = None  # bytes; None: unlimited
    garbage_collection_threshold: float = 0.0  # no effect here: PyTorch needs a memory fraction for it
    divisions: tuple[int, ...] = (0,) * DIVISION_SLOTS


def round_up(value: int, step: int) -> int:
    """The least multiple of `step` that is not below `value`."""
    return (value + step - 1) // step * step


def round_size(nbytes: int, divisions: tuple[int, ...]) -> int:
    """Bytes of the block that serves a request of `nbytes` (CUDACachingAllocator.cpp: round_size)."""
    if nbytes < MIN_BLOCK:
        return MIN_BLOCK
    slot = min(max(nbytes.bit_length() - 1 - 20, 0), DIVISION_SLOTS - 1)
    count = divisions[slot]
    if count > 1 and nbytes > MIN_BLOCK * count:
        return _round_to_division(nbytes, count)
    return (nbytes + MIN_BLOCK - 1) & -MIN_BLOCK


def _round_to_division(nbytes: int, count: int) -> int:
    """`nbytes` up to the next of `count` equal steps between two powers of two (roundup_power2_next_division)."""
    power = 1 << (nbytes.bit_length() - 1)
    return nbytes if nbytes == power else round_up(nbytes, power // count)


def segment_size(rounded: int) -> int:
    """Bytes asked of the driver when no free block fits (CUDACachingAllocator.cpp: get_allocation_size)."""
    if rounded <= SMALL_MAX:
        return SMALL_SEGMENT
    return LARGE_SEGMENT if rounded < MIN_LARGE else round_up(rounded, ROUND_LARGE)


def parse_settings(text: str, rest_after_last: bool) -> Settings:
    """Reads `key:value,...`. `rest_after_last`: in a division list, `>` begins after the last listed slot (PyTorch
    2.15.0) rather than at it (2.9.1 and before)."""
    pairs = dict(_split_pairs(text.replace(" ", "")))
    unknown = set(pairs) - {"expandable_segments", "max_split_size_mb", "garbage_collection_threshold",
                            "roundup_power2_divisions"}
    if unknown:
        raise SettingsError(f"unsupported key in the allocator configuration: {sorted(unknown)[0]}")
    split_mb = pairs.get("max_split_size_mb")
    return Settings(
        text=text,
        expandable_segments=_parse_bool(pairs.get("expandable_segments", "False")),
        max_split_size=None if split_mb is None else _parse_split_size(split_mb),
        garbage_collection_threshold=float(pairs.get("garbage_collection_threshold", "0")),
        divisions=_parse_divisions(pairs.get("roundup_power2_divisions", ""), rest_after_last),
    )


def _split_pairs(text: str) -> list[tuple[str, str]]:
    """`a:1,b:[2:3,4:5]` -> [("a", "1"), ("b", "[2:3,4:5]")]."""
    pairs: list[tuple[str, str]] = []
    while text:
        key, colon, rest = text.partition(":")
        if not colon:
            raise SettingsError(f"'{key}' has no value")
        end = rest.find("]") + 1 if rest.startswith("[") else (rest + ",").find(",")
        pairs.append((key, rest[:end]))
        text = rest[end:].lstrip(",")
    return pairs


def _parse_bool(text: str) -> bool:
    if text not in ("True", "False"):
        raise SettingsError(f"expected True or False, found '{text}'")
    return text == "True"


def _parse_split_size(text: str) -> int:
    size = int(text) * MIB
    if size < LARGE_SEGMENT:
        raise SettingsError("max_split_size_mb must be at least 20")
    return size


def _parse_divisions(text: str, rest_after_last: bool) -> tuple[int, ...]:
    """One count for all slots, or `[MiB:count,...,>:count]` (c10/core/AllocatorConfig.cpp)."""
    if not text:
        return (0,) * DIVISION_SLOTS
    if not text.startswith("["):
        return (int(text),) * DIVISION_SLOTS
    slots: dict[int, int] = {}
    last = 0
    for index, (key, value) in enumerate(_split_pairs(text[1:-1])):
        if key == ">":
            first = last + 1 if rest_after_last else last
            slots.update({slot: int(value) for slot in range(first, DIVISION_SLOTS)})
            continue
        last = min(int(key).bit_length() - 1, DIVISION_SLOTS - 1)
        slots.update({slot: int(value) for slot in range(0 if index == 0 else last, last + 1)})
    return tuple(slots.get(slot, 0) for slot in range(DIVISION_SLOTS))
