"""Convert dataclasses to JSON and back, strictly: what was saved is read, or an error names the field."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from voxlet.errors import ConfigError

T = TypeVar("T")

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None


def to_json(value: object) -> JSON:
    """A dataclass (and everything in it) as dicts, lists and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} has no place in a configuration")


def from_json(cls: type[T], data: object, *, where: object, field: str = "") -> T:
    """Rebuild a `cls` from the result of `to_json`; errors name the file `where` and the part `field` of it.

    A missing field gets its default: a later version of voxlet added it, and its default changes nothing.

    Raises:
        ConfigError: A field is unknown, of another type, or missing without a default, or the class itself
            refuses a value.
    """
    if not isinstance(data, dict):
        raise _mismatch(f"an object with the fields of {cls.__name__}", data, where, field)
    fields = {f.name: f for f in dataclasses.fields(cast(Any, cls)) if f.init}
    for name in data.keys() - fields.keys():
        raise ConfigError(
            f"unknown field {_dotted(field, name)!r}, perhaps of another version of voxlet", where=where
        )
    for name in sorted(fields.keys() - data.keys()):
        found = fields[name]
        if not found.default is found.default_factory is dataclasses.MISSING:
            continue
        raise ConfigError(f"the field {_dotted(field, name)!r} is missing", where=where)
    hints = get_type_hints(cls)
    values = {name: _value(hints[name], data[name], where, _dotted(field, name)) for name in data}
    try:
        return cls(**values)
    except ConfigError as error:
        place = where if error.where is None else f"{where}: {error.where}"
        raise ConfigError(error.what, where=place, remedy=error.remedy) from error


def _value(
    hint: Any, data: object, where: object, field: str
) -> object:  # a type hint has no type of its own
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_json(cast(type, hint), data, where=where, field=field)
    if origin is Literal:
        if data in arguments:
            return data
        raise _mismatch(f"one of {', '.join(map(repr, arguments))}", data, where, field)
    if origin in (Union, types.UnionType):
        return _member(arguments, data, where, field)
    if origin is tuple and isinstance(data, list):
        kinds = arguments[:1] * len(data) if arguments[1:] == (...,) else arguments
        if len(kinds) == len(data):
            pairs = enumerate(zip(kinds, data, strict=True))
            return tuple(_value(kind, item, where, f"{field}[{i}]") for i, (kind, item) in pairs)
    if origin is dict and isinstance(data, dict):
        return {key: _value(arguments[1], item, where, _dotted(field, key)) for key, item in data.items()}
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(hint, type) and type(data) is hint:
        return data
    raise _mismatch(getattr(hint, "__name__", str(hint)), data, where, field)


def _member(kinds: tuple[Any, ...], data: object, where: object, field: str) -> object:
    """`data` as the first member of a union that accepts it; among dataclasses, `kind` decides."""
    if data is None and type(None) in kinds:
        return None
    members = [kind for kind in kinds if kind is not type(None)]
    if isinstance(data, dict) and "kind" in data:
        members = [
            kind for kind in members if data["kind"] in get_args(get_type_hints(kind).get("kind"))
        ] or members
    errors = []
    for kind in members:
        try:
            return _value(kind, data, where, field)
        except ConfigError as error:
            errors.append(error)
    raise errors[0]


def differences(saved: JSON, asked: JSON, field: str = "") -> list[str]:
    """The differences between saved and requested settings as texts, with fields in dotted form."""
    if isinstance(saved, dict) and isinstance(asked, dict):
        lines = []
        for name in [*saved, *(name for name in asked if name not in saved)]:
            dotted = _dotted(field, name)
            if name in saved and name in asked:
                lines += differences(saved[name], asked[name], dotted)
            else:
                lines.append(f"{dotted} is only {'in the run' if name in saved else 'given now'}")
        return lines
    return [] if saved == asked else [f"{field} is {saved!r} in the run and {asked!r} now"]


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _mismatch(wanted: str, data: object, where: object, field: str) -> ConfigError:
    place = f"the field {field!r}" if field else "the file"
    return ConfigError(f"{place} holds {data!r} where {wanted} belongs", where=where)
