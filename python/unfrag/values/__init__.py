"""The classes of everything that reports consist of, a module a format: see docs/format for what each field means."""

from unfrag.values import advise, diff, explain, message, rehearse, replay
from unfrag.values._base import Value, Values

__all__ = ["Value", "Values", "advise", "diff", "explain", "message", "rehearse", "replay"]
