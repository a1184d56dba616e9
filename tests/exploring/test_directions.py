"""What latent numbers stand for, and directions: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from some_clips import some_clips, without_real
from voxlet.corpus.speakers import SpeakerMetadata
from voxlet.errors import ConfigError
from voxlet.exploring.directions import (
    Property,
    explained,
    find_directions,
    in_voice_of,
    meanings,
    properties,
    steered,
)


def test_a_property_explains_all_nothing_or_its_share() -> None:
    rng = np.random.default_rng(0)
    told = rng.standard_normal(4000)
    noise = rng.standard_normal(4000)
    assert explained(3 * told + 1, Property("p", told)) == pytest.approx(1.0)
    assert explained(noise, Property("p", told)) == pytest.approx(0.0, abs=0.003)
    assert explained(told + noise, Property("p", told)) == pytest.approx(0.5, abs=0.03)
    groups = rng.integers(0, 4, 4000).astype(float)
    assert explained(groups, Property("g", groups, ("a", "b", "c", "d"))) == pytest.approx(1.0)
    assert explained(np.zeros(4000), Property("p", told)) == 0.0


def test_random_names_explain_nothing_however_many_there_are() -> None:
    rng = np.random.default_rng(0)
    shares = [
        explained(rng.standard_normal(60), Property("g", rng.integers(0, 20, 60).astype(float), ("x",) * 20))
        for _ in range(200)
    ]
    assert np.mean(shares) < 0.08  # unadjusted it would be a third


def test_numbers_are_named_after_what_moves_them() -> None:
    clips = some_clips(240, generated=40)
    found = {one.unit: one for one in meanings(clips, properties(clips))}
    assert [found[unit].shares[0][0] for unit in range(3)] == ["length", "speaker", "label"]
    assert all(found[unit].shares[0][1] > 0.9 for unit in range(3))
    assert str(found[1]).startswith("unit 2: speaker 9")
    assert meanings(clips, properties(clips))[-1].unit == 3  # noise comes last


@pytest.mark.slow
def test_directions_lead_where_the_property_grows() -> None:
    clips = some_clips(240, generated=40)
    found = {one.name: one for one in find_directions(clips, properties(clips))}
    assert {"length", "speaker ann", "speaker bob"} <= set(found)
    assert "label" not in found
    np.testing.assert_allclose(found["speaker bob"].vector, [0, 1, 0, 0], atol=0.15)
    np.testing.assert_allclose(found["speaker ann"].vector, [0, -1, 0, 0], atol=0.15)
    length = found["length"].vector
    assert length[0] > 0.8
    assert np.abs(length[1:]).max() < 0.15
    assert found["speaker ann"].read > 0.99
    assert found["length"].read > 0.9
    np.testing.assert_allclose(steered(np.zeros(4), found["length"], -2.0), -2 * length)


@pytest.mark.slow
def test_a_clip_in_another_voice_keeps_all_but_the_speaker() -> None:
    clips = some_clips(240, generated=40)
    rows = np.flatnonzero(clips.speakers == 0)[:10]
    moved = in_voice_of(clips, rows, find_directions(clips, properties(clips)), "bob")
    np.testing.assert_allclose((moved - clips.latents[rows])[:, 1], 2.0, atol=0.2)
    np.testing.assert_allclose(moved[:, [0, 2]], clips.latents[rows][:, [0, 2]], atol=0.2)
    with pytest.raises(ConfigError, match="too few clips of 'eve'"):
        in_voice_of(clips, rows, (), "eve")


def test_what_a_corpus_says_of_its_speakers_is_a_property_too() -> None:
    clips = some_clips()
    said = {"ann": SpeakerMetadata(gender="female", age=30), "bob": SpeakerMetadata(gender="male", age=50)}
    found = {one.name: one for one in properties(clips, said)}
    assert found["gender"].names == ("female", "male")
    assert set(found["age"].values[:100]) == {30.0, 50.0}
    assert np.isnan(found["age"].values[-20:]).all()  # of generated clips
    assert "accent" not in found


def test_without_recordings_generated_clips_tell() -> None:
    found = {one.name: one for one in properties(without_real(some_clips()))}
    assert np.isfinite(found["length"].values).all()
