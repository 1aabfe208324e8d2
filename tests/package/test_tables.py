"""pandas, polars, DuckDB and pyarrow read the tables as they are."""

from __future__ import annotations

import duckdb
import pandas
import polars
import pyarrow
import pytest
import support
import unfrag

EXAMPLE = support.EXAMPLES[0]
PATHS = support.named([*support.recordings("pytorch")[::4], *support.recordings("snapshots"), *support.EXAMPLES])
TABLES = ("events", "blocks", "segments", "stacks")


def everything(trace: unfrag.Trace) -> dict:
    return {**{name: getattr(trace, name) for name in TABLES}, "holders": trace.holders(), "timeline": trace.timeline()}


@pytest.mark.parametrize("path", PATHS)
def test_every_reader_sees_the_same_rows(path):
    for name, table in everything(unfrag.load(path)).items():
        recording_table = table  # DuckDB finds it by the variable's name
        arrow = pyarrow.table(recording_table)
        arrow.validate(full=True)
        assert arrow.num_rows == len(table), name
        plain = arrow.to_pylist()
        assert table.to_dicts() == plain, name
        assert polars.DataFrame(table).to_dicts() == plain, name
        assert pandas.DataFrame.from_arrow(table).shape == (arrow.num_rows, arrow.num_columns), name
        assert duckdb.sql("from recording_table").to_arrow_table().to_pylist() == plain, name


@pytest.mark.parametrize("path", PATHS)
def test_events_are_those_of_the_file(path):
    snapshot = support.load(path)
    traces = snapshot.get("device_traces", []) if isinstance(snapshot, dict) else []
    rows = pyarrow.table(unfrag.load(path).events).to_pylist()
    assert len(rows) == sum(map(len, traces))
    numbered = [(device, event, entry) for device, trace in enumerate(traces) for event, entry in enumerate(trace)]
    for row, (device, event, entry) in zip(rows, numbered):
        assert (row["device"], row["event"]) == (device, event)
        assert (row["action"], row["size_bytes"]) == (entry["action"], entry["size"])
        if entry["action"] == "oom":
            assert row["address"] is None and row["device_free_bytes"] == entry.get("device_free", entry.get("addr"))
        else:
            assert row["address"] == entry["addr"] and row["device_free_bytes"] is None
        assert row["stream"] == entry["stream"]
        assert row["time_us"] == entry.get("time_us")


@pytest.mark.parametrize("path", PATHS)
def test_blocks_add_up_to_their_segments(path):
    trace = unfrag.load(path)
    segments, blocks = trace.segments, trace.blocks
    sums = duckdb.sql("""
        select s.size_bytes, sum(b.size_bytes) from segments s join blocks b on s.address = b.segment
        group by s.address, s.size_bytes""").fetchall()
    assert len(sums) == len(segments) and len(blocks) > 0
    assert all(size == total for size, total in sums)


def test_a_holders_bytes_are_those_of_its_blocks():
    trace = unfrag.load(EXAMPLE)
    blocks = polars.DataFrame(trace.blocks).filter(polars.col("state") == "active_allocated")
    by_line = blocks.group_by("file", "line", "function").agg(polars.col("size_bytes").sum())
    found = {(row["file"], row["line"], row["function"]): row["size_bytes"] for row in by_line.to_dicts()}
    for holder in trace.holders(at="end"):
        if holder.now_bytes:
            assert found[holder.file, holder.line, holder.function] == holder.now_bytes


def test_columns_point_into_the_recording():
    trace = unfrag.load(EXAMPLE)
    first, second = pyarrow.table(trace.events), pyarrow.table(trace.events)
    for name in ("address", "size_bytes", "time_us", "stack"):
        one, other = (table[name].chunk(0).buffers()[1].address for table in (first, second))
        assert one == other, name


def test_a_table_outlives_what_it_was_read_from():
    table = pyarrow.table(unfrag.load(EXAMPLE).events)
    expected = pyarrow.table(unfrag.load(EXAMPLE).events).to_pylist()
    for _ in range(20):
        unfrag.load(support.EXAMPLES[1]).explain()
    assert table.to_pylist() == expected


def test_conversions_give_the_same_and_text_is_categories():
    events = unfrag.load(EXAMPLE).events
    frame = events.to_pandas()
    assert isinstance(frame["action"].dtype, pandas.CategoricalDtype)
    assert frame["size_bytes"].sum() == events.to_polars()["size_bytes"].sum()
    assert events.to_arrow().column_names == events.column_names
    assert f"{len(frame):,} rows" in repr(events)


def test_an_empty_table_has_its_columns():
    trace = unfrag.load(support.snapshot([]))
    for name in TABLES:
        table = pyarrow.table(getattr(trace, name))
        assert table.num_rows == 0 and table.num_columns > 3
    assert pyarrow.table(trace.holders()).num_rows == 0


def test_a_name_that_is_no_utf8_is_shown_escaped():
    frames = [support.frame("f\udcff", "a\x1b[31m.py")]
    trace = unfrag.load(support.small_snapshot(frames))
    names = {name for name in pyarrow.table(trace.stacks)["file"].to_pylist()}
    assert names == {"a\\x1b[31m.py"}


def test_a_schema_can_be_asked_for_alone():
    schema = pyarrow.schema(unfrag.load(EXAMPLE).events)
    assert schema.field("size_bytes").type == pyarrow.int64()
    assert schema.field("address").type == pyarrow.uint64()
    assert pyarrow.types.is_dictionary(schema.field("function").type)
