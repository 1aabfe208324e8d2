"""What Python says of a recording is what the command prints, field by field."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
import support
import unfrag
from unfrag.values import Value, Values, advise, diff, explain, message, rehearse, replay

RECORDINGS = support.named(
    [*support.recordings("pytorch"), *support.recordings("snapshots"), *support.EXAMPLES])


def compare(value: Any, raw: Any, where: str = "") -> int:
    """Every field of the JSON is an attribute with the same value. Returns how many were compared."""
    if isinstance(raw, dict):
        assert isinstance(value, Value), where
        count = 0
        for name, inner in raw.items():
            assert compare(value[name], inner, f"{where}.{name}")
            count += compare(getattr(value, name), inner, f"{where}.{name}") if name.isidentifier() else 1
        return count + 1
    if isinstance(raw, list):
        assert isinstance(value, Values) and len(value) == len(raw), where
        return 1 + sum(compare(one, inner, f"{where}[{i}]") for i, (one, inner) in enumerate(zip(value, raw)))
    assert type(value) is type(raw) and value == raw, where
    return 1


def command(*args: Any) -> Any:
    done = support.run([*args, "--format", "json"])
    assert done.code == 0, done.message
    return json.loads(done.text)


@pytest.mark.parametrize("path", RECORDINGS)
def test_every_field_of_an_explanation_is_an_attribute(path):
    raw = command("explain", path)
    explanation = unfrag.load(path).explain()
    assert compare(explanation, raw) > 100
    assert explanation == raw
    assert explanation.to_dict() == raw
    if explanation.device is not None:
        chosen = next(device for device in raw["devices"] if device["index"] == raw["device"])
        assert explanation.verdict == chosen["verdict"]
        assert explanation.holders == chosen["holders"]
        assert explanation.blockers == chosen["blockers"]


@pytest.mark.parametrize("path", RECORDINGS)
def test_every_field_of_a_replay_and_of_advice_is_an_attribute(path):
    done = support.run(["replay", path, "--format", "json"])
    trace = unfrag.load(path)
    if done.code != 0:  # nothing to replay: the error is the command's too
        with pytest.raises(unfrag.BadInputError) as failed:
            trace.replay()
        assert done.message == f"unfrag: error: {failed.value}\n"
        with pytest.raises(unfrag.BadInputError):
            trace.advise()
        return
    assert compare(trace.replay(), json.loads(done.text)) > 50
    assert compare(trace.advise(), command("advise", path)) > 50


@pytest.mark.parametrize("path", RECORDINGS)
def test_every_field_of_a_comparison_is_an_attribute(path):
    other = support.EXAMPLES[0]
    gates = ["now_reserved>+5%", "now_allocated>1GiB"]
    found = unfrag.diff(path, other, fail_on=gates)
    done = support.run(["diff", path, other, "--format", "json", *(word for gate in gates for word in ("--fail-on", gate))])
    assert compare(found, json.loads(done.text)) > 50
    assert found.all_gates_hold == (done.code == 0)


@pytest.mark.parametrize("options", [
    {"at": "peak"}, {"at": 100}, {"group": "function"}, {"group": "stream"}, {"group": "segment"},
    {"want": "2GiB", "memory": "24GiB"}, {"want": 1 << 30, "stream": 7}, {"device": 0, "torch": "2.9"}])
def test_options_are_those_of_the_command(options):
    path = support.EXAMPLES[0]
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert unfrag.load(path).explain(**options) == command("explain", path, *words)


def test_a_replay_takes_what_the_command_takes():
    path = support.EXAMPLES[0]
    options = {"conf": "expandable_segments:True", "memory": "4GiB", "context": "450MiB", "addresses": "up"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert unfrag.load(path).replay(**options) == command("replay", path, *words)


def test_the_text_is_the_commands():
    path = support.EXAMPLES[0]
    trace = unfrag.load(path)
    for report, *words in ((trace.explain(), "explain"), (trace.replay(), "replay"), (trace.advise(), "advise")):
        printed = support.run([*words, path], LC_ALL="C.UTF-8")
        assert str(report) == printed.text


def test_what_the_allocator_did_in_a_what_if_is_a_recording():
    trace = unfrag.load(support.EXAMPLES[0])
    what_if = trace.replay(conf="expandable_segments:True").trace
    assert trace.explain().chosen.ooms and not what_if.explain().chosen.ooms
    assert what_if.verdict.kind == "healthy"
    assert unfrag.load(what_if.to_snapshot()) == what_if


def test_a_replay_of_a_recording_as_it_was_is_the_recording():
    trace = unfrag.load(support.EXAMPLES[0])
    again = trace.replay()
    assert again.exact
    assert again.trace.explain().chosen.peak == trace.explain().chosen.peak


def test_a_message_is_explained_like_a_file_of_it():
    path = support.ROOT / "examples" / "oom_message.txt"
    found = unfrag.explain_message(path.read_text(), name=str(path))
    assert compare(found, command("explain", "--message", path)) > 30
    assert str(found) == support.run(["explain", "--message", path], LC_ALL="C.UTF-8").text
    with pytest.raises(unfrag.BadInputError, match="no out-of-memory message"):
        unfrag.explain_message("all is well")


def test_values_cannot_be_changed():
    explanation = unfrag.load(support.EXAMPLES[0]).explain()
    for value in (explanation, explanation.verdict, explanation.holders[0]):
        with pytest.raises(AttributeError, match="read-only"):
            value.kind = "healthy"
        with pytest.raises(AttributeError, match="read-only"):
            value.not_there = 1
        with pytest.raises(AttributeError):
            del value.kind
    with pytest.raises(TypeError):
        explanation.holders[0] = None
    with pytest.raises(TypeError):
        explanation["device"] = 1


def test_a_field_that_is_left_out_is_none_and_a_wrong_name_says_what_there_is():
    verdict = unfrag.load(support.EXAMPLES[0]).verdict
    assert verdict.served_from is None and "served_from" not in verdict
    with pytest.raises(AttributeError, match="headline"):
        verdict.headlines
    with pytest.raises(KeyError):
        verdict["served_from"]


def test_values_go_through_pickle():
    explanation = unfrag.load(support.EXAMPLES[0]).explain()
    for value in (explanation.verdict, explanation.holders[:3], explanation.holders[0], explanation):
        back = pickle.loads(pickle.dumps(value))  # made two lines above, not read from a file
        assert back == value


def test_a_list_is_a_sequence():
    holders = unfrag.load(support.EXAMPLES[0]).holders()
    assert list(holders[:2]) == [holders[0], holders[1]]
    assert holders[-1] == holders[len(holders) - 1]
    assert [holder.at_bytes for holder in holders] == sorted((h.at_bytes for h in holders), reverse=True)
    with pytest.raises(IndexError):
        holders[len(holders)]


@pytest.mark.parametrize(("schema", "definition", "declared"), [
    ("explain", None, explain.ExplanationFields), ("explain", "source", explain.Source),
    ("explain", "device", explain.Device), ("explain", "now", explain.Now), ("explain", "peak", explain.Peak),
    ("explain", "fragmentation", explain.Fragmentation), ("explain", "oom", explain.Oom), ("explain", "at", explain.At),
    ("explain", "pool_use", explain.PoolUse), ("explain", "frame", explain.Frame),
    ("explain", "holder", explain.Holder), ("explain", "kind_use", explain.KindUse),
    ("explain", "omitted", explain.Omitted), ("explain", "pinned_segment", explain.PinnedSegment),
    ("explain", "pinning_block", explain.PinningBlock), ("explain", "verdict", explain.Verdict),
    ("explain", "evidence", explain.Evidence), ("explain", "made_block", explain.MadeBlock),
    ("explain", "blocker", explain.Blocker), ("explain", "segments_to_empty", explain.SegmentsToEmpty),
    ("explain", "suspect", explain.Suspect), ("explain", "iterations", explain.Iterations),
    ("explain", "timeline", explain.Timeline), ("replay", None, replay.ReplayFields),
    ("replay", "conditions", replay.Conditions), ("replay", "guesses", replay.Guesses),
    ("replay", "divergence", replay.Divergence), ("replay", "state", replay.State),
    ("replay", "recorded", replay.RecordedStatistics), ("replay", "other", replay.OtherAddresses),
    ("replay", "curves", replay.Curves), ("advise", None, advise.AdviceFields),
    ("advise", "recorded", advise.AdviceRecorded), ("advise", "candidate", advise.Candidate),
    ("advise", "recommended", advise.Recommended), ("diff", None, diff.ComparisonFields), ("diff", "side", diff.Side),
    ("diff", "metrics", diff.Metrics), ("diff", "metric", diff.Metric), ("diff", "moved_from", diff.MovedFrom),
    ("diff", "holder", diff.DiffHolder), ("diff", "total", diff.Total), ("diff", "gate", diff.Gate),
    ("message", None, message.MessageFields), ("message", "source", message.MessageSource),
    ("message", "message", message.MessageForm), ("message", "figures", message.Figures),
    ("message", "verdict", message.MessageVerdict), ("message", "evidence", message.MessageEvidence),
    ("message", "summary", message.Summary), ("rehearse", None, rehearse.RehearsalFields)])
def test_the_classes_declare_what_the_schemas_have(schema, definition, declared):
    document = json.loads((support.ROOT / "docs" / "format" / f"{schema}.schema.json").read_text())
    part = document["$defs"][definition] if definition else document
    fields = {name for base in declared.__mro__ for name in getattr(base, "__annotations__", {}) if name[0] != "_"}
    assert fields == set(part["properties"])


def test_a_bound_may_be_a_text_alone():
    assert len(unfrag.diff(support.EXAMPLES[0], support.EXAMPLES[1], fail_on="num_ooms>0").gates) == 1


def test_keys_of_a_file_are_keys_whatever_they_are_called():
    snapshot = support.small_snapshot()
    snapshot["allocator_settings"] = {"keys": "a", "_tree": "b", "__class__": "c"}
    settings = unfrag.load(snapshot).explain().source.settings
    assert dict(settings) == {"keys": "a", "_tree": "b", "__class__": "c"}


def test_a_report_is_its_own_copy():
    explanation = unfrag.load(support.EXAMPLES[0]).explain()
    assert copy.copy(explanation) is explanation and copy.deepcopy(explanation) is explanation
