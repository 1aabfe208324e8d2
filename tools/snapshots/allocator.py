"""The native caching allocator of one device, as a model. Sizes and addresses in bytes, times in microseconds.

After PyTorch c10/cuda/CUDACachingAllocator.cpp, class DeviceCachingAllocator; each method names its counterpart. Not
modelled: graph capture, memory fractions and what depends on them, garbage collection, inter-process sharing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from .blocks import Block, Pool
from .device import Device
from .dialects import Dialect
from .expandable import ExpandableSegments
from .settings import LARGE_SEGMENT, MIN_BLOCK, SMALL_MAX, Settings, round_size, segment_size
from .trace import (ALLOC, FREE_COMPLETED, FREE_REQUESTED, NO_CONTEXT, OOM, SEGMENT_ALLOC, SEGMENT_FREE, Contexts,
                    Trace)

# Settings.max_split_size given: slack up to which an oversize block serves an oversize request
# (c10/core/AllocatorConfig.h: max_non_split_rounding_size).
MAX_NON_SPLIT_ROUNDING = LARGE_SEGMENT

DEFAULT_POOL = 0


class OutOfMemory(Exception):
    """torch.OutOfMemoryError."""


@dataclass
class Life:
    """One use of a block: after which event it began and ended, its size in bytes, what the program used it for."""

    allocated: int
    freed: int | None
    size: int
    kind: str


class PoolPair(NamedTuple):
    """The two size classes of one memory pool."""

    large: Pool
    small: Pool


class Allocator:
    """Serves mallocs and frees of one device and records them in `trace`.

    `event_delay_us`: how long after the free the GPU finishes with a block that another stream used.
    """

    def __init__(self, device: Device, settings: Settings, dialect: Dialect, trace: Trace, contexts: Contexts,
                 event_delay_us: int = 0) -> None:
        self.device = device
        self.settings = settings
        self.trace = trace
        self._dialect = dialect
        self._contexts = contexts
        self._event_delay_us = event_delay_us
        self.lives: list[Life] = []
        self._open_lives: dict[int, Life] = {}  # by address
        self._births = 0
        self._active: set[Block] = set()
        self._pools: dict[int, PoolPair] = {}
        self._freeable: list[int] = []
        self._scopes: list[int] = []  # open use_mem_pool scopes, innermost last
        self._waiting: dict[int, deque[tuple[int, Block]]] = {}  # stream -> (time the event completes, block)
        self._deferred: list[Block] = []
        self._expandable = ExpandableSegments(device, trace, self._next_birth)
        self._add_pool(DEFAULT_POOL)

    # -- calls of the program ------------------------------------------------------------------------------------------

    def malloc(self, nbytes: int, stream: int = 0, site: int = 0, kind: str = "unknown") -> Block:
        """A block for `nbytes` > 0 on `stream`, requested at call site `site` (malloc). `kind`: what it is for."""
        context = self._contexts.gather(site)
        if (self._waiting or self._deferred) and self._completes_frees():
            self._process_events(context)
        size = round_size(nbytes, self.settings.divisions)
        pair = self._pools[self._current_pool()]
        pool = pair.small if size <= SMALL_MAX else pair.large
        block = self._search(pool, stream, size) or self._obtain(pool, stream, size, context)
        if block is None:
            self.trace.record(OOM, self.device.free_bytes, size, stream, pool.number, context)
            raise OutOfMemory(f"CUDA out of memory. Tried to allocate {segment_size(size)} bytes")
        block = self._commit(block, size, nbytes, context)
        life = self._open_lives[block.address] = Life(len(self.trace) - 1, None, block.size, kind)
        self.lives.append(life)
        return block

    def free(self, block: Block, site: int = 0) -> None:
        """Gives a block back; while other streams use it, it stays pending (free)."""
        context = self._contexts.gather(site)
        block.allocated = False
        self._open_lives.pop(block.address).freed = len(self.trace)
        self.trace.record(FREE_REQUESTED, block.address, block.requested, block.stream, block.pool.number, context)
        if not block.other_streams:
            self._complete_free(block, context)
        elif self._completes_frees():
            self._insert_events(block)
        else:
            self._deferred.append(block)

    def record_stream(self, block: Block, stream: int) -> None:
        """Tensor.record_stream: `stream` uses the block too (recordStream)."""
        if stream != block.stream:
            block.other_streams = (block.other_streams or set()) | {stream}

    def empty_cache(self, site: int = 0) -> None:
        """torch.cuda.empty_cache (emptyCache)."""
        self._release_cached(self._contexts.gather(site))

    def create_pool(self) -> int:
        """torch.cuda.MemPool(): the number of a new memory pool, whose id is (0, number)."""
        number = len(self.trace.pool_ids)
        self.trace.pool_ids.append((0, number))
        self._add_pool(number)
        return number

    def destroy_pool(self, number: int, site: int = 0) -> None:
        """The death of a MemPool: its free segments go at once, the others when they have become free."""
        self._freeable.append(number)
        self._release_private(number, self._contexts.gather(site))

    @contextmanager
    def use_pool(self, number: int) -> Iterator[None]:
        """torch.cuda.use_mem_pool(pool)."""
        self._scopes.append(number)
        try:
            yield
        finally:
            self._scopes.pop()

    # -- state ---------------------------------------------------------------------------------------------------------

    def runs(self) -> list[list[Block]]:
        """The mapped blocks by segment, in address order; an expandable one counts once per contiguous run."""
        blocks = set(self._active)
        for pair in self._pools.values():
            blocks.update(pair.large.free_blocks(), pair.small.free_blocks())
        heads = [block for block in blocks if block.prev is None or not block.prev.mapped]
        return [_run_from(head) for head in sorted(heads, key=lambda block: block.address)]

    # -- allocation ----------------------------------------------------------------------------------------------------

    def _search(self, pool: Pool, stream: int, size: int) -> Block | None:
        """Best fit by (stream, size, tie-break); the block leaves its pool (get_free_block)."""
        position = pool.position(stream, size)
        block = pool.at(position, stream)
        if block is not None and block.reservation is not None:
            block = _least_growable(pool, position, stream, block)
        if block is None or self._is_oversize_mismatch(block, size):
            return None
        pool.remove(block)
        return block

    def _is_oversize_mismatch(self, block: Block, size: int) -> bool:
        limit = self.settings.max_split_size
        if limit is None:
            return False
        if size < limit:
            return block.size >= limit
        return block.size >= size + MAX_NON_SPLIT_ROUNDING

    def _obtain(self, pool: Pool, stream: int, size: int, context: int) -> Block | None:
        """Driver; then releasing some, then all cached memory and the driver again."""
        block = self._ask_driver(pool, stream, size, context)
        if block is None and self._release_some(pool, stream, size, context):
            block = self._ask_driver(pool, stream, size, context)
        if block is None and self._completes_frees():
            self._release_cached(context)
            block = self._ask_driver(pool, stream, size, context)
        return block

    def _ask_driver(self, pool: Pool, stream: int, size: int, context: int) -> Block | None:
        """A new block, in no pool (alloc_block)."""
        if self.settings.expandable_segments:
            return self._expandable.allocate(pool, stream, size, context)
        total = segment_size(size)
        address = self.device.malloc(total)
        if address is None:
            return None
        block = Block(address, total, stream, pool, self._next_birth())
        block.segment_context = context
        self.trace.record(SEGMENT_ALLOC, address, total, stream, pool.number, context)
        return block

    def _commit(self, block: Block, size: int, nbytes: int, context: int) -> Block:
        """Splits a block if that is worth it and marks its front allocated (alloc_found_block)."""
        if self._should_split(block, size):
            rest, block = block, block.split_off_front(size)
            rest.pool.insert(rest)
        block.allocated = True
        block.requested = nbytes
        block.context = context
        self._active.add(block)
        self.trace.record(ALLOC, block.address, nbytes, block.stream, block.pool.number, context)
        return block

    def _should_split(self, block: Block, size: int) -> bool:
        """CUDACachingAllocator.cpp: should_split."""
        rest = block.size - size
        if block.pool.small or self.settings.expandable_segments:
            return rest >= MIN_BLOCK
        limit = self.settings.max_split_size
        return rest > SMALL_MAX and (limit is None or size < limit)

    # -- freeing -------------------------------------------------------------------------------------------------------

    def _complete_free(self, block: Block, context: int) -> None:
        """The block becomes free memory (free_block)."""
        self.trace.record(FREE_COMPLETED, block.address, block.requested, block.stream, block.pool.number, context)
        block.context = NO_CONTEXT
        self._active.discard(block)
        block.pool.merge_neighbours(block)
        block.pool.insert(block)

    def _insert_events(self, block: Block) -> None:
        """One event per stream that used the block (insert_events)."""
        ready_us = self.trace.clock.now_us + self._event_delay_us
        for stream in sorted(block.other_streams or ()):
            block.events += 1
            self._waiting.setdefault(stream, deque()).append((ready_us, block))
        block.other_streams = None

    def _process_events(self, context: int, wait: bool = False) -> None:
        """Completes the frees whose events are through, or with `wait` all (process_events,
        synchronize_and_free_events)."""
        deferred, self._deferred = self._deferred, []
        for block in deferred:
            self._insert_events(block)
        now_us = self.trace.clock.now_us
        for stream, queue in list(self._waiting.items()):
            while queue and (wait or queue[0][0] <= now_us):
                block = queue.popleft()[1]
                block.events -= 1
                if block.events == 0:
                    self._complete_free(block, context)
            if not queue:
                del self._waiting[stream]

    def _completes_frees(self) -> bool:
        """Until 2.12 an open MemPool scope counted as a graph capture, in which nothing waits for the GPU."""
        return self._dialect.modern or not self._scopes

    # -- giving memory back --------------------------------------------------------------------------------------------

    def _release_some(self, pool: Pool, stream: int, size: int, context: int) -> bool:
        """With max_split_size: gives back oversize blocks for the request (release_available_cached_blocks)."""
        limit = self.settings.max_split_size
        if limit is None:
            return False
        key = max(size, limit)
        position = pool.position(stream, key)
        block = pool.at(position, stream)
        if block is not None and block.reservation is None:
            self._release_block(block, context)
            return True
        released = 0
        while released < key:
            position -= 1
            block = pool.at(position, stream)
            if block is None or block.size < limit:
                return False
            if block.reservation is None:
                released += block.size
                self._release_block(block, context)
        return True

    def _release_cached(self, context: int) -> None:
        """Gives back every segment without a used block (release_cached_blocks)."""
        if self._completes_frees():
            self._process_events(context, wait=True)
            for pool in self._pools[DEFAULT_POOL]:
                self._release_pool(pool, context)
        for number in list(self._freeable):
            self._release_private(number, context)

    def _release_private(self, number: int, context: int) -> None:
        pair = self._pools[number]
        self._release_pool(pair.small, context)
        self._release_pool(pair.large, context)
        if not any(block.pool in pair for run in self.runs() for block in run):
            self._freeable.remove(number)
            del self._pools[number]

    def _release_pool(self, pool: Pool, context: int) -> None:
        """Plain segments first, then the whole pages in expandable ones (release_blocks)."""
        blocks = pool.free_blocks()
        for block in blocks:
            if block.reservation is None and block.prev is None and block.next is None:
                self._release_block(block, context)
        for block in blocks:
            if block.reservation is not None:
                self._expandable.release(block, context)

    def _release_block(self, block: Block, context: int) -> None:
        """Gives a whole segment back to the driver (release_block)."""
        self.trace.record(SEGMENT_FREE, block.address, block.size, block.stream, block.pool.number, context)
        self.device.free(block.address, block.size)
        block.pool.remove(block)

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _current_pool(self) -> int:
        """Of nested scopes the innermost one counts; before 2.12 the outermost one did."""
        if not self._scopes:
            return DEFAULT_POOL
        return self._scopes[-1 if self._dialect.modern else 0]

    def _add_pool(self, number: int) -> None:
        oldest_first = self._dialect.modern
        self._pools[number] = PoolPair(Pool(False, number, oldest_first), Pool(True, number, oldest_first))

    def _next_birth(self) -> int:
        self._births += 1
        return self._births


def _least_growable(pool: Pool, position: int, stream: int, block: Block) -> Block:
    """Passes over blocks in front of unmapped addresses, which could still grow (get_free_block)."""
    following = pool.at(position + 1, stream)
    while block.reservation is not None and following is not None and _reach(following) < _reach(block):
        block, position = following, position + 1
        following = pool.at(position + 1, stream)
    return block


def _reach(block: Block) -> int:
    """The size of a block with the unmapped addresses behind it."""
    behind = block.next
    return block.size + (behind.size if behind is not None and not behind.mapped else 0)


def _run_from(head: Block) -> list[Block]:
    """`head` and the mapped blocks that follow it."""
    run = [head]
    while run[-1].next is not None and run[-1].next.mapped:
        run.append(run[-1].next)
    return run
