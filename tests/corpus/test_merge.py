"""Merging several corpora, and the recordings that a base is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic import word, write_clip
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.merge import credit_of, merge


def test_labels_are_kept_apart_by_language_and_speakers_by_corpus(tmp_path):
    corpora = []
    for name, language in (("a", "en"), ("b", "ar")):
        for label in ("one", "two"):
            for take in range(2):
                path = tmp_path / name / f"{label}_ann_{take}.wav"
                path.parent.mkdir(exist_ok=True)
                write_clip(path, word(len(label), 0, take + 5 * (name == "b")), 8000)
        corpora.append(open_corpus(tmp_path / name, language=language))

    def keep(name, clip):
        return (name, clip.label) != ("b", "two")

    merged = merge("all", corpora, keep)
    assert merged.labels == ("ar:one", "en:one", "en:two")
    assert merged.speakers == ("a/ann", "b/ann")
    assert (len(merged.clips), merged.language) == (6, "mul")
    assert merge("all", corpora[::-1], keep).digest == merged.digest
    assert merge("all", corpora, lambda name, clip: True).digest != merged.digest


@pytest.mark.parametrize(("silent", "lost"), [(0, []), (1, []), (2, ["en:one"])])
def test_a_label_is_lost_where_no_take_can_be_used_not_where_it_is_kept_back(tmp_path, silent, lost):
    for label in ("one", "two"):
        for take in range(2):
            samples = word(len(label), 0, take) * (label != "one" or take >= silent)
            write_clip(tmp_path / f"{label}_ann_{take}.wav", samples, 8000)
    corpus = open_corpus(tmp_path, language="en", allow_rejected=True)
    assert list(merge("all", [corpus], lambda name, clip: True).lost_labels) == lost
    if silent < 2:
        assert not merge("all", [corpus], lambda name, clip: clip.label == "two").lost_labels


def test_all_that_a_base_learns_from_is_credited():
    credit = credit_of("base")
    assert credit["licence"] == "CC BY 4.0"
    assert all(name in credit["credit"] for name in ("Becker", "Warden", "Ghandoura"))
    assert credit_of("my_words") == {}


@pytest.mark.slow
def test_the_bases_recordings(voxlet_data):
    base = open_corpus("base")
    labels = {clip.label for clip in base.clips}
    assert {"en:zero", "ar:zero", "ar:zoom out"} <= labels
    assert not labels & {"ar:yes", "ar:no", "ar:eight", "ar:nine", "ar:zoom in"}
    assert not {clip.speaker.partition("/")[0] for clip in base.clips} & {"fsdd"}
    counts = np.array([sum(clip.speaker.startswith(name) for clip in base.clips) for name in
                       ("audiomnist/", "speech_commands/", "arabic_speech_commands/")])  # fmt: skip
    assert counts.sum() == len(base.clips)
    assert (counts > 300).all()
