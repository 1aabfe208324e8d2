"""The errors of unfrag: one tree, whose messages are the command's.

    Error
     |- UsageError     the arguments make no sense (also a ValueError)
     |- BadInputError  the input is not what it should be (also a ValueError)
     |- MissingError   something that is needed is not here: torch, a driver, a program
     `- OutputError    could not write, or a bug of unfrag's own
"""

from __future__ import annotations


class Error(Exception):
    """Anything that unfrag reports. `str()` gives "FILE@WHERE: WHAT; try ACTION"."""

    file: str = ""  #: The file or program it is about; empty: none.
    where: str = ""  #: "byte 1234", "event 17"; empty: everywhere.
    what: str = ""  #: What is wrong, in a clause.
    action: str = ""  #: What to try; may be empty.


class UsageError(Error, ValueError):
    """The arguments make no sense; the command would exit with 2."""


class BadInputError(Error, ValueError):
    """The input cannot be read as what it should be; the command would exit with 3."""


class MissingError(Error):
    """Something that is needed is not here; the command would exit with 4."""


class OutputError(Error):
    """Could not write, or a bug of unfrag's own; the command would exit with 5."""
