"""The forms in which a snapshot travels, and the releases that wrote it: the same memory gives the same report."""

from __future__ import annotations

import collections
import copy
import functools
import io
import pickle
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any, Callable

import pytest

from support import (BASE, EXAMPLES, KIB, MIB, Document, as_json, block, check_error, entry, explain_json, frame,
                     gzip_member, html_page, load, only, oom, p_dict, p_file, p_list, p_text, run, segment,
                     small_snapshot, snapshot, zstd_frame)
from snapshots.dialects import DIALECTS
from snapshots.document import build
from snapshots.simulate import Options, simulate


@functools.cache
def generated(torch: str, scenario: str = "train", conf: str = "", **options: Any) -> Document:
    events = 1500 if scenario == "train" else None
    return build(simulate(Options(scenario, events, torch, conf, **options)))


def gist(report: Document) -> Document:
    """A report without what depends on the file that held the snapshot."""
    source = {key: value for key, value in report["source"].items() if key not in ("path", "bytes")}
    return {**report, "source": source}


def zip_of(data: bytes, method: int = zipfile.ZIP_DEFLATED, name: str = "snapshot.pickle") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def real_zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


# -- forms -------------------------------------------------------------------------------------------------------------

WRITERS: dict[str, Callable[[Any], bytes]] = {
    **{f"protocol{number}": functools.partial(pickle.dumps, protocol=number) for number in range(6)},
    "json": as_json,
    "html": lambda document: html_page(pickle.dumps(document, 4)),
}

WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip_member,
    "gzip_of_two_members": lambda data: gzip_member(data[:1000]) + gzip_member(data[1000:]),
    "zstd_of_raw_blocks": zstd_frame,
    "zip_stored": lambda data: zip_of(data, zipfile.ZIP_STORED),
    "zip_deflated": zip_of,
    "gzip_in_zip": lambda data: zip_of(gzip_member(data), name="snapshot.pickle.gz"),
    "zip_in_gzip_in_zstd": lambda data: zstd_frame(gzip_member(zip_of(data))),
}


@functools.cache
def documents() -> dict[str, Document]:
    return {**{path.stem: load(path) for path in EXAMPLES},
            "two_devices": generated("2.15.0", devices=2),
            "expandable": generated("2.9.1", conf="expandable_segments:True")}


@functools.cache
def expected(name: str) -> Document:
    return gist(explain_json(pickle.dumps(documents()[name], 4)))


NAMES = [path.stem for path in EXAMPLES] + ["two_devices", "expandable"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_form_of_a_snapshot_gives_the_same_report(name: str, writer: str) -> None:
    assert gist(explain_json(WRITERS[writer](documents()[name]))) == expected(name)


@pytest.mark.parametrize("writer", ["protocol4", "json", "html"])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_wrapping_gives_the_same_report(wrapper: str, writer: str) -> None:
    data = WRAPPERS[wrapper](WRITERS[writer](documents()["leak"]))
    assert gist(explain_json(data)) == expected("leak")


@pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd program")
def test_zstd_gives_the_same_report() -> None:
    assert gist(explain_json(real_zstd(pickle.dumps(documents()["leak"], 4)))) == expected("leak")


def test_a_file_gives_what_standard_input_gives(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(pickle.dumps(documents()["leak"], 4))
    report = explain_json(path)
    assert gist(report) == expected("leak")
    assert report["source"]["path"] == str(path)
    assert report["source"]["bytes"] == path.stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_list_of_segments_shows_the_same_end(name: str) -> None:
    segments = documents()[name]["segments"]
    reports = [gist(explain_json(WRITERS[writer](value))) for writer in WRITERS
               for value in (segments, {"segments": segments})]
    assert all(report == reports[0] for report in reports)
    assert reports[0]["source"]["events"] == 0
    assert not reports[0]["source"]["complete"]
    whole = {device["index"]: device["now"] for device in expected(name)["devices"]}
    assert {device["index"]: device["now"] for device in reports[0]["devices"]} == whole


def test_one_batch_or_many_one_memo_or_none_give_the_same_report() -> None:
    """Containers beyond 1000 items come in batches; a pickler without a memo repeats every frame."""
    document = documents()["expandable"]
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 4)
    pickler.fast = True
    pickler.dump(document)
    assert gist(explain_json(file.getvalue())) == expected("expandable")


def test_a_snapshot_inside_another_dict_is_found() -> None:
    report = explain_json({"rank": 3, "snapshot": documents()["leak"], "note": "before the crash"})
    [warning] = report["source"].pop("warnings")
    assert "inside another dict" in warning
    wanted = copy.deepcopy(expected("leak"))
    del wanted["source"]["warnings"]
    assert gist(report) == wanted


def test_ordered_and_default_dicts_are_dicts() -> None:
    def convert(value: Any, make: Callable[[Document], Any]) -> Any:
        if isinstance(value, dict):
            return make({key: convert(one, make) for key, one in value.items()})
        return [convert(one, make) for one in value] if isinstance(value, list) else value

    wanted = gist(explain_json(small_snapshot()))
    def default(items: Document) -> Document:
        return collections.defaultdict(list, items)

    for make in (collections.OrderedDict, default):
        for protocol in range(6):
            data = pickle.dumps(convert(small_snapshot(), make), protocol)
            assert b"collections" in data
            assert gist(explain_json(data)) == wanted


def test_bytes_after_the_end_do_not_matter() -> None:
    """Pages pad the pickle with zero bytes."""
    data = pickle.dumps(small_snapshot(), 4)
    assert gist(explain_json(data + bytes(3))) == gist(explain_json(data))


# -- releases ----------------------------------------------------------------------------------------------------------

AT_LEAST = {"2.1": "2.1", "2.2": "2.2", "2.6": "2.5", "2.9.1": "2.9", "2.15.0": "2.13"}


@pytest.mark.parametrize("torch", DIALECTS)
@pytest.mark.parametrize("scenario", ["train", "leak", "fragmentation_oom"])
def test_every_release_gives_the_same_figures(torch: str, scenario: str) -> None:
    report = explain_json(generated(torch, scenario))
    assert report["source"]["torch_at_least"] == AT_LEAST[torch]
    assert report["source"]["complete"]
    assert report["source"]["warnings"] == []
    wanted = only(explain_json(generated("2.9.1", scenario)))
    if torch in ("2.1", "2.2"):  # which record no annotations
        marked = ("iterations", "growth", "verdict")
        assert without(only(report), *marked) == without(wanted, *marked)
        lines = [[suspect["line"] for suspect in device["growth"]] for device in (only(report), wanted)]
        assert lines[0] == lines[1]
    elif torch != "2.15.0":  # which chooses among equal holes in another way
        assert only(report) == wanted
    for field in ("allocated_bytes", "requested_bytes"):
        assert only(report)["now"][field] == wanted["now"][field]


@pytest.mark.parametrize("stacks", ["distinct", "shared", "cpp", "none"])
def test_stacks_change_nothing_but_the_names(stacks: str) -> None:
    device = only(explain_json(generated("2.9.1", stacks=stacks)))
    wanted = only(explain_json(generated("2.9.1")))
    for field in ("now", "peak", "at", "timeline"):
        assert without(device[field], "largest_block") == without(wanted[field], "largest_block")
    named_holders = [holder for holder in device["holders"] if holder["function"] is not None]
    assert bool(named_holders) == (stacks != "none")


def without(value: Any, *keys: str) -> Any:
    if isinstance(value, dict):
        return {key: without(one, *keys) for key, one in value.items() if key not in keys}
    return [without(one, *keys) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("key", ["time_us", "stream", "compile_context", "external_annotations", "allocator_settings",
                                 "segment_pool_id", "is_expandable", "forward_frames", "frames", "segment_type"])
def test_a_missing_key_costs_only_what_it_said(key: str) -> None:
    device = only(explain_json(without(generated("2.9.1"), key)))
    wanted = only(explain_json(generated("2.9.1")))
    if key == "stream":  # what no replay confirms may be larger
        assert device["peak"].pop("allocated_is_lower_bound") and not wanted["peak"].pop("allocated_is_lower_bound")
    for field in ("now", "peak", "timeline"):
        assert device[field] == wanted[field]
    assert device["complete"]


def test_unknown_keys_are_ignored_and_told() -> None:
    def add(value: Any) -> Any:
        if isinstance(value, list):
            return [add(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {**{key: add(one) for key, one in value.items()}, "brand_new": [{"x": (1, 2.5, None, "y")}]}

    plain = explain_json(small_snapshot())
    for data in (pickle.dumps(add(small_snapshot()), 4), as_json(add(small_snapshot()))):
        report = explain_json(data)
        assert report["devices"] == plain["devices"]
        warnings = report["source"]["warnings"]
        assert {warning.split(":")[0] for warning in warnings} == {"the top level", "segments", "blocks",
                                                                   "trace entries", "frames"}
        assert all("'brand_new'" in warning for warning in warnings)


def test_an_unknown_action_is_kept_and_told() -> None:
    document = small_snapshot()
    document["device_traces"][0].insert(2, entry("teleport", BASE, 512))
    report = explain_json(document)
    assert report["source"]["events"] == 6
    assert any("'teleport'" in warning for warning in report["source"]["warnings"])
    for field in ("now", "at"):
        assert only(report)[field] == only(explain_json(small_snapshot()))[field]


@pytest.mark.parametrize("skipped", ["free_requested", "free_completed"])
@pytest.mark.parametrize("conf", ["", "expandable_segments:True"])
def test_one_of_the_two_frees_is_enough(skipped: str, conf: str) -> None:
    document = generated("2.15.0", conf=conf)
    trace = [one for one in document["device_traces"][0] if one["action"] != skipped]
    report = explain_json({**document, "device_traces": [trace]})
    device, wanted = only(report), only(explain_json(document))
    assert report["source"]["warnings"] == []
    assert device["now"] == wanted["now"]
    for curve in ("allocated_bytes", "active_bytes", "requested_bytes", "reserved_bytes"):
        assert device["peak"][curve] == wanted["peak"][curve], curve


def test_an_annotated_and_a_snapshot_entry_change_no_sum() -> None:
    document = small_snapshot()
    document["device_traces"][0][1:1] = [entry("snapshot", 0, 0), entry("user_defined", 0, 0)]
    document["device_traces"][0].append(entry("annotate", BASE, 500))
    report = explain_json(document)
    assert report["source"]["warnings"] == []
    assert only(report)["now"] == only(explain_json(small_snapshot()))["now"]
    assert only(report)["peak"]["allocated_bytes"] == 4608


def host_part() -> tuple[list[Document], list[Document]]:
    blocks = [block(1 << 20, requested=1_000_000)]
    segments = [segment(BASE, blocks, device=-1, segment_type="large")]
    trace = [entry("segment_alloc", BASE, 1 << 20), entry("alloc", BASE, 1_000_000),
             entry("segment_alloc", BASE + (1 << 30), 4 * KIB), entry("alloc", BASE + (1 << 30), 3000),
             entry("free_requested", BASE + (1 << 30), 3000), entry("free_completed", BASE + (1 << 30), 3000),
             entry("segment_free", BASE + (1 << 30), 4 * KIB)]
    return segments, trace


@pytest.mark.parametrize("nested", [False, True])
def test_pinned_host_memory_has_a_part_of_its_own(nested: bool) -> None:
    segments, trace = host_part()
    gpu = small_snapshot()
    report = explain_json({**gpu, "host_segments": segments, "host_traces": [trace] if nested else trace})
    assert report["source"]["warnings"] == []
    assert [device["index"] for device in report["devices"]] == [0]
    assert only(report) == only(explain_json(gpu))
    host = report["host"]
    assert host["events"] == 7
    assert host["now"] == {"reserved_bytes": 1 << 20, "allocated_bytes": 1 << 20, "active_bytes": 1 << 20,
                           "requested_bytes": 1_000_000, "segments": 1}
    assert host["peak"]["allocated_bytes"] == (1 << 20) + 4096
    assert host["peak"]["requested_bytes"] == 1_003_000
    assert not host["peak"]["allocated_is_lower_bound"]


def test_pinned_host_memory_alone_is_explained() -> None:
    segments, trace = host_part()
    document = snapshot([], host_segments=segments, host_traces=trace)
    report = explain_json(document)
    assert (report["devices"], report["device"]) == ([], None)
    assert report["host"]["now"]["allocated_bytes"] == 1 << 20
    assert "Pinned host memory" in run(["explain", "-"], stdin=pickle.dumps(document, 4)).text


def test_several_devices_are_told_apart() -> None:
    document = generated("2.15.0", devices=3)
    report = explain_json(document)
    assert [device["index"] for device in report["devices"]] == [0, 1, 2]
    for device in report["devices"]:
        index = device["index"]
        own = [one for one in document["segments"] if one["device"] == index]
        assert device["events"] == len(document["device_traces"][index])
        assert device["now"]["reserved_bytes"] == sum(one["total_size"] for one in own)
    chosen = next(device for device in report["devices"] if device["index"] == report["device"])
    assert chosen["events"] == max(device["events"] for device in report["devices"])


def test_an_unused_device_is_left_out() -> None:
    document = small_snapshot()
    moved = [{**one, "device": 2} for one in document["segments"]]
    report = explain_json(snapshot(moved, [], [], document["device_traces"][0]))
    assert only(report)["index"] == 2
    assert {**without(only(report), "headline"), "index": 0} == without(only(explain_json(document)), "headline")


@pytest.mark.parametrize("ring", [1, 10, 500])
@pytest.mark.parametrize("conf", ["", "expandable_segments:True"])
def test_a_recording_cut_by_its_ring_buffer_keeps_the_end(ring: int, conf: str) -> None:
    report = explain_json(generated("2.9.1", conf=conf, ring=ring))
    device, whole = only(report), only(explain_json(generated("2.9.1", conf=conf)))
    assert report["source"]["warnings"] == []
    assert not report["source"]["complete"]
    assert not report["source"]["truncated"]
    assert device["events"] == ring
    assert device["now"] == whole["now"]
    for curve in ("requested_bytes", "reserved_bytes"):
        assert device["peak"][curve] <= whole["peak"][curve]
    if ring == 500:
        last = only(explain_json(generated("2.9.1", conf=conf), "--at", whole["events"] - 100))["at"]
        same = only(explain_json(generated("2.9.1", conf=conf, ring=ring), "--at", ring - 100))["at"]
        for field in ("requested_bytes", "reserved_bytes", "pending_bytes"):
            assert same[field] == last[field]


def test_history_of_the_first_releases_tells_what_was_requested() -> None:
    """1.13 and 2.0: blocks without address and requested size, with the newest allocation first in their history."""
    stack = [frame("forward", "/home/user/model.py", 7)]
    blocks = [{"size": 1024, "state": "active_allocated",
               "history": [{"addr": BASE, "real_size": 1000, "frames": stack},
                           {"addr": BASE + 512, "real_size": 77, "frames": [frame("older")]}]},
              {"size": 2048, "state": "active_pending_free", "history": [{"addr": BASE + 1024, "real_size": 2000}]},
              {"size": 2 * MIB - 3072, "state": "inactive"}]
    old = {"device": 0, "address": BASE, "total_size": 2 * MIB, "allocated_size": 1024, "active_size": 3072,
           "stream": 0, "segment_type": "small", "blocks": blocks}
    for document in ([old], snapshot([old]), {"segments": [old]}):
        report = explain_json(document)
        device = only(report)
        assert report["source"]["warnings"] == []
        assert report["source"]["torch_at_least"] in ("1.13", "2.0")
        assert device["now"] == {"reserved_bytes": 2 * MIB, "allocated_bytes": 1024, "active_bytes": 3072,
                                 "requested_bytes": 3000, "segments": 1}
        assert device["at"]["pending_bytes"] == 2048
        [holder] = device["holders"]
        assert (holder["function"], holder["line"], holder["now_bytes"]) == ("forward", 7, 1024)


@pytest.mark.parametrize("state", ["active_pending_free", "active_awaiting_free"])
def test_both_names_of_a_pending_block_are_known(state: str) -> None:
    device = only(explain_json(snapshot([segment(BASE, [block(512, state), block(2 * MIB - 512, "inactive")])])))
    assert device["at"]["pending_bytes"] == 512
    assert device["now"]["active_bytes"] == 512


def test_addresses_beyond_two_to_the_63_are_kept() -> None:
    high = 0xFFFF_8000_0000_0000
    document = snapshot(
        [segment(high, [block(512, requested=500), block(2 * MIB - 512, "inactive")])],
        [entry("segment_alloc", high, 2 * MIB), entry("alloc", high, 500)])
    for data in (pickle.dumps(document, 4), pickle.dumps(document, 0), as_json(document)):
        device = only(explain_json(data, "--group", "segment"))
        assert device["complete"]
        assert device["holders"][0]["segment"] == hex(high)


def test_negative_and_huge_streams_are_told_apart() -> None:
    streams = [0, -1, 94_000_000_000_000, -(1 << 63)]
    document = snapshot([segment(BASE + index * 2 * MIB, [block(2 * MIB)], stream=stream)
                         for index, stream in enumerate(streams)])
    for data in (pickle.dumps(document, 4), as_json(document)):
        device = only(explain_json(data, "--group", "stream"))
        assert sorted(holder["stream"] for holder in device["holders"]) == sorted(streams)
        assert sorted(pool["stream"] for pool in device["at"]["pools"]) == sorted(streams)


def test_private_pools_are_rows_of_their_own() -> None:
    document = snapshot([segment(BASE, [block(2 * MIB)]),
                         segment(BASE + 2 * MIB, [block(2 * MIB)], segment_pool_id=(0, 1)),
                         segment(BASE + 4 * MIB, [block(2 * MIB)], segment_pool_id=(7, 0))])
    for data in (pickle.dumps(document, 4), pickle.dumps(document, 1), as_json(document)):
        pools = only(explain_json(data))["at"]["pools"]
        assert sorted(pool["pool_id"] for pool in pools) == [[0, 0], [0, 1], [7, 0]]


@pytest.mark.parametrize("conf", ["", "backend:cudaMallocAsync"])
def test_an_empty_snapshot_says_that_there_is_nothing_to_see(conf: str) -> None:
    document = snapshot([], [], [], allocator_settings={"PYTORCH_CUDA_ALLOC_CONF": conf})
    report = explain_json(document)
    assert (report["devices"], report["host"], report["device"]) == ([], None, None)
    assert not report["source"]["complete"]
    done = run(["explain", "-"], stdin=pickle.dumps(document, 4))
    assert done.code == 0
    assert "Nothing to see" in done.text
    assert "cudaMallocAsync" in done.text


@pytest.mark.parametrize("data", [pickle.dumps([], 4), pickle.dumps([], 0), b"[]", b'{"segments": []}'])
def test_an_empty_list_of_segments_is_no_error(data: bytes) -> None:
    assert explain_json(data)["devices"] == []


def test_a_failed_request_is_described() -> None:
    document = small_snapshot()
    document["device_traces"][0].append(oom(64 * MIB, 3 * MIB, frames=[frame("main"), frame("<module>", line=9)]))
    [found] = only(explain_json(document))["ooms"]
    assert (found["event"], found["requested_bytes"], found["device_free_bytes"]) == (5, 64 * MIB, 3 * MIB)
    assert [one["line"] for one in found["stack"]] == [1, 9]


# -- what is no snapshot -----------------------------------------------------------------------------------------------

OTHER_FILES = {
    "empty": b"",
    "text": b"(see the README for how to record a snapshot)\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "elf": b"\x7fELF" + bytes(100),
    "zip_of_text": zip_of(b"hello there\n"),
    "gzip_of_text": gzip_member(b"hello there\n"),
    "empty_zip": zip_of(b"", name="folder/"),
    "html_without_snapshot": b"<!DOCTYPE html><html><body>hello</body></html>",
    "json_number_list": b"[1, 2, 3]",
    "json_other_dict": b'{"a": {"b": 1}}',
    "json_string": b'"segments"',
    "pickled_number": pickle.dumps(42, 4),
    "pickled_other_dict": pickle.dumps({"epoch": 3, "loss": [0.5]}, 4),
    "old_checkpoint": b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    "checkpoint": zip_of(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00.", zipfile.ZIP_STORED, "archive/data.pkl"),
    "packed_too_often": functools.reduce(lambda data, _: gzip_member(data), range(8), pickle.dumps([], 4)),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_another_file_is_refused_with_one_clear_line(name: str) -> None:
    check_error(run(["explain", "-"], stdin=OTHER_FILES[name]), 3)


# -- hostile pickles ---------------------------------------------------------------------------------------------------

def calls(command: bytes) -> dict[str, bytes]:
    """Pickles that would run `command` if anybody let them."""
    line = b"S'" + command + b"'\n"
    text = p_text(command)
    return {
        "global": b"cos\nsystem\n(" + line + b"tR.",
        "global_posix": b"\x80\x02cposix\nsystem\n" + text + b"\x85R.",
        "global_eval": b"\x80\x02cbuiltins\neval\n" + p_text(b"__import__('os').system('" + command + b"')")
                       + b"\x85R.",
        "global_old_eval": b"\x80\x02c__builtin__\neval\n" + p_text(b"1") + b"\x85R.",
        "global_exec": b"\x80\x02cbuiltins\nexec\n" + text + b"\x85R.",
        "global_getattr": b"\x80\x02cbuiltins\ngetattr\n" + p_text("os") + p_text("system") + b"\x86R.",
        "global_popen": b"\x80\x02csubprocess\nPopen\n" + text + b"\x85R.",
        "stack_global": b"\x80\x04" + p_text("os") + p_text("system") + b"\x93" + text + b"\x85R.",
        "stack_global_dotted": b"\x80\x04" + p_text("collections") + p_text("OrderedDict.__init__") + b"\x93" + text
                               + b"\x85R.",
        "inst": b"(" + line + b"ios\nsystem\n.",
        "inst_protocol_2": b"\x80\x02(" + line + b"ios\nsystem\n.",
        "obj": b"\x80\x02(cos\nsystem\n" + line + b"o.",
        "obj_of_allowed": b"\x80\x02(ccollections\nOrderedDict\n" + line + b"o.",
        "newobj": b"\x80\x02cos\nsystem\n" + text + b"\x85\x81.",
        "newobj_ex": b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
        "build": b"\x80\x02}}(" + text + text + b"ub.",
        "build_of_allowed": b"\x80\x02ccollections\nOrderedDict\n)R}" + p_text("x") + text + b"sb.",
        "ext1": b"\x80\x02\x82\x01)R.",
        "ext2": b"\x80\x02\x83\x01\x00)R.",
        "ext4": b"\x80\x02\x84\x01\x00\x00\x00)R.",
        "persid": b"\x80\x02P0\n.",
        "binpersid": b"\x80\x02" + text + b"Q.",
        "next_buffer": b"\x80\x05\x97.",
    }


def hidden_in_snapshots(command: bytes) -> dict[str, bytes]:
    """The same call where a snapshot has something harmless."""
    call = b"cos\nsystem\n" + p_text(command) + b"\x85R"
    segments = p_list(p_dict(address=b"K\x00", total_size=b"M\x00\x02", blocks=b"]"))
    one = p_dict(action=p_text("alloc"), addr=b"K\x01", size=b"K\x01", frames=b"]")
    evil = p_dict(action=p_text("alloc"), addr=b"K\x01", size=b"K\x01", frames=p_list(call))
    return {
        "in_frames": p_file(p_dict(segments=segments, device_traces=p_list(p_list(one, evil)))),
        "after_everything": p_file(p_dict(segments=segments, device_traces=p_list(p_list(one)), extra=call)),
        "dropped_at_once": p_file(call + b"0" + p_dict(segments=segments)),
        "as_a_key": p_file(b"}(" + p_text("segments") + segments + call + b"Nu"),
        "gzip": gzip_member(p_file(call)),
    }


HOSTILE = sorted(calls(b"")) + sorted(hidden_in_snapshots(b""))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_pickle_that_wants_to_run_something_is_refused(name: str, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    command = b"touch " + bytes(proof)
    data = {**calls(command), **hidden_in_snapshots(command)}[name]
    check_error(run(["explain", "-"], stdin=data, cwd=tmp_path), 3)
    assert not proof.exists()


def test_a_pickle_that_wants_to_run_something_would() -> None:
    """The test above means something: Python itself follows these pickles."""
    for name in ("global", "stack_global", "inst", "obj", "in_frames"):
        data = {**calls(b"x"), **hidden_in_snapshots(b"x")}[name]
        with pytest.raises(pickle.UnpicklingError, match=r"os\.system"):
            load(data)


def test_a_refusal_names_what_was_wanted_and_where() -> None:
    data = calls(b"true")["global"]
    check_error(run(["explain", "-"], stdin=data), 3, "standard input@byte 11", "os.system", "nothing was run")


def test_a_huge_integer_is_no_size() -> None:
    """Beyond 64 bits: what carries it is left out, with a warning."""
    document = small_snapshot()
    document["device_traces"][0].append(entry("alloc", BASE + 8192, 1 << 80))
    report = explain_json(document)
    assert report["source"]["events"] == 5
    assert len(report["source"]["warnings"]) == 1


def test_wide_strings_of_every_protocol_are_read() -> None:
    name = "fünf→\u4e94" * 100
    stack = [frame(name)]
    for protocol in range(6):
        [holder] = only(explain_json(pickle.dumps(small_snapshot(stack), protocol)))["holders"]
        assert holder["function"] == name


def test_half_a_surrogate_pair_costs_only_itself() -> None:
    """Python reads a path that is no UTF-8 as lone surrogates and writes them to JSON as they are."""
    document = small_snapshot([frame("main", "/home/\udcff/train.py")])
    for data in (pickle.dumps(document, 4), pickle.dumps(document, 0), as_json(document)):
        report = explain_json(data)
        assert not report["source"]["truncated"]
        assert only(report)["now"] == only(explain_json(small_snapshot()))["now"]
        assert only(report)["holders"][0]["function"] == "main"


def test_a_page_of_the_visualizer_is_read_wherever_the_text_begins() -> None:
    for padding in (0, 100, 70_000):
        page = b"<!-- " + b"-" * padding + b" -->" + html_page(pickle.dumps(small_snapshot(), 4))
        assert gist(explain_json(page)) == gist(explain_json(small_snapshot()))


def test_an_archive_may_hold_other_files(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", "how it was recorded")
        archive.writestr("__MACOSX/._snapshot.pickle", struct.pack("<I", 5))
        archive.writestr("run/snapshot.pickle", pickle.dumps(small_snapshot(), 4))
    report = explain_json(file.getvalue())
    assert report["devices"] == explain_json(small_snapshot())["devices"]
    [warning] = report["source"]["warnings"]
    assert "README.txt" in warning
