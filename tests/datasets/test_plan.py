from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voxlet.datasets.plan import PARTS, SPLITS, UNKNOWN, Plan, read_plan
from voxlet.errors import ConfigError

PLAN = Plan(
    voice="tiny", digest="0", count=2000, labels=("yes", "no", "stop"), rate=8000, seed=3,
    others=("go", "up"), unknown=0.25, ranges=(("speed", 0.8, 1.2),),
)  # fmt: skip


def clips(plan: Plan):
    return [plan.clip(index) for index in range(plan.count)]


def test_splits_labels_and_other_words_have_their_shares() -> None:
    found = clips(PLAN)
    assert Counter(clip.split for clip in found) == {"train": 1600, "validation": 200, "test": 200}
    for split in SPLITS:
        labels = Counter(clip.label for clip in found if clip.split == split)
        size = PLAN.sizes[split]
        assert labels[UNKNOWN] == size // 4
        assert max(labels[name] for name in PLAN.labels) - min(labels[name] for name in PLAN.labels) <= 1
        words = Counter(clip.word for clip in found if clip.split == split and clip.label == UNKNOWN)
        assert abs(words["go"] - words["up"]) <= 1
    assert all((clip.label == clip.word) != (clip.label == UNKNOWN) for clip in found)


@pytest.mark.parametrize("speakers", [(), tuple("abcdefg")])
def test_no_speaker_is_in_two_splits(speakers: tuple[str, ...]) -> None:
    plan = replace(PLAN, speakers=speakers)
    splits = defaultdict(set)
    for clip in clips(plan):
        splits[clip.speaker].add(clip.split)
        assert (clip.style is None) == bool(speakers)
    assert all(len(found) == 1 for found in splits.values())
    for split in SPLITS:
        assert plan.speaker_count(split) == sum(found == {split} for found in splits.values()) > 0
    if speakers:
        assert set(splits) == set(speakers)


def test_each_new_style_says_each_label_once() -> None:
    said = Counter((clip.speaker, clip.word) for clip in clips(PLAN))
    assert set(said.values()) == {1}
    assert len({clip.style for clip in clips(PLAN)}) == len({clip.speaker for clip in clips(PLAN)})


@pytest.mark.parametrize("speakers", [(), ("ann", "bob", "eve")])
def test_speeds_are_spread_evenly_over_each_label_and_speaker(speakers: tuple[str, ...]) -> None:
    plan = replace(PLAN, speakers=speakers)
    series = defaultdict(list)
    for clip in clips(plan):
        series[clip.split, clip.word, clip.speaker if speakers else ""].append(clip.manner.speed)
    for speeds in series.values():
        whole = len(speeds) // PARTS * PARTS
        assert whole >= PARTS
        for block in np.split(np.array(speeds[:whole]), whole // PARTS):
            parts = ((block - 0.8) / 0.4 * PARTS).astype(int)
            assert sorted(parts) == list(range(PARTS))
    # The order of one label is independent of another's.
    first, second = (
        series["train", word, "" if not speakers else plan.speakers_by_split["train"][0]]
        for word in ("yes", "no")
    )
    size = min(len(first), len(second))
    assert abs(np.corrcoef(first[:size], second[:size])[0, 1]) < 0.2


def test_shards_are_all_clips_once_and_each_of_one_split() -> None:
    plan = replace(PLAN, shard=333)
    indices = [index for shard in plan.shards() for index in range(shard.start, shard.stop)]
    assert indices == list(range(plan.count))
    assert len({shard.name for shard in plan.shards()}) == len(plan.shards())
    assert all({plan.clip(i).split for i in (s.start, s.stop - 1)} == {s.split} for s in plan.shards())


@given(st.integers(1, 150), st.integers(3, 9), st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0, 0.9))
def test_any_plan_is_whole(count: int, people: int, validation: float, test: float, unknown: float) -> None:
    plan = replace(
        PLAN, count=count, held_out=(validation, test), unknown=0.0, speakers=tuple("abcdefghi"[:people])
    )
    assume(unknown == 0 or any(int(size * unknown) for size in plan.sizes.values()))
    plan = replace(plan, unknown=unknown)
    found = clips(plan)
    assert [clip.index for clip in found] == list(range(count))
    assert Counter(clip.split for clip in found) == {k: n for k, n in plan.sizes.items() if n}
    people_of = {split: set(plan.speakers_by_split.get(split, ())) for split in SPLITS}
    assert sum(map(len, people_of.values())) == len(set.union(*people_of.values())) == people
    assert all(clip.speaker in people_of[clip.split] for clip in found)


def test_a_plan_is_the_same_after_json() -> None:
    assert read_plan(PLAN.to_json()) == PLAN
    for broken in ("[]", "{}", PLAN.to_json().replace('"count"', '"counts"'), "nonsense"):
        with pytest.raises(ValueError):  # noqa: PT011
            read_plan(broken)


def test_another_seed_gives_other_speakers_and_speeds() -> None:
    other = replace(PLAN, seed=4)
    assert [clip.manner for clip in clips(other)[:20]] != [clip.manner for clip in clips(PLAN)[:20]]


@pytest.mark.follows("datasets/plan.py: give some of …")
def test_effects_are_named_as_they_are() -> None:
    with pytest.raises(ConfigError, match=r"there is no effect 'room'; give some of rooms, noise, codecs$"):
        replace(PLAN, effects=("room",))
    assert replace(PLAN, effects=("rooms", "noise", "codecs")).effects


@pytest.mark.follows("datasets/plan.py: give a larger share, or a larger --count")
def test_a_class_without_a_clip_is_refused() -> None:
    few = replace(PLAN, count=20, held_out=(0.1, 0.1), unknown=0.0)
    with pytest.raises(
        ConfigError, match=r"--unknown: a share of 0.01 of 20 clips is less than one clip; give"
    ):
        replace(few, unknown=0.01)
    for changes in ({"unknown": 0.1}, {"unknown": 0.01, "count": 200}):
        plan = replace(few, **changes)
        assert any(plan.clip(index).label == "unknown" for index in range(plan.count))


@pytest.mark.parametrize(
    "changes",
    [{"count": 0}, {"rate": 10}, {"unknown": 1.0}, {"held_out": (0.9, 0)}, {"seconds": float("nan")},
     {"effects": ("room",)}, {"effects": ("noise", "noise")},
     {"ranges": (("speed", 0.1, 1),)}, {"ranges": (("speed", 1.2, 1),)}, {"seed": -1}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(changes: dict) -> None:
    with pytest.raises(ConfigError):
        replace(PLAN, **changes)


def test_what_has_no_range_differs_as_takes_do() -> None:
    plan = replace(PLAN, variation=(("speed", 0.2), ("pitch", 1.5)))
    found = clips(plan)
    assert [one.manner.speed for one in found] == [one.manner.speed for one in clips(PLAN)]
    assert np.std([one.manner.pitch for one in found]) == pytest.approx(1.5, rel=0.1)
    assert {one.manner.variation for one in [*found, *clips(PLAN)]} == {0.0}  # all of it is in the plan
    assert {one.manner.pitch for one in clips(PLAN)} == {0.0}
    assert read_plan(plan.to_json()) == plan


def test_plans_of_before_takes_differed_are_read() -> None:
    assert "variation" not in json.loads(PLAN.to_json())  # cards and keys of plans without it do not change
    assert read_plan(PLAN.to_json()) == PLAN
