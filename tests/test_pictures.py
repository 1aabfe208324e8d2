"""The pictures and the HTML that notebooks show, of recordings: well-formed, small, without script, links or ids.

build/release/bin/draw_pictures writes them (tests/draw_pictures.cpp), with -DUNFRAG_TESTS=ON.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import EXAMPLES, PROGRAM, ROOT, named, recordings

DRAW = Path(PROGRAM).resolve().parent / "draw_pictures"
LARGEST = {"timeline.svg": 20_000, "explain.html": 40_000, "address_space.svg": 60_001}
REPLAYS = {"advise.html": 20_000, "replay.html": 10_000, "what_if.html": 10_000}
pytestmark = pytest.mark.skipif(not DRAW.is_file(), reason=f"no {DRAW}: built without its tests")


def draw(recording: Path, folder: Path) -> dict[str, str]:
    """The files written of a recording, by name."""
    subprocess.run([DRAW, recording, folder], check=True, timeout=120)
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def check(name: str, text: str) -> ET.Element:
    """Reads one picture and looks for what a page may not be given."""
    assert len(text.encode()) < (LARGEST | REPLAYS)[name], name
    root = ET.fromstring(text)
    for element in root.iter():
        tag = element.tag.rsplit("}")[-1]
        assert tag not in ("script", "link", "iframe", "object", "image", "img", "a", "foreignObject", "use"), tag
        for attribute, value in element.attrib.items():
            assert attribute not in ("id", "href", "src") and not attribute.startswith("on"), attribute
            assert "url(" not in value and "http" not in value
    return root


@pytest.mark.parametrize("recording", named(EXAMPLES + recordings("snapshots") + recordings("pytorch")))
def test_the_pictures_of_a_recording_can_stand_in_any_page(recording: Path, tmp_path: Path) -> None:
    drawn = draw(recording, tmp_path)
    assert LARGEST.keys() <= drawn.keys() <= LARGEST.keys() | REPLAYS.keys()
    for name, text in drawn.items():
        check(name, text)


def test_they_stay_small_for_a_long_recording_of_several_devices(tmp_path: Path) -> None:
    recording, folder = tmp_path / "long.pickle", tmp_path / "drawn"
    folder.mkdir()
    generator = [sys.executable, ROOT / "tools" / "gen_snapshot.py", "train"]
    subprocess.run([*generator, "--events", "50000", "--devices", "2", "-o", recording], check=True, timeout=120)
    drawn = draw(recording, folder)
    for name, text in drawn.items():
        check(name, text)
    assert "each step is the highest of" in drawn["timeline.svg"]
    assert "Other devices in this recording" in drawn["explain.html"]
