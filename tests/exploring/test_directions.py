"""The meanings of latent dimensions, and directions in latent space, with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from some_clips import some_clips, without_real
from voxlet.corpus.speakers import SpeakerMetadata
from voxlet.errors import ConfigError
from voxlet.exploring.clips import Clips
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


def test_a_clip_in_another_voice_keeps_all_but_the_speaker() -> None:
    clips = some_clips(240, generated=40)
    rows = np.flatnonzero(clips.speakers == 0)[:10]
    moved = in_voice_of(clips, rows, "bob")
    np.testing.assert_allclose((moved - clips.latents[rows])[:, 1], 2.0, atol=0.2)
    np.testing.assert_allclose(moved[:, 2], clips.latents[rows][:, 2], atol=0.2)
    np.testing.assert_allclose(moved[:, 0], clips.latents[rows][:, 0], atol=0.5)  # they speak as long
    with pytest.raises(ConfigError, match="too few clips of 'eve'"):
        in_voice_of(clips, rows, "eve")


def test_a_clip_goes_to_the_same_place_among_the_others_takes_of_its_word() -> None:
    """Bob says `one` differently from the others, and his takes vary twice as much."""
    clips = some_clips(1200, generated=0)
    rng = np.random.default_rng(1)
    latents = rng.standard_normal((1200, 4))
    bobs = clips.speakers == 1
    latents[bobs] *= 2
    latents[bobs & (clips.labels == 0)] += [0, 0, 0, 10]
    clips = replace(clips, latents=latents)
    for label, beyond in ((0, 10.0), (1, 0.0)):
        rows = np.flatnonzero(~bobs & (clips.labels == label))[:50]
        moved = in_voice_of(clips, rows, "bob")
        np.testing.assert_allclose(moved, 2 * latents[rows] + [0, 0, 0, beyond], atol=1.2)
        assert np.abs(moved - 2 * latents[rows] - [0, 0, 0, beyond]).mean() < 0.25
    with_nobody = in_voice_of(replace(clips, speakers=np.where(bobs, 1, -1)), rows, "bob")
    assert np.isfinite(with_nobody).all()


def many_speakers(latent_of: np.ndarray) -> Clips:
    """Return twenty clips by each of twelve speakers, whose latents begin with the given values (12, K)."""
    clips = some_clips(240, generated=0)
    speakers = np.arange(240) % 12
    latents = 0.3 * np.random.default_rng(2).standard_normal((240, 4))
    latents[:, : latent_of.shape[1]] += latent_of[speakers]
    names = tuple(f"speaker-{number}" for number in range(12))
    return replace(clips, latents=latents, speakers=speakers, speaker_names=names)


WOMEN = {
    f"speaker-{number}": SpeakerMetadata(gender="female" if number < 6 else "male", age=20 + number * 7 % 12)
    for number in range(12)
}


def test_to_know_who_speaks_is_not_to_read_what_is_said_of_them() -> None:
    """Speakers have random places: the probe can tell the gender only of those that it was trained on."""
    apart = many_speakers(np.random.default_rng(5).standard_normal((12, 4)))
    known = properties(apart, WOMEN)
    found = {one.name: one for one in find_directions(apart, known)}
    assert found["speaker speaker-3"].read > 0.9
    for name in ("gender female", "gender male", "age"):
        assert not found[name].beats_chance, found[name]
    by_clips = [replace(one, groups=None, is_of_groups=False) for one in known]
    assert {one.name: one for one in find_directions(apart, by_clips)}["gender female"].read > 0.8
    heard = many_speakers(np.where(np.arange(12) < 6, 1.0, -1.0)[:, None])
    found = {one.name: one for one in find_directions(heard, properties(heard, WOMEN))}
    assert found["gender female"].beats_chance
    assert found["gender female"].read > 0.95
    np.testing.assert_allclose(found["gender female"].vector, [1, 0, 0, 0], atol=0.1)


def test_what_only_one_speaker_has_cannot_be_read_of_others() -> None:
    clips = many_speakers(np.eye(12, 4))
    only = {
        **WOMEN,
        **{name: SpeakerMetadata(accent="Tamil" if name == "speaker-0" else "German") for name in WOMEN},
    }
    found = {one.name: one for one in find_directions(clips, properties(clips, only))}
    assert np.isnan(found["accent Tamil"].read)
    assert not found["accent Tamil"].beats_chance


def test_what_is_said_of_speakers_explains_no_more_than_their_means_have_of_it() -> None:
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(10), 40)
    shares = []
    for _ in range(100):
        latent = rng.standard_normal(10)[speakers]
        said = Property(
            "g", (rng.permutation(10) % 2)[speakers].astype(float), ("f", "m"), speakers, is_of_groups=True
        )
        shares.append(explained(latent, said))
    assert np.mean(shares) < 0.1
    of_women = np.where(speakers < 5, 1.0, -1.0)
    said = Property("g", (speakers < 5).astype(float), ("f", "m"), speakers, is_of_groups=True)
    assert explained(of_women + 0.01 * rng.standard_normal(400), said) > 0.95


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
