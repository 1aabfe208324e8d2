"""A model of PyTorch's CUDA caching allocator that writes memory snapshots.

The layers, lowest first; a module imports only from modules above it in this list:

    settings    PYTORCH_CUDA_ALLOC_CONF and the size arithmetic
    device      the driver's side: address space and physical memory of one GPU
    trace       the recorded events, call stacks and the clock
    blocks      blocks, the pools of free blocks, splitting and merging
    expandable  expandable segments: reserving, mapping and unmapping
    allocator   malloc, free, record_stream, empty_cache
    dialects    what each PyTorch release writes
    document    the dictionary that torch.cuda.memory._snapshot() returns
    emitter     that dictionary as a pickle, written without building it
    output      the file formats
    program     a simulated Python process: call stacks, tensors, modules
    scenarios   the programs
"""
