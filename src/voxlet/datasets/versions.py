"""What decides the bytes of a clip besides the plan: versions of packages, and the kind of processor."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypedDict

from voxlet import machine
from voxlet.engines.versions import installed

if TYPE_CHECKING:
    from voxlet.datasets.plan import Plan

PACKAGES = ("numpy", "onnxruntime", "soxr", "soundfile")
OF_ROOMS = ("pyroomacoustics", "scipy")
OF_FORMAT = {"parquet": ("pyarrow",)}


class MadeWith(TypedDict):
    """Versions by package, and the processor's name and instruction sets."""

    versions: dict[str, str]
    processor: str
    instructions: list[str]


@functools.lru_cache(1)
def made_with(plan: Plan) -> MadeWith:
    """The versions and the processor of this machine; shared, so callers must not change them."""
    names = (*PACKAGES, *(OF_ROOMS if "rooms" in plan.effects else ()), *OF_FORMAT.get(plan.format, ()))
    processor = machine.processor()
    return {
        "versions": installed(*names),
        "processor": processor.name,
        "instructions": list(processor.instructions),
    }
