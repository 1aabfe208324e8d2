// Listens to PyTorch's allocator: each of its trace entries goes into the log, whatever the program records itself.
//
// The allocator calls its trackers for every entry, under its lock, with a TraceEntry. Source:
// CUDACachingAllocator.cpp, record_trace; c10/cuda/CUDACachingAllocator.h, from 2.10 on
// c10/core/CachingDeviceAllocator.h. Threads: safe.
#pragma once

namespace unfrag::null {

/// Attaches the tracker to the native allocator, the first time it is called. To be called whenever memory is asked of
/// the driver and no lock of ours is held: the allocator asks before it writes its first entry.
void attach_tracker();

}  // namespace unfrag::null
