"""The corpus stage on the real recordings."""

from __future__ import annotations

import numpy as np
import pytest

from voxlet.corpus.catalog import CATALOG
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.download import folder_digest
from voxlet.corpus.look.inspection import coverage, measure, summarise
from voxlet.corpus.prepare import TRIM_MARGIN, Preparation, prepare
from voxlet.corpus.splits import make_split
from voxlet.words.digits import DIGIT_WORDS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("voxlet_data")]


def test_fsdd_is_whole(voxlet_data):
    corpus = open_corpus("fsdd")
    assert (len(corpus.clips), corpus.rejected, corpus.labels) == (3000, (), DIGIT_WORDS)
    assert corpus.speakers == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert coverage(corpus).startswith("whole")
    assert folder_digest(voxlet_data / "fsdd") == (CATALOG["fsdd"].digest, 3000)


def test_fsdd_lengths_are_the_known_ones():
    corpus = open_corpus("fsdd")
    told = summarise(corpus, measure(corpus, progress=False))
    assert [round(told.seconds[p], 2) for p in (1, 50, 97, 99)] == [0.19, 0.42, 0.73, 0.92]
    assert told.hours * 60 == pytest.approx(21.9, abs=0.05)
    assert told.duplicates == []


def test_fsdd_at_the_studys_features():
    study = Preparation(length=0.8, trim=False, outliers=None)
    prepared = prepare(open_corpus("fsdd"), study, progress=False)
    assert prepared.rows.shape == (3000, 17640)
    for kind in ("stratified", "official"):
        split = make_split(prepared, kind)
        assert [len(split.train), len(split.validation), len(split.test)] == [2430, 270, 300]
    split = make_split(prepared, "speakers", held_out="theo")
    assert [len(split.train), len(split.validation), len(split.test)] == [2250, 250, 500]


def test_parts_of_the_others(voxlet_data):
    for name, clips, speakers in (("audiomnist", 512, 29), ("speech_commands", 3950, 650)):
        if not (voxlet_data / name).is_dir():
            pytest.skip(f"VOXLET_DATA holds no {name}")
        corpus = open_corpus(name)
        assert corpus.labels == DIGIT_WORDS
        assert (len(corpus.clips) + len(corpus.rejected), len(corpus.speakers)) == (clips, speakers)
        assert coverage(corpus).startswith(f"part of (here {clips:,} of {CATALOG[name].clips:,} clips)")
        assert {item.reason for item in corpus.rejected} <= {"is silent"}


def test_own_layouts_are_found_out(voxlet_data):
    for name in ("fsdd", "audiomnist", "speech_commands"):
        if (voxlet_data / name).is_dir():
            by_name, by_path = open_corpus(name), open_corpus(voxlet_data / name)
            doubts = tuple(note for note in by_path.notes if "its rate is probably" not in note)
            assert (by_path.digest, doubts) == (by_name.digest, ())


def test_arabic_speech_commands(voxlet_data):
    place = voxlet_data / "arabic_speech_commands"
    if not place.is_dir():
        pytest.skip("VOXLET_DATA holds no arabic_speech_commands")
    corpus = open_corpus("arabic_speech_commands")
    known = CATALOG["arabic_speech_commands"]
    assert set(corpus.labels) <= set(known.labels)
    assert len(known.labels) == 40
    assert (len(corpus.speakers), len(corpus.labels), corpus.rejected) == (30, 32, ())
    assert coverage(corpus).startswith("part of (here 6,240 of 12,000 clips)")
    who = {
        part: {clip.speaker for clip in corpus.clips if clip.part == part}
        for part in ("train", "validation", "test")
    }
    assert [len(speakers) for speakers in who.values()] == [18, 6, 6]
    assert not who["train"] & who["test"]
    names = open_corpus(place, layout="{label}/{speaker}_NO_{take}")
    assert (names.labels, names.speakers) == (corpus.labels, corpus.speakers)
    assert open_corpus(place / "dataset").labels == corpus.labels


def test_speech_commands_is_trimmed_to_words(voxlet_data):
    if not (voxlet_data / "speech_commands").is_dir():
        pytest.skip("VOXLET_DATA holds no speech_commands")
    prepared = prepare(open_corpus("speech_commands"), Preparation(rate=16000, outliers=None), progress=False)
    seconds = prepared.rows.lengths / prepared.rate - 2 * TRIM_MARGIN
    assert np.median(seconds) == pytest.approx(0.45, abs=0.05)
    assert np.percentile(seconds, 90) < 0.8
