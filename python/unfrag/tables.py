"""Tables that any reader of Arrow takes without a copy, through the PyCapsule interface.

    polars.DataFrame(trace.events)
    pyarrow.table(trace.events)
    pandas.DataFrame.from_arrow(trace.events)                         # pandas 3
    events = trace.events; duckdb.sql("select sum(size_bytes) from events")

None of these packages is needed by unfrag. The columns are described in docs/format/tables.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unfrag import _core
from unfrag.errors import MissingError

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    import polars
    import pyarrow  # type: ignore[import-untyped]


class Table:
    """Columns of a recording, read where they lie: `len()` rows, `column_names`."""

    __slots__ = ("_table", "_name")

    def __init__(self, table: _core.Table, name: str) -> None:
        self._table = table
        self._name = name

    def __len__(self) -> int:
        return len(self._table)

    @property
    def column_names(self) -> list[str]:
        return self._table.column_names

    def __arrow_c_schema__(self) -> object:
        return self._table.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dict a row, with nothing but Python: for tables that are small."""
        return self._table.to_dicts()

    def to_arrow(self) -> pyarrow.Table:
        """As a pyarrow.Table. Errors: MissingError without pyarrow."""
        return _package("pyarrow").table(self)

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas.DataFrame, text as categories. Errors: MissingError without pandas and pyarrow."""
        _package("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """As a polars.DataFrame. Errors: MissingError without polars."""
        frame: polars.DataFrame = _package("polars").DataFrame(self)
        return frame

    def __repr__(self) -> str:
        return f"<unfrag.Table {self._name}: {len(self):,} rows of {', '.join(self.column_names)}>"


def _package(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} is not installed; try pip install {name}") from error
