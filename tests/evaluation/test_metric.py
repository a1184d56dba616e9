"""The catalogue of metrics: consistent keys, and values as they are printed in tables."""

from __future__ import annotations

import re

import pytest

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE, PART_TITLES, Metric, metrics_of, show


def test_keys_are_dotted_words_and_titles_tell_metrics_apart():
    for key, metric in CATALOGUE.items():
        assert key == metric.key
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", key)
    titles = [metric.title for metric in CATALOGUE.values()]
    assert len(set(titles)) == len(titles)
    assert all(len(title) < 44 for title in titles)  # of a table's column


def test_every_part_has_metrics_and_every_metric_a_part():
    assert {metric.part for metric in CATALOGUE.values()} == set(PART_TITLES)
    assert [metric.key for metric in metrics_of("speaker")] == [
        "speaker.accuracy",
        "speaker.similarity",
        "speaker.similarity.others",
    ]


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("share", Interval(0.953, 0.938, 0.964, 1000), "95.3 % [93.8, 96.4]"),
        ("share", Interval(0.7962, 0.7962, 0.7962, 300), "79.6 %"),
        ("MOS", Interval(2.521, 2.479, 2.571, 100), "2.52 [2.48, 2.57]"),
        ("ratio", Interval(0.9971, 0.994, 1.0, 300), "0.997 [0.994, 1.000]"),
        ("score", Interval(6440.2, 5756.4, 7124.0, 300), "6440 [5756, 7124]"),
        ("units", Interval(16, 16, 16, 16), "16"),
        ("MOS", "not enough clips", "not enough clips"),
        ("MOS", None, "-"),
    ],
)
def test_values_in_a_table(unit, value, shown):
    assert show(Metric("x.y", "x", unit, "higher"), value) == shown
