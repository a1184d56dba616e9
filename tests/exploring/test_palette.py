"""Ten labels can be told apart on a light and a dark map, by colour-blind people too."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from voxlet.plots.figure import LABEL_COLOURS, LABEL_MARKERS
from voxlet.serving.static.page import PAGE

LEAST = 0.12  # distance in Oklab (Ottosson 2020) between two colours; a just noticeable one is about 0.02
BACKGROUNDS = {"light": "#ffffff", "dark": "#1e1c2b"}
# Complete lack of red, green and blue cones, on linear RGB: Machado, Oliveira, Fernandes 2009.
EYES = {
    "all three": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_CONES = (
    (0.41222147, 0.53633254, 0.05144599),
    (0.21190350, 0.68069955, 0.10739696),
    (0.08830246, 0.28171884, 0.62997870),
)
TO_LAB = (
    (0.21045426, 0.79361779, -0.00407205),
    (1.97799850, -2.42859221, 0.45059371),
    (0.02590404, 0.78277177, -0.80867577),
)


def palettes() -> dict[str, list[str]]:
    text = (PAGE / "map" / "looks.js").read_text()
    found = re.search(r"const COLOURS = \{(.*?)\};", text, re.DOTALL)
    assert found
    return {
        name: re.findall("#[0-9a-f]{6}", line) for name, line in re.findall(r"(\w+): \[(.*?)\]", found[1])
    }


def linear(colours: list[str]) -> np.ndarray:
    values = np.array([[int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)] for one in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colours: list[str], eyes: tuple) -> np.ndarray:
    light = np.clip(linear(colours) @ np.transpose(eyes), 0, 1)
    return np.cbrt(light @ np.transpose(TO_CONES)) @ np.transpose(TO_LAB)


@pytest.mark.parametrize("name", BACKGROUNDS)
@pytest.mark.parametrize("eyes", EYES)
def test_ten_colours_are_apart(name: str, eyes: str) -> None:
    colours = palettes()[name]
    assert len(colours) == 10
    lab = seen(colours, EYES[eyes])
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(lab, 2)) > LEAST


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_each_stands_out_from_its_background(name: str) -> None:
    luminance = linear([*palettes()[name], BACKGROUNDS[name]]) @ [0.2126, 0.7152, 0.0722] + 0.05
    ratios = np.maximum(luminance[:-1], luminance[-1]) / np.minimum(luminance[:-1], luminance[-1])
    assert ratios.min() > 1.9


def test_pictures_have_the_colours_of_the_page() -> None:
    assert list(LABEL_COLOURS) == palettes()["light"]
    assert len(set(LABEL_MARKERS)) == 5
