"""Blocks, pools of free blocks, splitting and merging. Sizes and addresses in bytes.

After PyTorch c10/cuda/CUDACachingAllocator.cpp: Block, BlockPool, try_merge_blocks.
"""

from __future__ import annotations

import bisect

from .trace import NO_CONTEXT

# (stream, size, tie-break, address): the order in which the free blocks of a pool are searched.
FreeKey = tuple[int, int, int, int]


class Reservation:
    """The address range behind an expandable segment; `page` is the unit in which memory is mapped into it."""

    __slots__ = ("base", "size", "page")

    def __init__(self, base: int, size: int, page: int) -> None:
        self.base = base
        self.size = size
        self.page = page


class Block:
    """A piece of a segment. The blocks of a segment form a doubly linked list in address order.

    `birth` numbers the segment the block came from. A free block keeps the `requested` size of its last use.
    """

    __slots__ = ("address", "size", "requested", "allocated", "mapped", "stream", "pool", "prev", "next", "birth",
                 "context", "segment_context", "other_streams", "events", "reservation")

    def __init__(self, address: int, size: int, stream: int, pool: Pool, birth: int) -> None:
        self.address = address
        self.size = size
        self.requested = 0
        self.allocated = False
        self.mapped = True
        self.stream = stream
        self.pool = pool
        self.prev: Block | None = None
        self.next: Block | None = None
        self.birth = birth
        self.context = NO_CONTEXT
        self.segment_context = NO_CONTEXT
        self.other_streams: set[int] | None = None
        self.events = 0
        self.reservation: Reservation | None = None

    @property
    def end(self) -> int:
        """The first address behind the block."""
        return self.address + self.size

    def is_idle(self) -> bool:
        """Neither in use nor waiting for another stream."""
        return not (self.allocated or self.events or self.other_streams)

    def split_off_front(self, size: int) -> Block:
        """A new block over the first `size` bytes; this object keeps the rest, and with it the segment's context."""
        front = Block(self.address, size, self.stream, self.pool, self.birth)
        front.mapped = self.mapped
        front.reservation = self.reservation
        front.prev, front.next = self.prev, self
        if front.prev is not None:
            front.prev.next = front
        self.prev = front
        self.address += size
        self.size -= size
        return front


class Pool:
    """The free blocks of one size class of one memory pool, for all streams."""

    def __init__(self, small: bool, number: int, oldest_first: bool) -> None:
        self.small = small
        self.number = number  # of the memory pool, in Trace.pool_ids
        self._oldest_first = oldest_first
        self._keys: list[FreeKey] = []
        self._free: dict[int, Block] = {}
        self._unmapped_keys: list[tuple[int, int]] = []
        self._unmapped: dict[int, Block] = {}

    def insert(self, block: Block) -> None:
        """Adds a free or an unmapped block."""
        if block.mapped:
            self._free[block.address] = block
            bisect.insort(self._keys, self._key(block))
        else:
            self._unmapped[block.address] = block
            bisect.insort(self._unmapped_keys, (block.stream, block.address))

    def remove(self, block: Block) -> None:
        """Takes out a block; its address and size must be those it was inserted with."""
        if block.mapped:
            del self._free[block.address]
            del self._keys[bisect.bisect_left(self._keys, self._key(block))]
        else:
            del self._unmapped[block.address]
            del self._unmapped_keys[bisect.bisect_left(self._unmapped_keys, (block.stream, block.address))]

    def position(self, stream: int, size: int) -> int:
        """The place in `free_blocks` of the first block of that stream, or a later one, with at least `size` bytes."""
        return bisect.bisect_left(self._keys, (stream, size, -1, 0))

    def at(self, position: int, stream: int) -> Block | None:
        """The free block at `position`, if it exists and belongs to `stream`."""
        if not 0 <= position < len(self._keys):
            return None
        key = self._keys[position]
        return self._free[key[3]] if key[0] == stream else None

    def free_blocks(self) -> list[Block]:
        """The free mapped blocks in search order."""
        return [self._free[key[3]] for key in self._keys]

    def unmapped_blocks(self, stream: int) -> list[Block]:
        """The unmapped ranges of `stream` by address."""
        return [self._unmapped[address] for owner, address in self._unmapped_keys if owner == stream]

    def merge_neighbours(self, block: Block) -> None:
        """Makes `block`, which is in no set, absorb its idle neighbours of the same mapping state."""
        self._absorb(block, block.prev)
        self._absorb(block, block.next)

    def _absorb(self, block: Block, other: Block | None) -> None:
        if other is None or not other.is_idle() or other.mapped != block.mapped:
            return
        self.remove(other)
        if block.prev is other:
            block.address = other.address
            block.prev = other.prev
            block.segment_context = other.segment_context
            if block.prev is not None:
                block.prev.next = block
        else:
            block.next = other.next
            if block.next is not None:
                block.next.prev = block
        block.size += other.size

    def _key(self, block: Block) -> FreeKey:
        """PyTorch 2.15.0 prefers the oldest segment among equal sizes; 2.9.1 and before the lowest address."""
        return (block.stream, block.size, block.birth if self._oldest_first else 0, block.address)
