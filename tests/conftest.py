"""Fixtures for all tests: a cache of their own, the real recordings where they are, tiny corpora."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 8000
SPEAKERS = ("ann", "bob", "cyd")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test reads or fills the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOXLET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch) -> Path:
    """A cache that is empty, for tests on the cache itself; and no real recordings."""
    folder = tmp_path / "fresh-cache"
    monkeypatch.setenv("VOXLET_CACHE", str(folder))
    monkeypatch.delenv("VOXLET_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def voxlet_data() -> Path:
    """The folder of real recordings; the test is skipped where there is none."""
    folder = os.environ.get("VOXLET_DATA")
    if not folder:
        pytest.skip("needs the real recordings: set VOXLET_DATA to their folder")
    if not Path(folder, "fsdd").is_dir():
        pytest.skip(f"VOXLET_DATA is {folder}, which holds no fsdd")
    return Path(folder)


def word(label: int, speaker: int, take: int, rate: int = RATE) -> np.ndarray:
    """A stand-in for a word: two tones that rise and fall in 0.2 to 0.4 s, between 0.1 s of faint noise."""
    rng = np.random.default_rng((label, speaker, take))
    count = round(rate * rng.uniform(0.2, 0.4))
    time = np.arange(count) / rate
    pitch = (300 + 200 * label) * (1 + 0.1 * speaker)
    tones = np.sin(2 * np.pi * pitch * time) + 0.4 * np.sin(2 * np.pi * 2.5 * pitch * time + take)
    samples = np.zeros(count + rate // 5)
    samples[rate // 10 : rate // 10 + count] = 0.3 / (1 + speaker) * tones * np.sin(np.pi * time / time[-1])
    return (samples + 1e-4 * rng.standard_normal(len(samples))).astype(np.float32)


def write_clip(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    """A 16-bit sound file, written without `audio.write`'s care for a power cut: tests write thousands."""
    soundfile.write(path, samples, rate)


def every_word(labels: int, takes: int):
    """(label, speaker name, take, samples) of a whole corpus."""
    for label in range(labels):
        for index, speaker in enumerate(SPEAKERS):
            for take in range(takes):
                yield label, speaker, take, word(label, index, take)


@pytest.fixture(scope="session")
def names_corpus(tmp_path_factory) -> Path:
    """{digit}_{speaker}_{take}.wav: 3 digits, 3 speakers, 10 takes."""
    folder = tmp_path_factory.mktemp("names") / "tiny"
    (folder / "recordings").mkdir(parents=True)
    for label, speaker, take, samples in every_word(3, 10):
        write_clip(folder / "recordings" / f"{label}_{speaker}_{take}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="session")
def folders_corpus(tmp_path_factory) -> Path:
    """label/{speaker}_nohash_{take}.wav: the words yes, no; 3 speakers, 4 takes."""
    folder = tmp_path_factory.mktemp("folders") / "words"
    for label, speaker, take, samples in every_word(2, 4):
        place = folder / ("yes", "no")[label]
        place.mkdir(parents=True, exist_ok=True)
        write_clip(place / f"{speaker}_nohash_{take}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="session")
def manifest_corpus(tmp_path_factory) -> Path:
    """manifest.jsonl beside clips whose names say nothing: 2 labels, 3 speakers, 4 takes."""
    folder = tmp_path_factory.mktemp("manifest")
    rows = []
    for number, (label, speaker, _take, samples) in enumerate(every_word(2, 4)):
        write_clip(folder / f"clip{number}.wav", samples, RATE)
        rows.append({"path": f"clip{number}.wav", "label": ("left", "right")[label], "speaker": speaker})
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder
