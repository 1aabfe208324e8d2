"""Read-only views of the JSON that the command prints: Value for an object of it, Values for a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

T = TypeVar("T")
_CLASSES: dict[str, type[Value]] = {}
_CLASS_IN_ANNOTATION = re.compile(r"\b(?!Sequence|None)([A-Z]\w+)")


class Value:
    """An object of a report: its fields are attributes under the names of the JSON, and keys, as in a dict.

    It equals a dict of the same content, and cannot be changed. A field that the JSON leaves out is None as an
    attribute and missing as a key. Fields that this version does not declare can be read like any other.
    """

    _tree: dict[str, Any]

    def __init__(self, tree: dict[str, Any]) -> None:
        self.__dict__["_tree"] = tree

    def __init_subclass__(cls) -> None:
        _CLASSES[cls.__name__] = cls
        for name, annotation in cls.__dict__.get("__annotations__", {}).items():  # texts: annotations are postponed
            if not name.startswith("_"):  # what is not a field of the JSON
                setattr(cls, name, _Field(name, annotation))

    if not TYPE_CHECKING:  # a type checker knows the declared fields alone

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or name not in self._tree:
                raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has {', '.join(self._tree)}")
            return _wrap(self._tree[name], None)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is read-only")

    def __getitem__(self, key: str) -> Any:
        if key not in self._tree:
            raise KeyError(key)
        declared = isinstance(getattr(type(self), key, None), _Field)
        return getattr(self, key) if declared else _wrap(self._tree[key], None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def __contains__(self, key: object) -> bool:
        return key in self._tree

    def keys(self) -> Sequence[str]:
        return tuple(self._tree)

    def to_dict(self) -> dict[str, Any]:
        """A copy of it as plain dicts and lists, as `json.loads` would give."""
        copy: dict[str, Any] = _copy(self._tree)
        return copy

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value):
            return self._tree == other._tree
        return self._tree == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return (restored, (type(self).__name__, self._tree))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._tree]

    def __repr__(self) -> str:
        shown = (f"{name}={_short(value)}" for name, value in self._tree.items())
        return f"{type(self).__name__}({', '.join(shown)})"


class Values(Sequence[T]):
    """A list of a report. It equals a list or tuple of the same content, and cannot be changed."""

    def __init__(self, items: Sequence[Any], item_type: type[Value] | None = None) -> None:
        self._items = items
        self._type = item_type

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Values[T]: ...
    def __getitem__(self, index: int | slice) -> T | Values[T]:
        if isinstance(index, slice):
            return Values(self._items[index], self._type)
        item: T = _wrap(self._items[index], self._type)
        return item

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Values):
            return self._items == other._items
        return list(self._items) == list(other) if isinstance(other, (list, tuple)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore_list, (list(self._items), self._type.__name__ if self._type else ""))

    def __repr__(self) -> str:
        shown = ", ".join(repr(value) for value in self[:3])
        more = f", ... {len(self) - 3} more" if len(self) > 3 else ""
        return f"[{shown}{more}]"


class _Field:
    """A declared field of a Value: looked up when it is read."""

    __slots__ = ("_name", "_annotation")

    def __init__(self, name: str, annotation: str) -> None:
        self._name = name
        self._annotation = annotation

    def __get__(self, value: Value | None, owner: type[Value]) -> Any:
        if value is None:
            return self
        found = _CLASS_IN_ANNOTATION.search(self._annotation)
        return _wrap(value._tree.get(self._name), _CLASSES.get(found[1]) if found else None)

    def __set__(self, value: Value, new: Any) -> None:
        raise AttributeError(f"{type(value).__name__} is read-only")


def _wrap(raw: Any, item_type: type[Value] | None) -> Any:
    if isinstance(raw, dict):
        return (item_type or Value)(raw)
    if isinstance(raw, list):
        return Values(raw, item_type)
    return raw


def _copy(raw: Any) -> Any:
    if isinstance(raw, Mapping):
        return {key: _copy(value) for key, value in raw.items()}
    return [_copy(value) for value in raw] if isinstance(raw, list) else raw


def _short(raw: Any) -> str:
    if isinstance(raw, dict):
        return "{...}" if raw else "{}"
    if isinstance(raw, list):
        return f"[{len(raw)} of them]" if raw else "[]"
    return repr(raw)


def restored(name: str, tree: dict[str, Any]) -> Value:
    return _CLASSES.get(name, Value)(tree)


def _restore_list(items: list[Any], name: str) -> Values[Any]:
    return Values(items, _CLASSES.get(name))
