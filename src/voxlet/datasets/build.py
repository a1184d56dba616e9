"""From a plan to a data set: an engine makes the shards; each appears whole, and finished ones are kept.

A shard counts as made once its record is there, which is written after its objects. If the command is killed
at any point, the same command continues and ends with the same bytes: none depend on time or chance.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlet.datasets.card import AGAIN, finish, intact_record
from voxlet.datasets.clips import make_clips, opened_voice
from voxlet.datasets.encoding import encode
from voxlet.datasets.formats.interface import Encoded, formats
from voxlet.datasets.plan import Plan, Shard, read_plan
from voxlet.datasets.record import RECORDS, Record, record_of
from voxlet.datasets.versions import made_with
from voxlet.engines.versions import refuse_others
from voxlet.errors import ConfigError, FileError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.datasets.check import Check
    from voxlet.datasets.clips import Made
    from voxlet.datasets.stores import Store
    from voxlet.engines.engine import Engine
    from voxlet.engines.versions import Versions
    from voxlet.speak.voice import Voice

PLAN, REJECTED = "plan.json", "rejected/"
ELSEWHERE = "give --out another folder"
AT_ONCE = 50  # clips whose samples are in memory


@dataclass(frozen=True)
class MakeShard:
    """The task of a worker: make the clips of a shard, write them and then the shard's record.

    It holds all that a process on another machine needs. A worker that would make other bytes refuses it.
    """

    plan: Plan
    voice: bytes
    store: Store
    versions: Versions

    def __call__(self, shard: Shard) -> Counter[str]:
        """Make one shard; return its numbers of clips, rejected clips and bytes.

        Raises:
            VoxletError: This worker has other versions installed, or the store cannot be written.
        """
        own = made_with(self.plan)
        refuse_others(own["versions"], self.versions)
        voice = opened_voice(self.voice)
        check = opened_check(self.plan)
        format_ = formats()[self.plan.format]
        taken: dict[bool, list[Encoded]] = {True: [], False: []}
        for start in range(shard.start, shard.stop, AT_ONCE):
            for made in make_clips(self.plan, voice, start, min(start + AT_ONCE, shard.stop)):
                accepted = check is None or check.takes(made)
                taken[accepted].append(encoded(voice, made, format_.sound))
        sealed: dict[str, tuple[int, str]] = {}
        for accepted, clips in taken.items():
            if not clips and not accepted:
                continue
            for name, content in format_.objects(self.plan, shard, clips):
                path = name if accepted else REJECTED + name
                self.store.put(path, content)
                sealed[path] = (len(content), hashlib.sha256(content).hexdigest())
        counts = Counter(
            clips=len(taken[True]),
            rejected=len(taken[False]),
            bytes=sum(len(clip.sound) for clip in taken[True]),
        )
        record = Record(
            shard=shard.name,
            clips=counts["clips"],
            rejected=counts["rejected"],
            seconds=round(sum(float(str(clip.facts["seconds"])) for clip in taken[True]), 3),
            labels=dict(Counter(str(clip.facts["label"]) for clip in taken[True])),
            objects=sealed,
            made_with=own,
            plan=self.plan.key,
        )
        self.store.put(record_of(shard), record.to_json())
        return counts


def encoded(voice: Voice, made: Made, kind: str) -> Encoded:
    """A clip as it is written: its facts, and the bytes of a sound file."""
    facts = made.facts(voice.name)
    return Encoded(facts, encode(made.samples, made.rate, kind, facts))


@functools.lru_cache(1)
def opened_check(plan: Plan) -> Check | None:
    """The check that a plan asks for, opened once in each process; None if it asks for none."""
    if plan.check is None:
        return None
    from voxlet.datasets.check import Check

    return Check(plan)


def make_dataset(
    plan: Plan, voice: bytes, store: Store, engine: Engine, *, progress: bool = True
) -> dict[str, Any]:
    """Make a data set, or continue one, and return its card.

    Args:
        plan: What the data set holds.
        voice: The bytes of the voice's file.
        store: Where the data set is written.
        engine: What runs the work.
        progress: Show a progress bar on standard error.

    Raises:
        ConfigError: The store holds another data set.
        FileError: The store is full or cannot be reached; what is written stays.
        LockedError: Another process is making the data set, or a part of it.
        VoxletError: Workers die, or have other versions.
    """
    opened_check(plan)  # its errors come before anything is written
    with store.locked():
        store.clear()
        begin(plan, store)
        make_shards(plan, voice, store, engine, plan.shards(), progress=progress)
        return finish(plan, voice, store)


def make_part(
    plan: Plan, voice: bytes, store: Store, engine: Engine, *, part: tuple[int, int], progress: bool = True
) -> list[Shard]:
    """Make one part of a data set's shards, while others make the rest; return the part's shards.

    `make_dataset` with the same arguments finds the shards of all parts, and finishes the data set.

    Args:
        plan: What the data set holds.
        voice: The bytes of the voice's file.
        store: Where the data set is written.
        engine: What runs the work.
        part: The number of this part, counted from 0, and the number of parts, which take shards in turn.
        progress: Show a progress bar on standard error.

    Raises:
        ConfigError: The store holds another data set.
        FileError: The store is full or cannot be reached; what is written stays.
        LockedError: Another process is making this part.
        VoxletError: Workers die, or have other versions.
    """
    number, count = part
    opened_check(plan)
    with store.locked(f"{number}-of-{count}"):
        begin(plan, store)
        own = plan.shards()[number::count]
        make_shards(plan, voice, store, engine, own, progress=progress)
        return own


def make_shards(
    plan: Plan, voice: bytes, store: Store, engine: Engine, shards: Sequence[Shard], *, progress: bool
) -> None:
    """Make those of the shards that have no record yet.

    Raises:
        FileError: The store is full or cannot be reached; what is written stays.
        VoxletError: Workers die, or have other versions.
    """
    tqdm = import_extra("tqdm", "dataset").tqdm
    made = store.names(RECORDS)
    left = [shard for shard in shards if f"{shard.name}.json" not in made]
    versions = tuple(sorted(made_with(plan)["versions"].items()))
    task = MakeShard(plan, voice, store, versions)
    total, missing = (sum(shard.stop - shard.start for shard in some) for some in (shards, left))
    bar = tqdm(
        total=total,
        initial=total - missing,
        unit="clip",
        desc="clips",
        disable=None if progress else True,
    )
    with bar:
        for counts in engine.results(task, left):
            bar.update(counts["clips"] + counts["rejected"])


def begin(plan: Plan, store: Store) -> None:
    """Write the plan, unless it is there already; a lost one only if all finished shards were made by it.

    Raises:
        ConfigError: The store holds another plan, shards of another plan, or something other than a data set.
        FileError: The plan or a record in the store is damaged, or the store is full or cannot be reached.
    """
    there = store.get(PLAN)
    if there is None and not store.is_empty():
        there = store.get(PLAN)  # another part may have begun just now
        if there is None:
            _check_shards(plan, store)
    if there is None:
        store.put(PLAN, plan.to_json().encode())
        return
    try:
        other = json.loads(read_plan(there).to_json())
    except ValueError:
        raise FileError(
            "is not the plan of a data set",
            where=f"{store.place}/{PLAN}",
            remedy=f"remove it, then {AGAIN}" if store.names(RECORDS) else ELSEWHERE,
        ) from None
    own = json.loads(plan.to_json())
    if differing := [name for name in {**own, **other} if own.get(name) != other.get(name)]:
        name = differing[0]
        raise ConfigError(
            f"holds a data set with another {name} ({other.get(name)!r:.60}, not {own.get(name)!r:.60})",
            where=store.place,
            remedy=ELSEWHERE,
        )


def _check_shards(plan: Plan, store: Store) -> None:
    """Check that a store without a plan holds shards, and only those of `plan`.

    Raises:
        ConfigError: It holds none, or one that another plan made or an earlier version, which did not say.
        FileError: A record is damaged, or the store cannot be reached.
    """
    names = [f"{RECORDS}/{name}" for name in sorted(store.names(RECORDS)) if name.endswith(".json")]
    if not names:
        raise ConfigError("holds something other than a data set", where=store.place, remedy=ELSEWHERE)
    for name in names:
        found = store.get(name)
        if found is not None and intact_record(found, f"{store.place}/{name}").plan != plan.key:
            raise ConfigError(
                f"holds no {PLAN}, and {name} is not marked as made with these options",
                where=store.place,
                remedy="give the options that it was made with, or --out another folder",
            )
