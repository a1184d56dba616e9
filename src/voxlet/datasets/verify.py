"""Verifying a data set: each object has its digest; each clip can be decoded, is marked and in its place."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlet.datasets.build import PLAN, REJECTED
from voxlet.datasets.card import AGAIN, CARD, README, describe, readme
from voxlet.datasets.encoding import decode
from voxlet.datasets.formats.interface import formats
from voxlet.datasets.plan import read_plan
from voxlet.datasets.record import RECORDS, read_record, record_of
from voxlet.errors import FileError
from voxlet.speak.manner import USUAL

if TYPE_CHECKING:
    from voxlet.datasets.plan import Plan, Planned, Shard
    from voxlet.datasets.record import Record
    from voxlet.datasets.stores import Store

MOST_TOLD = 20  # problems that are kept as texts


@dataclass
class Verdict:
    """What verification found: how many clips, shards and bytes, and what is wrong, in sentences."""

    clips: int = 0
    rejected: int = 0
    shards: int = 0
    bytes: int = 0
    wrong: int = 0
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # shards that exist and have problems
    splits_of: dict[str, str] = field(default_factory=dict)  # the split of each speaker

    def add(self, where: str, problem: str) -> None:
        """Note a problem of an existing shard, whose record has to be removed to make the shard again."""
        if where not in self.broken:
            self.broken.append(where)
        self.add_missing(where, problem)

    def add_missing(self, where: str, problem: str) -> None:
        """Note a problem that is solved by repeating the command that made the data set."""
        self.wrong += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append(f"{where}: {problem}")

    def checked(self, store: Store) -> None:
        """Raise an error if anything is wrong with the data set.

        Raises:
            FileError: Names the first problem, and the shards that have to be made again.
        """
        if not self.wrong:
            return
        more = f" and {self.wrong - 1} more" if self.wrong > 1 else ""
        shards = ", ".join(f"{RECORDS}/{name}.json" for name in self.broken)
        raise FileError(
            f"{self.problems[0]}{more}",
            where=store.place,
            remedy=f"remove {shards}, then {AGAIN}" if shards else AGAIN,
        )


def verify(store: Store) -> Verdict:
    """Verify all of a data set, with one shard in memory at a time.

    Raises:
        FileError: There is no data set, or it cannot be read.
        ConfigError: A shard was made by another plan.
    """
    text = store.get(PLAN)
    if text is None:
        raise FileError("holds no data set", where=store.place, remedy="give the folder or URL of one")
    try:
        plan = read_plan(text)
    except ValueError as error:
        raise FileError(
            f"is not the plan of a data set ({error})",
            where=f"{store.place}/{PLAN}",
            remedy=f"remove it, then {AGAIN}",
        ) from error
    verdict, described = Verdict(), []
    for shard in plan.shards():
        found = store.get(record_of(shard))
        if found is None:
            verdict.add_missing(shard.name, "has not been made")
            continue
        try:
            record = read_record(found)
        except ValueError:
            verdict.add(shard.name, f"its record {record_of(shard)} is damaged")
            continue
        record.check_plan(plan, f"{store.place}/{record_of(shard)}")
        described.append(record)
        _shard(plan, shard, record, store, verdict)
    if not verdict.wrong:
        _described(plan, described, store, verdict)
    return verdict


def _shard(plan: Plan, shard: Shard, record: Record, store: Store, verdict: Verdict) -> None:
    objects: dict[str, bytes] = {}
    for name, (size, digest) in record.objects.items():
        data = store.get(name)
        if data is None:
            verdict.add(shard.name, f"{name} is missing")
        elif len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            verdict.add(shard.name, f"{name} differs from what was written")
        else:
            objects[name] = data
            verdict.bytes += size
    verdict.shards += 1
    indices: list[int] = []
    counted = Counter[str]()
    format_ = formats()[plan.format]
    for rejected in (False, True):
        names = [name for name in objects if name.startswith(REJECTED) == rejected]
        for sound in format_.clips(names, objects.__getitem__):
            planned = _clip(plan, shard, sound, verdict)
            if planned is not None:
                indices.append(planned.index)
                verdict.rejected += rejected
                verdict.clips += not rejected
                counted[REJECTED if rejected else planned.label] += 1
    if len(objects) < len(record.objects):
        return
    if sorted(indices) != list(range(shard.start, shard.stop)):
        verdict.add(shard.name, "holds clips other than the planned ones")
    refused = counted.pop(REJECTED, 0)
    if (record.clips, record.rejected, record.labels) != (counted.total(), refused, dict(counted)):
        verdict.add(shard.name, "its record does not match the number of its clips")


def _clip(plan: Plan, shard: Shard, sound: bytes, verdict: Verdict) -> Planned | None:
    """The plan of a clip, None if it does not belong to the shard; other problems are noted."""
    try:
        samples, rate, facts = decode(sound)
        index = int(str(facts["index"]))
    except (ValueError, KeyError) as error:
        verdict.add(shard.name, f"a clip cannot be decoded ({error})")
        return None
    where = f"clip {index}"
    if not shard.start <= index < shard.stop:
        verdict.add(shard.name, f"{where} belongs to another shard")
        return None
    planned = plan.clip(index)
    for key in ("label", "word", "speaker"):
        if facts.get(key) != getattr(planned, key):
            verdict.add(shard.name, f"{where} its {key} is {facts.get(key)!r}, not {getattr(planned, key)!r}")
    for key in USUAL:
        if facts.get(key) != round(getattr(planned.manner, key), 4):
            verdict.add(shard.name, f"{where} its {key} is {facts.get(key)!r}: it was made by another plan")
    if facts.get("synthetic") is not True:
        verdict.add(shard.name, f"{where} does not say that it is synthetic")
    if rate != plan.rate or not len(samples) or not samples.any():
        verdict.add(shard.name, f"{where} is silent, or its rate is not {plan.rate} Hz")
    if verdict.splits_of.setdefault(planned.speaker, shard.split) != shard.split:
        verdict.add(
            shard.name,
            f"{where} its speaker {planned.speaker} is in {verdict.splits_of[planned.speaker]}, too",
        )
    return planned


def _described(plan: Plan, found: list[Record], store: Store, verdict: Verdict) -> None:
    """Check that the card and the lists of clips match the shards, all of which are intact."""

    def get(name: str) -> bytes:
        return store.get(name) or b""

    text = store.get(CARD)
    if text is None:
        verdict.add_missing(CARD, "is missing")
        return
    try:
        card = json.loads(text)
        wanted = describe(plan, card["voice"], found)
        about = readme(plan, wanted).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        verdict.add_missing(CARD, "is not the card of a data set")
        return
    if card != wanted:
        verdict.add_missing(CARD, "does not match the shards")
    for name, content in (*formats()[plan.format].finish(plan, get), (README, about)):
        if store.get(name) != content:
            verdict.add_missing(name, "differs from what was written")
