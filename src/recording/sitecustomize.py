"""Python imports this at its start: when the program imports torch, the recorder begins.

It lies in a folder of its own at the front of PYTHONPATH. Whatever module of its name the program would have had is
still imported, and nothing else of the program's start changes.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_FOLDER = os.environ.get("UNFRAG_RECORD_FOLDER", _HERE)


def _load(name):
    spec = importlib.util.spec_from_file_location("_unfrag_" + name, os.path.join(_HERE, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _begin():
    try:
        _load("recorded_program").begin(_load("recorder"))
    except Exception as error:
        with open(os.path.join(_FOLDER, "process.%d" % os.getpid()), "a") as log:
            log.write("failed %s\n" % str(error).replace("\n", " "))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds torch as it would be found, and has the recorder begin once it is imported."""

    def find_spec(self, name, path, target=None):
        if name != "torch":
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            self.begin_after(spec.loader)
        return spec

    def begin_after(self, loader):
        execute = loader.exec_module

        def exec_module(module):
            execute(module)
            del loader.exec_module
            sys.meta_path.remove(self)
            _begin()

        loader.exec_module = exec_module


with contextlib.suppress(OSError):  # The command may have ended before this process began.
    with open(os.path.join(_FOLDER, "loaded"), "w"):
        sys.meta_path.insert(0, _Finder())

# The module of this name that would have been imported without us.
sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]
_own = sys.modules.pop("sitecustomize", None)
try:
    import sitecustomize  # noqa: F401
except ImportError:
    sys.modules["sitecustomize"] = _own
