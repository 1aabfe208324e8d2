"""The driver's side of one GPU: an address space and an amount of physical memory. Sizes and addresses in bytes."""

from __future__ import annotations

import bisect

from .settings import MIB

# What a process's CUDA context keeps for itself on a current driver, about.
CONTEXT_BYTES = 450 * MIB

_FIRST_ADDRESS = 0x7E4A_0000_0000
_ADDRESSES_PER_DEVICE = 1 << 43


class Device:
    """Hands out addresses, lowest free range first, and refuses what would exceed `total` less the context."""

    def __init__(self, ordinal: int, total: int) -> None:
        self.ordinal = ordinal
        self.total = total
        self._unused = total - CONTEXT_BYTES
        start = _FIRST_ADDRESS + ordinal * _ADDRESSES_PER_DEVICE
        self._starts: list[int] = [start]  # free address ranges, ascending, never touching
        self._ends: list[int] = [start + _ADDRESSES_PER_DEVICE]

    @property
    def free_bytes(self) -> int:
        """What cudaMemGetInfo reports as free."""
        return self._unused

    def malloc(self, size: int) -> int | None:
        """cudaMalloc: the address, or None when out of memory."""
        return self.reserve(size) if self.take(size) else None

    def free(self, address: int, size: int) -> None:
        """cudaFree."""
        self.give(size)
        self.unreserve(address, size)

    def take(self, size: int) -> bool:
        """cuMemCreate: physical memory without an address."""
        if size > self._unused:
            return False
        self._unused -= size
        return True

    def give(self, size: int) -> None:
        """cuMemRelease."""
        self._unused += size

    def reserve(self, size: int) -> int:
        """cuMemAddressReserve: addresses without memory."""
        for index, (start, end) in enumerate(zip(self._starts, self._ends)):
            if end - start >= size:
                self._starts[index] = start + size
                if start + size == end:
                    del self._starts[index], self._ends[index]
                return start
        raise MemoryError("the simulated address space is full")

    def unreserve(self, address: int, size: int) -> None:
        """cuMemAddressFree."""
        index = bisect.bisect_left(self._starts, address)
        self._starts.insert(index, address)
        self._ends.insert(index, address + size)
        self._join(index)
        self._join(index - 1)

    def _join(self, index: int) -> None:
        """Unites the free range at `index` with the next one if they touch."""
        if 0 <= index < len(self._starts) - 1 and self._ends[index] == self._starts[index + 1]:
            self._ends[index] = self._ends[index + 1]
            del self._starts[index + 1], self._ends[index + 1]
