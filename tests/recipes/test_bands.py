"""The bandwidth of recordings: real takes, unchanged and as transmitted by telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voxlet import audio
from voxlet.corpus.attributes.attributes import measure_recordings
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.dataset import open_dataset
from voxlet.corpus.look.inspection import measure, summarise
from voxlet.corpus.prepare import Preparation
from voxlet.recipes.voice.clips.attributes import bands_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("voxlet_data")]
RATE = 16000
TAKES = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the same takes by two speakers: `wide` at 16 kHz; `phone` through 8 kHz, saved at 16 kHz."""
    whole = [clip for clip in open_corpus("audiomnist").clips if clip.speaker == "12"][:TAKES]
    for number, clip in enumerate(whole):
        sound = audio.read(clip.path)
        wide = audio.resample(sound.samples, sound.rate, RATE)
        phone = audio.resample(audio.resample(wide, RATE, 8000), 8000, RATE)
        for speaker, samples in (("wide", wide), ("phone", phone)):
            path = tmp_path / clip.label / f"{clip.label}_{speaker}_{number}.wav"
            path.parent.mkdir(exist_ok=True)
            audio.write(path, samples, RATE)
    return tmp_path


def test_what_a_telephone_passed_on_is_narrow_at_any_rate(folder: Path) -> None:
    dataset = open_dataset(folder, Preparation(rate=RATE, outliers=None), progress=False)
    names = [dataset.prepared.speaker_names[number] for number in dataset.prepared.speakers]
    heard = bands_of(dataset, measure_recordings(dataset.prepared.clips)).tolist()
    assert {band for band, name in zip(heard, names, strict=True) if name == "wide"} == {RATE / 2}
    (phone,) = {band for band, name in zip(heard, names, strict=True) if name == "phone"}
    assert 3600 < phone < 4050
    assert set(bands_of(dataset, None).tolist()) == {RATE / 2}


def test_a_look_at_recordings_says_which_are_a_telephones(folder: Path) -> None:
    advice = summarise(corpus := open_corpus(folder), measure(corpus, progress=False)).advice
    (line,) = [line for line in advice if "telephone" in line]
    assert re.search(r"recorded at 16,000 Hz, .* nothing above (3\.[6-9]|4\.0) kHz \(phone\);", line)
    assert any("--preparation.rate 16000" in line for line in advice)  # which keeps more of the other speaker


def test_recordings_at_a_low_rate_reach_what_it_allows() -> None:
    """This includes a speaker whose highest sounds are masked by noise."""
    dataset = open_dataset("fsdd", Preparation(rate=RATE), progress=False)
    assert set(bands_of(dataset, measure_recordings(dataset.prepared.clips)).tolist()) == {4000.0}
