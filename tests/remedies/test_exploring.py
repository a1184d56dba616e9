"""Following the remedies in messages about maps and walks."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from messages import message
from some_clips import some_clips
from voxlet.errors import ConfigError, MissingExtraError
from voxlet.exploring.clips import dataset_of, gather
from voxlet.exploring.projection import project
from voxlet.exploring.reconstruct import reconstruct
from voxlet.exploring.tour import ends_of, typical
from voxlet.exploring.walks import between
from voxlet.recipes.opened import load

follows = pytest.mark.follows
HERE, THERE = np.zeros(3), np.ones(3)


@follows("exploring/walks.py: use two or more")
def test_too_few_steps() -> None:
    assert "use two" in message(ConfigError, between, HERE, THERE, 1)
    assert len(between(HERE, THERE, 2)) == 2


@follows("exploring/walks.py: use straight or spherical")
def test_ways_that_there_are() -> None:
    said = message(ConfigError, between, HERE, THERE, 3, "round").partition("use ")[2]
    for way in said.split(" or "):
        assert len(between(HERE, THERE, 3, way)) == 3


@follows("exploring/projection.py: use linear, tsne or umap")
@follows("exploring/projection.py: use linear")
def test_projections_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("umap", "openTSNE"):  # whether or not they are installed
        monkeypatch.setitem(sys.modules, package, sys.modules[__name__])
    few = np.random.default_rng(0).standard_normal((8, 4))
    kinds = re.split(", | or ", message(ConfigError, project, few, "isomap").partition("use ")[2])
    for kind in kinds[1:]:
        said = message(ConfigError, project, few, kind).partition("use ")[2]
        assert project(few, said).places.shape == (8, 2)


@follows("exploring/projection.py: install it with: pip install umap-learn")
def test_umap_is_installed_by_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    latents = np.random.default_rng(0).standard_normal((40, 4))
    monkeypatch.setitem(sys.modules, "umap", None)
    assert "umap-learn" in message(MissingExtraError, project, latents, "umap")

    class UMAP:  # as in the package
        def __init__(self, random_state: int) -> None: ...

        def fit_transform(self, given: np.ndarray) -> np.ndarray:
            return given[:, :2]

    monkeypatch.setitem(sys.modules, "umap", sys.modules[__name__])
    monkeypatch.setattr(sys.modules[__name__], "UMAP", UMAP, raising=False)
    assert np.array_equal(project(latents, "umap").places, latents[:, :2])


@follows("exploring/tour.py: use words: …")
def test_words_to_walk_between() -> None:
    clips, voice = some_clips(), load("digits")
    words = message(ConfigError, ends_of, voice, clips, "nobody", "one").partition("words: ")[2].split(", ")
    assert len(ends_of(voice, clips, words[0], words[1])[0]) == 2


@follows("exploring/tour.py: ask for more clips")
def test_a_word_without_a_clip() -> None:
    few, many = some_clips(3, generated=0), some_clips(30, generated=0)
    labels = np.zeros(3, np.int64)
    few = replace(few, labels=labels)
    assert "more clips" in message(ConfigError, typical, few, few.labels == 1)
    assert many.labels[typical(many, many.labels == 1)] == 1


@pytest.mark.slow
@follows("exploring/clips.py: ask for ten or more")
@follows("exploring/clips.py: leave it out")
@follows("exploring/reconstruct.py: the words are: …")
def test_clips_of_a_map(runs: Path) -> None:
    run = load(runs / "plain")
    assert "ten" in message(ConfigError, gather, run, 9, progress=False)
    clips = gather(run, 10, progress=False)
    assert len(clips) == 10
    assert "leave it out" in message(ConfigError, dataset_of, run, "fsdd")
    assert dataset_of(run, None) is not None
    sound = next((runs / "tones").glob("*.wav"))
    said = message(ConfigError, reconstruct, run, sound, clips, label="ten").partition("the words are: ")[2]
    for word in said.split(", "):
        assert reconstruct(run, sound, clips, label=word).label == word
