"""Splits and batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from synthetic import word, write_clip
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.corpus.splits import make_split, speaker_hash
from voxlet.errors import ConfigError
from voxlet.training.batches import epoch_order, in_turn

PLAIN = Preparation(rate=8000, outliers=None)


@pytest.fixture
def prepared(names_corpus):
    return prepare(open_corpus(names_corpus), PLAIN, progress=False)


def parts(split):
    return split.train, split.validation, split.test


def check_disjoint(prepared, split):
    rows = np.concatenate(parts(split))
    assert len(np.unique(rows)) == len(rows)
    contents = [{prepared.clip(row).tobytes() for row in part} for part in parts(split)]
    assert not contents[0] & contents[1]
    assert not contents[0] & contents[2]
    assert not contents[1] & contents[2]


def test_stratified_is_81_9_10_of_each_label(prepared):
    split = make_split(prepared)
    assert [len(part) for part in parts(split)] == [72, 9, 9]
    for part, count in zip(parts(split), (24, 3, 3), strict=True):
        assert list(np.bincount(prepared.labels[part])) == [count] * 3
    check_disjoint(prepared, split)


@pytest.mark.parametrize("kind", ["stratified", "official", "speakers"])
def test_the_seed_decides(prepared, kind):
    first, same, other = (make_split(prepared, kind, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(parts(first), parts(same), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(parts(first), parts(other), strict=True))
    check_disjoint(prepared, first)


def test_official_takes(prepared):
    split = make_split(prepared, "official")
    assert {int(prepared.clips[row].take) for row in split.test} == {0, 1, 2, 3, 4}
    others = np.concatenate([split.train, split.validation])
    assert {int(prepared.clips[row].take) for row in others} == {5, 6, 7, 8, 9}
    assert len(split.validation) == 6  # a tenth of 15 for each of three labels, rounded


def test_a_split_that_chooses_by_itself(prepared):
    assert make_split(prepared, "auto").kind == "stratified"
    known = replace(prepared, name="fsdd")
    chosen, official = make_split(known, "auto", seed=4), make_split(known, "official", seed=4)
    assert chosen.kind == "official"
    for one, two in zip(parts(chosen), parts(official), strict=True):
        np.testing.assert_array_equal(one, two)
    # None of these three speakers has a name whose hash means "test".
    assert make_split(replace(prepared, name="speech_commands"), "auto").kind == "speakers"


def test_speakers_are_disjoint(prepared):
    split = make_split(prepared, "speakers", held_out="bob")
    assert {prepared.clips[row].speaker for row in split.test} == {"bob"}
    assert {prepared.clips[row].speaker for row in split.train} == {"ann", "cyd"}
    assert len(split.test) == 30
    drawn = make_split(prepared, "speakers", seed=3)
    assert len({prepared.clips[row].speaker for row in drawn.test}) == 1


def test_many_speakers_share_nothing_with_validation_either(prepared):
    many = replace(
        prepared,
        speakers=np.arange(90) % 15,
        speaker_names=tuple(f"s{index}" for index in range(15)),
    )
    split = make_split(many, "speakers")
    people = [set(many.speakers[part]) for part in parts(split)]
    assert not people[0] & people[1]
    assert not people[0] & people[2]
    assert not people[1] & people[2]


def test_speech_commands_own_hash():
    """Values of the function `which_set` from the README of Speech Commands, for these speakers."""
    import hashlib
    import re

    def which_set(filename, validation=10.0, testing=10.0):
        maximum = 2**27 - 1
        name = re.sub(r"_nohash_.*$", "", filename)
        hashed = hashlib.sha1(name.encode()).hexdigest()
        share = (int(hashed, 16) % (maximum + 1)) * (100.0 / maximum)
        return (
            "validation" if share < validation else "testing" if share < testing + validation else "training"
        )

    for number in range(200):
        name = f"{number:08x}"
        share = speaker_hash(name)
        ours = "validation" if share < 10 else "testing" if share < 20 else "training"
        assert ours == which_set(f"{name}_nohash_{number % 5}.wav")


def test_speech_commands_official_split(prepared):
    names = [f"{number:08x}" for number in range(90)]
    clips = tuple(replace(clip, speaker=name) for clip, name in zip(prepared.clips, names, strict=True))
    renamed = replace(prepared, name="speech_commands", clips=clips)
    split = make_split(renamed, "official")
    assert all(10 <= speaker_hash(names[row]) < 20 for row in split.test)
    assert all(speaker_hash(names[row]) < 10 for row in split.validation)
    assert sum(map(len, parts(split))) == 90


def test_tables_divide(prepared):
    rows = ["test" if row % 5 == 0 else "validation" if row % 5 == 1 else "train" for row in range(90)]
    clips = tuple(replace(clip, part=part) for clip, part in zip(prepared.clips, rows, strict=True))
    for kind in ("official", "auto"):
        split = make_split(replace(prepared, clips=clips), kind)
        assert split.kind == "official"
        assert {rows[row] for row in split.test} == {"test"}
        assert {rows[row] for row in split.validation} == {"validation"}
        assert sum(map(len, parts(split))) == 90
    # Tables without a test set do not define a division.
    clips = tuple(replace(clip, part="train") for clip in prepared.clips)
    assert make_split(replace(prepared, clips=clips), "auto").kind == "stratified"


def test_what_is_held_out_is_not_trained_on_where_a_division_lacks_a_part(prepared):
    rows = ["validation" if row % 5 == 0 else "train" for row in range(90)]
    clips = tuple(replace(clip, part=part) for clip, part in zip(prepared.clips, rows, strict=True))
    split = make_split(replace(prepared, clips=clips), "auto")
    assert (split.kind, len(split.test)) == ("official", 0)
    assert {rows[row] for row in split.validation} == {"validation"}
    assert {rows[row] for row in split.train} == {"train"}
    clips = tuple(replace(clip, part="test") for clip in prepared.clips)
    with pytest.raises(ConfigError, match=r"leaves 0 of 90 clips to (train|validate) on"):
        make_split(replace(prepared, clips=clips), "auto")


def test_parts_by_any_of_their_names_and_what_is_none(tmp_path):
    names = ["Training set", "dev", "tset", ""]
    lines = []
    for number, name in enumerate(names):
        write_clip(tmp_path / f"{number}.wav", word(number, 0, 0))
        lines.append(f"{number}.wav,word,{name}\n")
    (tmp_path / "manifest.csv").write_text("path,label,split\n" + "".join(lines))
    corpus = open_corpus(tmp_path)
    assert [clip.part for clip in corpus.clips] == ["train", "validation", "", ""]
    assert "unknown parts, used for training: 'tset'" in corpus.layout


def test_the_same_recording_is_never_in_two_parts(tmp_path):
    """Make three copies of each clip under other take numbers, one of them re-encoded."""
    for take in range(12):
        samples = word(0, 0, take)
        for copy in range(3):
            name = f"a_b_{take + 20 * copy}"
            if copy == 2:
                exact, _ = soundfile.read(tmp_path / f"a_b_{take}.wav", dtype="int16")
                soundfile.write(tmp_path / f"{name}.flac", exact, 8000, subtype="PCM_16")
            else:
                write_clip(tmp_path / f"{name}.wav", samples, 8000)
    prepared = prepare(open_corpus(tmp_path), PLAIN, progress=False)
    assert len(prepared) == 36
    for kind in ("stratified", "official"):
        split = make_split(prepared, kind)
        check_disjoint(prepared, split)
        for part in parts(split):
            takes = {int(prepared.clips[row].take) % 20 for row in part}
            for other in parts(split):
                if other is not part:
                    assert not takes & {int(prepared.clips[row].take) % 20 for row in other}
    assert len(make_split(prepared).train) == 30  # 10 recordings, 3 copies each


@pytest.mark.parametrize(
    ("kind", "settings", "change", "expected"),
    [
        (
            "official",
            {},
            {"name": "audiomnist"},
            "'audiomnist' has no official division.*use the split 'speakers'",
        ),
        ("speakers", {"held_out": "zoe"}, {}, "no speaker is called 'zoe'; the speakers are: ann, bob, cyd"),
        ("stratified", {"held_out": "ann"}, {}, "held_out: goes only with the split 'speakers'"),
        ("random", {}, {}, "no split is called 'random'"),
        (
            "speakers",
            {},
            {"speakers": np.zeros(90, dtype=np.int64)},
            "names 1 speaker; use the split 'stratified'",
        ),
        (
            "official",
            {},
            {"name": "speech_commands"},
            "of 90 clips to .* on; use the split 'speakers' or 'stratified'",
        ),
    ],
)
def test_impossible_splits(prepared, kind, settings, change, expected):
    with pytest.raises(ConfigError, match=expected):
        make_split(replace(prepared, **change), kind, **settings)


@pytest.mark.follows("corpus/splits.py: give a whole number from 0")
@pytest.mark.parametrize("seed", [None, -1, 0.5, True, "1"])
def test_a_seed_that_fixes_no_split_is_refused(prepared, seed):
    for kind in ("stratified", "auto"):
        with pytest.raises(ConfigError, match=r"^seed: .* is not a seed; give a whole number from 0$"):
            make_split(prepared, kind, seed=seed)
    same = make_split(prepared, seed=np.int64(0)), make_split(prepared, seed=0)
    np.testing.assert_array_equal(same[0].test, same[1].test)


def test_takes_that_are_no_numbers_have_no_official_split(tmp_path):
    (tmp_path / "yes").mkdir()
    for take in range(3):
        write_clip(tmp_path / "yes" / f"clip{take}x.wav", word(0, 0, take), 8000)
    prepared = prepare(open_corpus(tmp_path), PLAIN, progress=False)
    with pytest.raises(ConfigError, match="has no official division"):
        make_split(prepared, "official")


def test_epochs_are_shuffled_by_seed_and_number_alone():
    rows = np.arange(10, 40)
    order = epoch_order(rows, seed=1, epoch=5)
    assert sorted(order) == list(rows)
    np.testing.assert_array_equal(order, epoch_order(rows, seed=1, epoch=5))
    assert (order != epoch_order(rows, seed=1, epoch=6)).any()
    assert (order != epoch_order(rows, seed=2, epoch=5)).any()


def test_in_turn():
    batches = list(in_turn(np.arange(7), 3))
    assert [list(batch) for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]


def test_untested_leaves_a_few_speakers_to_validate_with(prepared):
    names = tuple(f"speaker {number}" for number in range(200))
    speakers = np.arange(len(prepared)) % 200
    many = replace(prepared, speaker_names=names, speakers=speakers)
    split = make_split(many, "untested")
    assert (len(split.test), split.kind) == (0, "untested")
    assert len(split.train) + len(split.validation) == len(prepared)
    validating = {names[speakers[row]] for row in split.validation}
    assert validating == {name for name in names if speaker_hash(name) < 4} & {names[s] for s in speakers}


@pytest.mark.parametrize("kind", ["untested", "all"])
def test_of_few_speakers_all_are_trained_on(prepared, kind):
    chosen = next(name for name in map(str, range(1000)) if speaker_hash(name) < 4)
    alone = replace(prepared, speaker_names=(chosen,), speakers=np.zeros(len(prepared), dtype=np.int64))
    split = make_split(alone, kind)
    assert (len(split.train), len(split.validation), len(split.test)) == (len(prepared), 0, 0)
