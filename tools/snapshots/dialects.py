"""What each PyTorch release writes into a snapshot, and the two rules of its allocator that changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """The keys that depend on the release (torch/csrc/cuda/Module.cpp: memorySnapshot), and allocator behaviour."""

    time_us: bool = True  # 2.2
    annotations: bool = True  # external_annotations, 2.5
    compile_context: bool = True  # 2.8
    graph_capture_reuse: bool = True  # 2.9, in allocator_settings
    user_metadata: bool = True  # 2.10
    pool_id: bool = True  # 2.12, in trace entries
    host: bool = True  # host_segments and host_traces, and the limits of the pinned cache in allocator_settings

    # 2.15.0: the oldest segment wins between free blocks of equal size, before that the lowest address; `>` in a list
    # of roundup_power2_divisions begins after the last listed slot; a MemPool scope does not postpone frees.
    modern: bool = True


_V2_9 = Dialect(user_metadata=False, pool_id=False, host=False, modern=False)
_V2_6 = Dialect(compile_context=False, graph_capture_reuse=False, user_metadata=False, pool_id=False, host=False,
                modern=False)
_V2_2 = Dialect(annotations=False, compile_context=False, graph_capture_reuse=False, user_metadata=False, pool_id=False,
                host=False, modern=False)
_V2_1 = Dialect(time_us=False, annotations=False, compile_context=False, graph_capture_reuse=False, user_metadata=False,
                pool_id=False, host=False, modern=False)

DIALECTS: dict[str, Dialect] = {"2.1": _V2_1, "2.2": _V2_2, "2.6": _V2_6, "2.9.1": _V2_9, "2.15.0": Dialect()}
