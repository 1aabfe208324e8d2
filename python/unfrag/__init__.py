"""Why a PyTorch program ran out of GPU memory, what holds it, and what would fix it.

    import unfrag
    trace = unfrag.load("oom.pickle")
    print(trace.explain())          # what the command prints
    trace.verdict.kind              # every field of its JSON
    trace.advise().recommended      # settings that would have helped, by replay

Importing it imports neither torch nor anything else outside the standard library, and touches no GPU.
"""

from unfrag._core import version as __version__
from unfrag.errors import BadInputError, Error, MissingError, OutputError, UsageError
from unfrag.recording import ErrorExplanation, Record, explain_error, record
from unfrag.rehearsal import Rehearsal, rehearse
from unfrag.reports import Advice, Comparison, Explanation, Message, Replay
from unfrag.trace import Trace, diff, explain_message, load

__all__ = [
    "Advice",
    "BadInputError",
    "Comparison",
    "Error",
    "ErrorExplanation",
    "Explanation",
    "Message",
    "MissingError",
    "OutputError",
    "Record",
    "Rehearsal",
    "Replay",
    "Trace",
    "UsageError",
    "__version__",
    "diff",
    "explain_error",
    "explain_message",
    "load",
    "record",
    "rehearse",
]
