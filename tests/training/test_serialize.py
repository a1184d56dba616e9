from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from voxlet.errors import ConfigError
from voxlet.models.clip.config import CNNLightConfig, MLPConfig
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.presets import PRESETS
from voxlet.training.serialize import differences, from_json, to_json


@dataclass(frozen=True)
class Inner:
    size: int
    share: float | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    mode: Literal["fast", "slow"]
    widths: tuple[int, ...]
    pair: tuple[float, str]
    counts: dict[str, int]
    on: bool


OUTER = Outer(Inner(3, 0.5), "fast", (4, 5), (1.5, "x"), {"a": 1}, True)


def through_text(value: object) -> object:
    return json.loads(json.dumps(to_json(value)))


def test_everything_comes_back_equal() -> None:
    assert from_json(Outer, through_text(OUTER), where="file") == OUTER


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_equal(name: str) -> None:
    preset = PRESETS[name]
    assert from_json(type(preset), through_text(preset), where="file") == preset


def test_the_kind_decides_among_models() -> None:
    asked = replace(PRESETS["mlp"], model=CNNLightConfig(width=8))
    assert from_json(ClipTraining, through_text(asked), where="file") == asked
    data = to_json(replace(PRESETS["mlp"], model=MLPConfig()))
    data["model"]["kind"] = "cnn-light"
    with pytest.raises(ConfigError, match=r"unknown field 'model.widths'"):
        from_json(ClipTraining, data, where="file")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("inner.size", "3", "'inner.size' holds '3' where int belongs"),
        ("inner.size", 3.5, "'inner.size' holds 3.5 where int belongs"),
        ("inner.size", True, "'inner.size' holds True"),
        ("inner.share", "x", "'inner.share' holds 'x' where float belongs"),
        ("inner.sized", 3, "unknown field 'inner.sized'"),
        ("inner", [], r"'inner' holds \[\] where an object with the fields of Inner belongs"),
        ("mode", "quick", "'mode' holds 'quick' where one of 'fast', 'slow' belongs"),
        ("widths", [1, "2"], r"'widths\[1\]' holds '2'"),
        ("pair", [1.0], "'pair' holds"),
        ("counts", {"a": None}, "'counts.a' holds None"),
        ("on", 1, "'on' holds 1 where bool belongs"),
    ],
)
def test_what_does_not_belong_is_named(path: str, value: object, message: str) -> None:
    data = through_text(OUTER)
    place = data
    *parents, last = path.split(".")
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(ConfigError, match=message) as caught:
        from_json(Outer, data, where="run/config.json")
    assert str(caught.value).startswith("run/config.json: ")


def test_a_value_that_its_class_refuses_is_named_with_the_file() -> None:
    data = through_text(PRESETS["mlp"])
    data["model"]["dropout"] = 4.0
    with pytest.raises(ConfigError, match=r"^file: MLPConfig: dropout 4.0 is not in"):
        from_json(ClipTraining, data, where="file")


def test_a_missing_field_is_named() -> None:
    data = through_text(OUTER)
    del data["inner"]["size"]
    with pytest.raises(ConfigError, match=r"the field 'inner.size' is missing"):
        from_json(Outer, data, where="file")


def test_a_field_that_came_later_has_its_default() -> None:
    data = through_text(OUTER)
    del data["inner"]["share"]
    assert from_json(Outer, data, where="file").inner == Inner(3)


def test_an_integer_will_do_for_a_float() -> None:
    data = through_text(OUTER)
    data["inner"]["share"] = 1
    assert from_json(Outer, data, where="file").inner.share == 1.0


def test_only_plain_values_are_saved() -> None:
    with pytest.raises(TypeError, match="set"):
        to_json({"a": {1}})


def test_differences_name_the_fields() -> None:
    other = replace(OUTER, inner=Inner(4, 0.5), counts={"b": 1})
    assert differences(to_json(OUTER), to_json(OUTER)) == []
    assert differences(to_json(OUTER), to_json(other)) == [
        "inner.size is 3 in the run and 4 now",
        "counts.a is only in the run",
        "counts.b is only given now",
    ]
