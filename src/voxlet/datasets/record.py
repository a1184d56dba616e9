"""A shard's record: what the shard holds, written once it is complete. Plan and records make up the card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from voxlet.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.datasets.plan import Plan, Shard

RECORDS = "shards"


@dataclass(frozen=True)
class Record:
    """What a shard holds.

    Attributes:
        shard: Name of the shard.
        clips: Number of accepted clips.
        rejected: Number of clips that the check rejected.
        seconds: Total duration of the accepted clips.
        labels: Number of accepted clips of each label.
        objects: Size in bytes and SHA-256 of each object, by its name.
        made_with: What decided the bytes besides the plan; see `voxlet.datasets.versions.made_with`.
        plan: The plan's key; empty in records of earlier versions.
    """

    shard: str
    clips: int
    rejected: int
    seconds: float
    labels: dict[str, int]
    objects: dict[str, tuple[int, str]]
    made_with: Mapping[str, Any]
    plan: str = ""

    def to_json(self) -> bytes:
        """The record as JSON, the same for equal records."""
        return json.dumps(asdict(self)).encode()

    def check_plan(self, plan: Plan, where: str) -> None:
        """Check that the shard was made by this plan, as far as the record says.

        Args:
            plan: The plan of the data set.
            where: The record's name in the error.

        Raises:
            ConfigError: It was made by another plan.
        """
        if self.plan not in ("", plan.key):
            raise ConfigError(
                "belongs to another data set",
                where=where,
                remedy="make the data set again, in another folder: --out FOLDER",
            )


def read_record(data: bytes) -> Record:
    """Read a record that `Record.to_json` wrote.

    Raises:
        ValueError: The data is not a record, or is incomplete.
    """
    try:
        raw = json.loads(data)
        return Record(
            str(raw["shard"]),
            int(raw["clips"]),
            int(raw["rejected"]),
            float(raw["seconds"]),
            {str(label): int(count) for label, count in raw["labels"].items()},
            {str(name): (int(size), str(digest)) for name, (size, digest) in raw["objects"].items()},
            {name: raw["made_with"][name] for name in ("versions", "processor", "instructions")},
            str(raw.get("plan", "")),
        )
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not the record of a shard ({error})") from error


def record_of(shard: Shard) -> str:
    """The name of the object that holds a shard's record."""
    return f"{RECORDS}/{shard.name}.json"
