"""Metrics of a running server for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from voxlet.serving.limits import Turns

SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self, turns: Turns) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "voxlet_requests", "Answered requests", ("route", "status"), registry=registry
        )
        self.answer = Histogram(
            "voxlet_answer_seconds",
            "From a request to the end of its answer",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.first_piece = Histogram(
            "voxlet_first_piece_seconds",
            "Until the first piece of a sound is made",
            buckets=SECONDS,
            registry=registry,
        )
        self.words = Counter("voxlet_words", "Words said", registry=registry)
        self.seconds_of_sound = Counter("voxlet_sound_seconds", "Sound made", registry=registry)
        for name, what, count in (
            ("serving", "Answers that are being made and sent", lambda: turns.serving),
            ("waiting", "Requests that wait for their turn", lambda: turns.waiting),
        ):
            Gauge(f"voxlet_{name}", what, registry=registry).set_function(count)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
