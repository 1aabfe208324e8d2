"""What programs do with the allocator itself, on the null device: pools, streams, limits, recordings, pinned memory.

The figures are held against what PyTorch says in the same process, or against the sizes that were asked for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from support import MIB, ROOT, Document, explain_json, run
from torches import every_torch, newest_torch, rehearse, rehearse_lines, release_of

BEGIN = """
import gc, inspect, json, os, torch
from torch import nn
MIB = 1 << 20

def take(mib, **options):
    return torch.empty(mib * MIB, dtype=torch.uint8, device="cuda", **options)
"""


def report_on(python: str, folder: Path, program: str, *options: str, **changes: str) -> Document:
    """The report on a program that reached its end; what PyTorch counted, if it was not reset, is what is reported."""
    report = rehearse_lines(python, folder, BEGIN + program + """
torch.cuda.synchronize()
print("PEAK", torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())
print("LAST LINE")
""", *options, **changes)
    assert "LAST LINE" in report["printed"].splitlines()
    assert report["unanswered"] == []
    assert report["exact"]
    return report


def peaks_printed(report: Document) -> list[int]:
    (line,) = [line for line in report["printed"].splitlines() if line.startswith("PEAK ")]
    return [int(word) for word in line.split()[1:]]


def peaks(report: Document) -> list[int]:
    return [report["peak_allocated_bytes"], report["peak_reserved_bytes"]]


# -- pools and streams -------------------------------------------------------------------------------------------------

POOLS = """
kept = take(30)
pool = torch.cuda.MemPool()
with torch.cuda.use_mem_pool(pool):
    inside = [take(20) for _ in range(3)]
segments = [one for one in torch.cuda.memory_snapshot() if tuple(one["segment_pool_id"]) == tuple(pool.id)]
assert sum(one["total_size"] for one in segments) == 60 * MIB, segments
outside = take(20)
assert torch.cuda.memory_reserved() == (30 + 60 + 20) * MIB
del inside
again = take(20)  # what is free lies in the pool, which this does not draw from
assert torch.cuda.memory_reserved() == (30 + 60 + 20 + 20) * MIB
del pool
gc.collect()
torch.cuda.empty_cache()
assert torch.cuda.memory_reserved() == (30 + 20 + 20) * MIB, torch.cuda.memory_reserved() // MIB
"""


@every_torch
def test_a_pool_keeps_its_memory_to_itself(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, POOLS)
    assert peaks(report) == [30 * MIB + 60 * MIB + 20 * MIB, 130 * MIB]
    assert peaks(report) == peaks_printed(report)


STREAMS = """
first, second = torch.cuda.Stream(), torch.cuda.Stream(priority=-1)
x = take(40)
with torch.cuda.stream(first):
    y = take(40)
    first.wait_stream(torch.cuda.current_stream(0))
    x.record_stream(first)
    done = torch.cuda.Event()
    done.record(first)
del y
z = take(40)  # that of the other stream is free, and not for this one
assert torch.cuda.memory_reserved() == 120 * MIB
second.wait_event(done)
with torch.cuda.stream(second):
    w = take(40)
torch.cuda.current_stream().wait_stream(second)
w.record_stream(torch.cuda.current_stream())
del w, x
done.synchronize()
assert done.query() and first.query()
v = take(40)  # events are over at once: what both streams used is free again
assert torch.cuda.memory_reserved() == 160 * MIB, torch.cuda.memory_reserved() // MIB
with torch.cuda.stream(torch.cuda.ExternalStream(second.cuda_stream)):
    u = take(40)
assert torch.cuda.memory_reserved() == 160 * MIB
"""


@every_torch
def test_what_a_stream_freed_is_not_for_another(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, STREAMS)
    assert report["peak_reserved_bytes"] == 160 * MIB
    assert peaks(report) == peaks_printed(report)


# -- limits ------------------------------------------------------------------------------------------------------------

RECOVERY = """
batch, sizes = 64, []
held = take(100)
while True:
    try:
        activations = take(10 * batch)
    except torch.cuda.OutOfMemoryError as error:
        assert "CUDA out of memory. Tried to allocate" in str(error)
        torch.cuda.empty_cache()
        sizes.append(batch)
        batch //= 2
    else:
        break
assert sizes == [64], sizes  # of 548 MiB 100 are held
for _ in range(3):
    del activations
    activations = take(10 * batch)
try: take(7000)
except RuntimeError as error: assert isinstance(error, torch.cuda.OutOfMemoryError)
assert torch.cuda.memory_stats()["num_ooms"] == 2
free, total = torch.cuda.mem_get_info()
assert (free, total) == (128 * MIB, 1048 * MIB), (free // MIB, total // MIB)
"""


@every_torch
def test_a_program_that_takes_a_smaller_batch_goes_on(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, RECOVERY, "--memory", "1048MiB", "--context", "500MiB")
    assert peaks(report) == [420 * MIB] * 2
    assert report["num_ooms"] == 2
    assert report["explanation"]["devices"][0]["verdict"]["kind"] == "capacity"
    assert next(one for one in report["fits"] if one["gpu"] == "rtx3050")["fits"] is False  # nor has it 7,000 MiB


FRACTION = """
torch.cuda.set_per_process_memory_fraction(0.25)
kept = [take(100) for _ in range(10)]  # of 1 GiB
try: kept.append(take(100))
except torch.cuda.OutOfMemoryError: print("REFUSED")
kept[0] = None
kept.append(take(60))
"""


@every_torch
def test_a_fraction_of_the_device_is_a_limit(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, FRACTION, "--memory", "4GiB", "--context", "500MiB")
    assert "REFUSED" in report["printed"]
    assert peaks(report) == [1000 * MIB] * 2
    assert report["num_ooms"] == 1
    assert report["explanation"]["devices"][0]["verdict"]["kind"] == "limit"


SEGMENTS = """
def work():
    for mib in (40, 60, 80, 100):  # each needs a segment of its own, or the one that grows
        x = take(mib)
        del x
work()
print("GROWS", torch.cuda.memory._snapshot()["allocator_settings"]["expandable_segments"])
"""


@every_torch
@pytest.mark.parametrize("variable", [None, "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"])
def test_segments_grow_where_the_environment_says_so(python: str, variable: str | None, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, SEGMENTS, **({variable: "expandable_segments:True"} if variable else {}))
    grows = "GROWS True" in report["printed"]
    known = {None: False, "PYTORCH_CUDA_ALLOC_CONF": True,
             "PYTORCH_ALLOC_CONF": tuple(map(int, release_of(python).split("."))) >= (2, 10)}
    assert grows == known[variable]
    assert peaks(report) == [100 * MIB, (100 if grows else 280) * MIB]


@every_torch
def test_of_two_variables_the_allocator_takes_the_older(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, SEGMENTS, PYTORCH_CUDA_ALLOC_CONF="expandable_segments:False",
                       PYTORCH_ALLOC_CONF="expandable_segments:True")
    assert "GROWS False" in report["printed"]
    assert peaks(report) == [100 * MIB, 280 * MIB]


LIMITED = """
x = [take(30) for _ in range(4)]
del x[1:3]
y = take(50)
"""


@every_torch
@pytest.mark.parametrize("settings", [
    "max_split_size_mb:64", "garbage_collection_threshold:0.5", "roundup_power2_divisions:4",
    "backend:native,max_split_size_mb:128,garbage_collection_threshold:0.8"])
def test_every_setting_of_the_allocator_is_pytorchs_own(python: str, settings: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, LIMITED, "--memory", "1GiB", "--context", "500MiB",
                       PYTORCH_CUDA_ALLOC_CONF=settings)
    assert peaks(report) == peaks_printed(report)
    block = 56 if settings.startswith("roundup") else 50  # the next quarter between powers of two
    thirty = 32 if settings.startswith("roundup") else 30
    assert report["peak_allocated_bytes"] == max(4 * thirty, 2 * thirty + block) * MIB


# -- what no entry says ------------------------------------------------------------------------------------------------

COUNTED = """
names = ("num_ooms", "num_alloc_retries", "num_device_alloc", "segment.all.peak", "requested_bytes.all.peak")
statistics = torch.cuda.memory_stats()
print("COUNTED", *(statistics[name] for name in names))
"""


def counted(report: Document) -> str:
    names = ("num_ooms", "num_alloc_retries", "num_device_alloc", "segment_peak", "peak_requested_bytes")
    return " ".join(["COUNTED", *(str(report[name]) for name in names)])


FRACTIONS = """
def fill(kept):
    try:
        while True: kept.append(take(100))
    except torch.cuda.OutOfMemoryError: return kept

torch.cuda.set_per_process_memory_fraction(0.25)
lower = fill([])
assert len(lower) == 10
del lower[5:]
torch.cuda.set_per_process_memory_fraction(0.5)
higher = fill(lower)
assert len(higher) == 20
del higher[3:9]
torch.cuda.set_per_process_memory_fraction(0.125)
fill([])  # of those given back, but nothing new
del lower, higher
try: take(700)
except torch.cuda.OutOfMemoryError: pass
reused = take(512)  # what was cached had to go first
del reused
torch.cuda.set_per_process_memory_fraction(1.0)
all_of_it = fill([])
"""


@every_torch
def test_a_limit_is_followed_when_the_program_changes_it(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, FRACTIONS + COUNTED, "--memory", "4GiB", "--context", "500MiB")
    assert counted(report) in report["printed"].splitlines()
    assert (report["num_ooms"], peaks(report)) == (5, peaks_printed(report))


HALF = """
torch.cuda.set_per_process_memory_fraction(0.5)
kept = take(5000)
"""


@newest_torch
def test_a_fraction_leaves_that_much_of_each_gpu(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, HALF, "--memory", "80GiB")
    fits = {one["gpu"]: one["fits"] for one in report["fits"]}
    assert (fits["rtx4090"], fits["rtx2060"]) == (True, False)  # half of 24 GiB, half of 6 GiB
    assert next(one["fits"] for one in report["fits"] if one["total_bytes"] > 7800 * MIB) is False  # all of 8 would do


CHANGES = """
change = torch.cuda.memory._set_allocator_settings

def work():
    kept = []
    for mib in (3, 5, 40, 70, 90, 30, 11, 64, 63, 200, 3, 17): kept += [take(mib), take(2)]
    del kept[::3]
    return kept + [take(mib) for mib in (30, 60, 65, 10, 100, 5)]

change("max_split_size_mb:64")
first = work()
change("expandable_segments:True")
second = work()
del first
change("roundup_power2_divisions:4")
third = work()
torch.cuda.empty_cache()
change("max_split_size_mb:128")
fourth = work()
del second
change("expandable_segments:False")
fifth = work()
try: change("no_such_setting:1")
except (RuntimeError, ValueError): print("REFUSED")
last = work()
"""


@every_torch
@pytest.mark.parametrize("settings", ["", "expandable_segments:True,roundup_power2_divisions:8"])
def test_settings_are_followed_when_the_program_changes_them(python: str, settings: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, CHANGES + COUNTED, PYTORCH_CUDA_ALLOC_CONF=settings)
    assert "REFUSED" in report["printed"]
    assert counted(report) in report["printed"].splitlines()
    assert peaks(report) == peaks_printed(report)


# -- where no replay agrees --------------------------------------------------------------------------------------------

UNLIKE_THE_MODEL = """
pool = torch.cuda.MemPool(no_split=True)  # no entry says so
with torch.cuda.use_mem_pool(pool):
    inside = [take(5) for _ in range(5)]  # of 20 MiB each
    del inside[:2]
    inside.append(take(3))
outside = [take(700), take(700)]
del outside[0]
torch.cuda.empty_cache()
statistics = torch.cuda.memory_stats()
print("STATISTICS", json.dumps({name: statistics[key] for name, key in {
    "peak_allocated_bytes": "allocated_bytes.all.peak", "peak_requested_bytes": "requested_bytes.all.peak",
    "peak_reserved_bytes": "reserved_bytes.all.peak", "num_ooms": "num_ooms", "num_device_alloc": "num_device_alloc",
    "segment_peak": "segment.all.peak"}.items()}))
os._exit(0)
"""


@newest_torch
def test_without_a_replay_that_agrees_only_what_the_entries_say_is_said(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BEGIN + UNLIKE_THE_MODEL)
    report = rehearse(python, "--memory", "7GiB", "--context", "500MiB", program)
    (line,) = [line for line in report.pop("printed").splitlines() if line.startswith("STATISTICS ")]
    counted = json.loads(line.removeprefix("STATISTICS "))
    allocated = counted.pop("peak_allocated_bytes")
    jsonschema.validate(report, json.loads((ROOT / "docs/format/rehearse.schema.json").read_text()))
    for figures in (report, report["devices"][0]):
        assert (figures["exact"], figures["first_difference"]) == (False, 2)  # a second segment
        assert {name: figures[name] for name in counted} == counted
        unknown = ("peak_allocated_bytes", "peak_active_bytes", "end_allocated_bytes", "num_alloc_retries",
                   "num_sync_all_streams")
        assert {figures[name] for name in unknown} == {None}
        assert figures["num_device_free"] == 1
    text = " ".join(run(["rehearse", "--python", python, "--memory", "7GiB", "--context", "500MiB", program]).text.split())
    assert "at least 1.38 GiB allocated at the peak" in text
    assert 1.38 * 1024 * MIB < allocated
    assert "A replay differs from what PyTorch did, at entry 2 first" in text
    # 1,500 MiB were reserved.
    fits = {one["gpu"]: (one["fits"], one["fits_expandable"], one["headroom_bytes"] > 0) for one in report["fits"]}
    assert fits["rtx2060"] == (True, None, True)  # no more than was presented
    assert fits["rtx4090"] == (None, None, True)  # what was given back may have been given back for want of memory


ONE_LARGE = """
side = torch.cuda.Stream()
cached, small = take(48), torch.empty(100, device="cuda")
del cached
with torch.cuda.stream(side): large = take(920)
large.record_stream(torch.cuda.current_stream())
del large  # given back once the next request has looked at the other stream
del small
with torch.cuda.stream(side): kept = take(63)  # of 1,024 MiB 970 are reserved: the large one goes, the other stays
assert torch.cuda.memory_reserved() == 114 * MIB
"""


@every_torch
def test_a_large_block_that_goes_alone_is_no_retry(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, ONE_LARGE + COUNTED, "--memory", "1524MiB", "--context", "500MiB",
                       PYTORCH_CUDA_ALLOC_CONF="max_split_size_mb:64")
    assert counted(report) in report["printed"].splitlines()
    assert (report["num_alloc_retries"], report["num_device_free"]) == (0, 1)


# -- recordings and statistics -----------------------------------------------------------------------------------------

RECORDINGS = """
from torch.cuda import memory
known = inspect.signature(memory._record_memory_history_impl).parameters
fresh = {"clear_history": True} if "clear_history" in known else {}
tried = 0
def record(**options):
    # How many entries a recording with these options has; None where the release does not know them.
    global tried
    if not set(options) <= set(known): return None
    tried += 1
    before = sum(len(one) for one in memory._snapshot()["device_traces"]) if not fresh else 0
    memory._record_memory_history(**options, **(fresh if options["enabled"] else {}))
    x = take(3)
    y = torch.empty(1000, pin_memory=True)
    del x, y
    torch.cuda.empty_cache()
    entries = sum(len(one) for one in memory._snapshot()["device_traces"])
    memory._record_memory_history(enabled=None)
    return entries - before
assert record(enabled="all", context="all", stacks="python") >= 4
assert record(enabled="all", stacks="all") >= 4
assert record(enabled="all", context=None) >= 4
assert record(enabled="all", context="alloc") >= 4
assert record(enabled="all", context="state") >= 4
assert record(enabled="state", context="state", stacks="python") <= 1  # blocks that are, not what happened
record(enabled="all", compile_context=True)
record(enabled="all", global_record_annotations=True)
record(enabled="all", skip_actions=["segment_alloc", "segment_free"])
record(enabled="all", record_pinned_host_memory=True)
record(enabled="all", record_pinned_host_memory=True, record_cuda=False)
record(enabled="all", max_entries=2)
record(enabled=None)
print("TRIED", tried)
memory._record_memory_history(True)
memory._record_memory_history(False)
memory._record_memory_history(stacks="python", **fresh)
big = [take(20) for _ in range(5)]
memory._dump_snapshot("mine.pickle")
memory._record_memory_history(enabled=None)
assert "PyTorch CUDA memory summary" in torch.cuda.memory_summary()
assert "Allocated memory" in torch.cuda.memory_summary(abbreviated=True)
statistics = torch.cuda.memory_stats()
assert statistics["allocated_bytes.all.current"] == 100 * MIB
assert statistics["segment.large_pool.current"] == 5
torch.cuda.reset_peak_memory_stats()
torch.cuda.reset_accumulated_memory_stats()
del big
torch.cuda.reset_max_memory_allocated()
for name in ("host_memory_stats", "reset_peak_host_memory_stats", "reset_accumulated_host_memory_stats"):
    if hasattr(torch.cuda, name): getattr(torch.cuda, name)()
torch.cuda.caching_allocator_delete(torch.cuda.caching_allocator_alloc(7 * MIB))
"""


@every_torch
def test_the_program_may_record_and_reset_as_it_likes(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, RECORDINGS)
    assert report["peak_allocated_bytes"] == 100 * MIB
    if release_of(python) == "2.15.0":
        assert f"TRIED {len(re.findall(r'^(?:assert )?record[(]', RECORDINGS, re.MULTILINE))}\n" in report["printed"]
    mine = explain_json(tmp_path / "mine.pickle")
    assert mine["devices"][0]["now"]["allocated_bytes"] == 100 * MIB
    assert mine["source"]["events"] >= 10  # a segment and a block of each
    assert mine["source"]["events"] < report["explanation"]["source"]["events"]


# -- memory of the host ------------------------------------------------------------------------------------------------

PINNED = """
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self): return 64
    def __getitem__(self, i): return torch.full((1000,), float(i)), {"label": i}

if __name__ == "__main__":
    for context in ("fork", "spawn"):
        for kept in (False, True):
            if context == "spawn" and not kept: continue
            loader = DataLoader(Numbers(), batch_size=8, num_workers=2, pin_memory=True, persistent_workers=kept,
                                multiprocessing_context=context, prefetch_factor=2, shuffle=True)
            for _ in range(2 if kept else 1):
                seen = 0
                for numbers, labels in loader:
                    assert numbers.is_pinned() and labels["label"].is_pinned()
                    on_device = numbers.cuda(non_blocking=True)
                    assert torch.equal(on_device.cpu()[:, 0], labels["label"].float())
                    seen += len(numbers)
                assert seen == 64
            del loader
    big = torch.ones(20 * MIB, dtype=torch.uint8).pin_memory()
    back = torch.empty(20 * MIB, dtype=torch.uint8, pin_memory=True)
    on_device = big.to("cuda", non_blocking=True)
    back.copy_(on_device, non_blocking=True)
    assert big.is_pinned() and not torch.ones(3).is_pinned()
    registered = torch.zeros(1000)
    assert torch.cuda.cudart().cudaHostRegister(registered.data_ptr(), registered.nbytes, 0) == 0
    assert registered.is_pinned()
    torch.cuda.cudart().cudaHostUnregister(registered.data_ptr())
"""


@every_torch
def test_batches_from_workers_arrive_in_pinned_memory(python: str, tmp_path: Path) -> None:
    # A child that starts afresh imports this program: all but the definitions is of the first process.
    report = rehearse_lines(python, tmp_path, BEGIN + PINNED + "    print('LAST LINE')\n")
    assert "LAST LINE" in report["printed"].splitlines()
    assert report["processes"] == 1
    assert (report["exact"], report["unanswered"]) == (True, [])
    assert report["peak_allocated_bytes"] == 20 * MIB + 32_256  # and a batch of 8 times 1,000 numbers
    assert report["dropped_bytes"] == 20 * MIB


# -- what depends on time ----------------------------------------------------------------------------------------------

SEARCH = """
torch.backends.cudnn.benchmark = True
layers = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1)).cuda()
for size in (64, 96, 64):
    layers(torch.randn(8, 3, size, size, device="cuda")).mean().backward()
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.deterministic = True
layers(torch.randn(8, 3, 64, 64, device="cuda")).mean().backward()
"""


@every_torch
def test_a_program_that_searches_for_the_fastest_is_followed(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, SEARCH)
    assert peaks(report) == peaks_printed(report)
    assert report["modelled_sizes"] > 0
    assert report["num_device_free"] > 0  # the cache is emptied after each search


# -- whatever a program does -------------------------------------------------------------------------------------------

RANDOM = """
import random
chosen, live, refused = random.Random(1), [], 0
streams = [torch.cuda.current_stream(), torch.cuda.Stream(), torch.cuda.Stream()]

def size():
    kind = chosen.random()
    if kind < 0.2: return chosen.randint(1, 4096)
    if kind < 0.5: return chosen.randint(1, MIB)
    if kind < 0.8: return chosen.randint(MIB, 12 * MIB)
    return chosen.randint(10 * MIB, 90 * MIB) if kind < 0.98 else 900 * MIB

def act():
    kind = chosen.random()
    if kind < 0.53:
        with torch.cuda.stream(chosen.choice(streams)):
            live.append(torch.empty(size(), dtype=torch.uint8, device="cuda"))
    elif kind < 0.96 and live:
        place = chosen.randrange(len(live))
        if chosen.random() < 0.1: live[place].record_stream(chosen.choice(streams))
        live[place] = live[-1]
        live.pop()
    elif kind < 0.98: torch.cuda.synchronize()
    elif kind < 0.99: torch.cuda.empty_cache()
    else: del live[len(live) // 3:]

for _ in range(3000):
    try: act()
    except torch.cuda.OutOfMemoryError: refused += 1
    if len(live) > 150: del live[:50]
print("COUNTED", refused, torch.cuda.memory_stats()["num_alloc_retries"])
"""


IN_POOLS = RANDOM.replace("def act():", """
pools = [torch.cuda.MemPool() for _ in range(3)]

def act():
    if chosen.random() < 0.8: return act_outside()
    with torch.cuda.stream(chosen.choice(streams)), torch.cuda.use_mem_pool(chosen.choice(pools)):
        live.append(torch.empty(size(), dtype=torch.uint8, device="cuda"))

def act_outside():""")


@every_torch
def test_a_random_program_with_pools_is_known_to_the_last_retry(python: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, IN_POOLS, "--memory", "2GiB", "--context", "500MiB")
    assert report["num_ooms"] > 0
    assert f"COUNTED {report['num_ooms']} {report['num_alloc_retries']}\n" in report["printed"]
    assert peaks(report) == peaks_printed(report)


@every_torch
@pytest.mark.parametrize("settings", [
    "", "roundup_power2_divisions:4", "max_split_size_mb:64", "expandable_segments:True", "garbage_collection_threshold:0.6"])
def test_what_a_random_program_did_is_known_to_the_last_retry(python: str, settings: str, tmp_path: Path) -> None:
    report = report_on(python, tmp_path, RANDOM, "--memory", "2GiB", "--context", "500MiB",
                       PYTORCH_CUDA_ALLOC_CONF=settings)
    assert report["num_ooms"] > 0
    assert f"COUNTED {report['num_ooms']} {report['num_alloc_retries']}\n" in report["printed"]
    assert peaks(report) == peaks_printed(report)
