"""A shard's record: what it holds, written when all of it is there. With the plan it tells the card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.datasets.plan import Plan, Shard

RECORDS = "shards"


@dataclass(frozen=True)
class Record:
    """What a shard holds.

    Attributes:
        shard: Its name.
        clips: That were taken.
        rejected: That the check did not take.
        seconds: Of the clips that were taken.
        labels: How many of each.
        objects: Bytes and SHA-256 of each object, by its name.
        made_with: What else decided the bytes; see `made_with`.
    """

    shard: str
    clips: int
    rejected: int
    seconds: float
    labels: dict[str, int]
    objects: dict[str, tuple[int, str]]
    made_with: Mapping[str, Any]

    def to_json(self) -> bytes:
        """The record as JSON, the same for equal records."""
        return json.dumps(asdict(self)).encode()


def read_record(data: bytes) -> Record:
    """What `Record.to_json` wrote.

    Raises:
        ValueError: It is no record, or a part of one.
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
        )
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not the record of a shard ({error})") from error


def record_of(shard: Shard) -> str:
    """Where a shard's record lies."""
    return f"{RECORDS}/{shard.name}.json"


def records(plan: Plan) -> list[str]:
    """Where the records of all shards lie."""
    return [record_of(shard) for shard in plan.shards()]
