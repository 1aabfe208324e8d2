"""The tests of the Python package: run by an interpreter for which unfrag is built, with the packages of
tests/package_requirements.txt. `./dev test` sees to it; by hand: PYTHONPATH=build/release/python pytest tests/package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
