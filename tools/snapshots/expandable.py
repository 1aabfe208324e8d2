"""Expandable segments: address ranges into which memory is mapped page by page. Sizes and addresses in bytes.

After PyTorch c10/cuda/CUDACachingAllocator.cpp: try_allocate_expandable_block, find_expandable_block, map_block,
unmap_block.
"""

from __future__ import annotations

from typing import Callable

from .blocks import Block, Pool, Reservation
from .device import Device
from .settings import LARGE_SEGMENT, SMALL_SEGMENT, round_up
from .trace import SEGMENT_MAP, SEGMENT_UNMAP, Trace


class ExpandableSegments:
    """Maps and unmaps memory for the expandable blocks of one device. `next_birth` numbers a new reservation."""

    def __init__(self, device: Device, trace: Trace, next_birth: Callable[[], int]) -> None:
        self._device = device
        self._trace = trace
        self._next_birth = next_birth

    def allocate(self, pool: Pool, stream: int, size: int, context: int) -> Block | None:
        """A free block, taken out of its pool, of at least `size` bytes; None when out of memory.

        Pages mapped before a failure stay mapped.
        """
        block: Block | None = self._find(pool, stream, size) or self._reserve(pool, stream)
        while block is not None and (not block.mapped or block.size < size):
            if not block.mapped:
                block = self._map(block, min(block.size, size), context)
            elif block.next is None:
                raise AssertionError("a run of blocks ended early")
            else:
                block = self._map(block.next, min(size - block.size, block.next.size), context)
        if block is not None:
            pool.remove(block)
        return block

    def release(self, block: Block, context: int) -> None:
        """Unmaps the whole pages inside a free block; what is left at either end stays free."""
        reservation = block.reservation
        assert reservation is not None
        start = reservation.base + round_up(block.address - reservation.base, reservation.page)
        end = block.end - (block.end - reservation.base) % reservation.page
        if start >= end:
            return
        pool = block.pool
        pool.remove(block)
        if start > block.address:
            pool.insert(block.split_off_front(start - block.address))
        if end < block.end:
            middle = block.split_off_front(end - start)
            pool.insert(block)
            block = middle
        block.mapped = False
        pool.merge_neighbours(block)
        pool.insert(block)
        self._device.give(end - start)
        self._trace.record(SEGMENT_UNMAP, start, end - start, block.stream, pool.number, context)
        if block.size == reservation.size:
            pool.remove(block)
            self._device.unreserve(reservation.base, reservation.size)

    def _find(self, pool: Pool, stream: int, size: int) -> Block | None:
        """The start of the first run of idle blocks, mapped or not, that adds up to `size` bytes."""
        for unmapped in pool.unmapped_blocks(stream):
            before = unmapped.prev
            start = before if before is not None and before.is_idle() else unmapped
            if _run_reaches(start, size):
                return start
        return None

    def _reserve(self, pool: Pool, stream: int) -> Block:
        """A new address range of 9/8 of the device's memory, as one unmapped block."""
        page = SMALL_SEGMENT if pool.small else LARGE_SEGMENT
        size = round_up(self._device.total + self._device.total // 8, page)
        base = self._device.reserve(size)
        block = Block(base, size, stream, pool, self._next_birth())
        block.mapped = False
        block.reservation = Reservation(base, size, page)
        pool.insert(block)
        return block

    def _map(self, block: Block, size: int, context: int) -> Block | None:
        """Maps the first `size` bytes, rounded up to pages, of an unmapped block; returns the free block with them."""
        reservation = block.reservation
        assert reservation is not None
        size = round_up(size, reservation.page)
        if not self._device.take(size):
            return None
        pool = block.pool
        pool.remove(block)
        if size < block.size:
            mapped = block.split_off_front(size)
            pool.insert(block)
            block = mapped
        block.mapped = True
        address = block.address
        pool.merge_neighbours(block)
        pool.insert(block)
        if block.prev is None and not block.segment_context:
            block.segment_context = context
        self._trace.record(SEGMENT_MAP, address, size, block.stream, pool.number, context)
        return block


def _run_reaches(start: Block, size: int) -> bool:
    """Whether the idle blocks from `start` on add up to `size` bytes."""
    block: Block | None = start
    while block is not None and block.is_idle() and size > 0:
        size -= block.size
        block = block.next
    return size <= 0
