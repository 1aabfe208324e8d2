"""What a notebook shows: IPython's own display of every report and picture."""

from __future__ import annotations

import json
import os
import subprocess
from xml.etree import ElementTree

import pytest
import support
import unfrag

TORCH = os.environ.get("UNFRAG_TEST_TORCH", "").split(":")[0]  # that environment has IPython

SHOW = """
import json, sys, unfrag
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
trace = unfrag.load(sys.argv[1])
shown = {"trace": trace, "explanation": trace.explain(), "replay": trace.replay(), "advice": trace.advise(),
         "diff": unfrag.diff(trace, conf="expandable_segments:True"), "timeline": trace.timeline(),
         "space": trace.address_space(at="peak"), "message": unfrag.explain_message(open(sys.argv[2]).read())}
print(json.dumps({name: shell.display_formatter.format(value)[0] for name, value in shown.items()}))
"""


@pytest.mark.skipif(not TORCH, reason="UNFRAG_TEST_TORCH names no Python with IPython")
@pytest.mark.parametrize("path", support.named(support.EXAMPLES))
def test_ipython_shows_reports_as_pages_without_scripts(path):
    done = subprocess.run([TORCH, "-c", SHOW, path, support.ROOT / "examples" / "oom_message.txt"], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(support.ROOT / "build/release/python")})
    assert done.returncode == 0, done.stderr
    for name, forms in json.loads(done.stdout).items():
        html = forms["text/html"]
        ElementTree.fromstring(html)  # well-formed
        assert "<script" not in html.lower() and "http" not in html.replace("http://www.w3.org/", ""), name
        assert len(html) < 100_000, name
        assert forms["text/plain"], name


def test_the_page_says_the_verdict_and_the_exact_bytes():
    trace = unfrag.load(support.EXAMPLES[0])
    page = trace.explain()._repr_html_()
    text = " ".join(ElementTree.fromstring(page).itertext())
    assert trace.verdict.headline.split(",")[0] in " ".join(text.split())
    assert "<svg" in page


def test_names_from_a_file_are_no_markup():
    frames = [support.frame("<script>alert(1)</script>", "<img src=x onerror=y>.py")]
    trace = unfrag.load(support.small_snapshot(frames))
    for page in (trace._repr_html_(), trace.address_space()._repr_html_()):
        assert "<script" not in page and "<img" not in page
        assert "&lt;" in page


def test_pictures_are_files_of_their_own(tmp_path):
    trace = unfrag.load(support.EXAMPLES[0])
    for picture in (trace.timeline().picture, trace.address_space()):
        assert ElementTree.fromstring(picture.svg).tag.endswith("svg")
        assert "characters" in repr(picture)
