"""The pictures and the HTML that notebooks show, of recordings: well-formed, small, without script, links or ids.

build/release/bin/draw_pictures writes them (tests/draw_pictures.cpp), with -DUNFRAG_TESTS=ON.
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import EXAMPLES, PROGRAM, named, recordings

DRAW = Path(PROGRAM).resolve().parent / "draw_pictures"
LARGEST = {"timeline.svg": 20_000, "explain.html": 40_000}
pytestmark = pytest.mark.skipif(not DRAW.is_file(), reason=f"no {DRAW}: built without its tests")


def draw(recording: Path, folder: Path) -> dict[str, str]:
    """The files written of a recording, by name."""
    subprocess.run([DRAW, recording, folder], check=True, timeout=120)
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def check(name: str, text: str) -> ET.Element:
    """Reads one picture and looks for what a page may not be given."""
    assert len(text) < LARGEST[name], name
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
    assert drawn.keys() == LARGEST.keys()
    for name, text in drawn.items():
        check(name, text)
