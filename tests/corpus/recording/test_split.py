"""Cutting one long recording into takes."""

from __future__ import annotations

import csv
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from synthetic import word
from voxlet import audio
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.recording.split import BLOCKS, ROUNDS, Cut, cut, split
from voxlet.errors import AudioError, ConfigError, CorpusError

RATE = 8000
LABELS = ("no", "yes", "stop")


def strung(
    sounds: list[np.ndarray], pauses: list[float], rate: int = RATE
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Join sounds, each after a pause, in faint noise; return the samples and the bounds of each sound."""
    parts, places, position = [], [], 0
    for sound, pause in zip(sounds, pauses, strict=True):
        silence = np.zeros(round(pause * rate), np.float32)
        parts += [silence, sound]
        places.append((position + len(silence), position + len(silence) + len(sound)))
        position = places[-1][1]
    whole = np.concatenate([*parts, np.zeros(rate, np.float32)])
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(whole))
    return (whole + noise).astype(np.float32), places


def session(order: str, takes: int = 3) -> tuple[np.ndarray, list[str]]:
    """Three words, said in this order."""
    rounds = [(label, take) for take in range(takes) for label in range(3)]
    said = rounds if order == ROUNDS else sorted(rounds)
    sounds = [word(label, 0, take) for label, take in said]
    rng = random.Random(1)
    samples, _ = strung(sounds, [rng.uniform(0.6, 1.4) for _ in said])
    return samples, [LABELS[label] for label, _ in said]


@pytest.mark.parametrize("order", [ROUNDS, BLOCKS])
@pytest.mark.parametrize("takes", [3, None])
def test_the_order_of_the_labels_is_found_out(order: str, takes: int | None) -> None:
    samples, said = session(order)
    found = cut(samples, RATE, LABELS, takes)
    assert [take.label for take in found.takes] == said
    assert found.order == order
    assert 0.6 < found.pause < 1.0  # these words are silent at their ends
    for label in LABELS:
        assert [take.take for take in found.takes if take.label == label] == [0, 1, 2]


def test_takes_are_files_with_a_list_that_the_corpus_is_read_by(tmp_path: Path) -> None:
    samples, said = session(ROUNDS)
    recording, out = tmp_path / "ann.wav", tmp_path / "takes"
    audio.write(recording, samples, rate=RATE)
    found = split(recording, LABELS, out)
    corpus = open_corpus(out)
    assert [clip.label for clip in corpus.clips] == said
    assert corpus.speakers == ("ann",)
    for take, clip in zip(found.takes, corpus.clips, strict=True):
        assert take.stop - take.start < clip.count <= take.stop - take.start + 2 * 0.15 * RATE + 2
    table = out / "manifest.csv"
    rows = list(csv.reader(table.open(encoding="utf-8")))
    rows[1][1] = "stop"  # corrected
    del rows[2]  # left out
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    corrected = open_corpus(out)
    assert [clip.label for clip in corrected.clips] == ["stop", *said[2:]]
    assert sum(passed.count for passed in corrected.passed if passed.kind == ".wav") == 1


def test_a_word_of_two_parts_stays_one(tmp_path: Path) -> None:
    """The two parts of the word are a quarter of a second apart."""
    sounds, pauses = [], []
    for take in range(3):
        for label in range(2):
            sounds += [word(label, 0, take), word(label + 2, 0, take)]
            pauses += [0.8, 0.05]
    samples, places = strung(sounds, pauses)
    found = cut(samples, RATE, ("turn left", "turn right"))
    assert len(found.takes) == 6
    for take, (first, last) in zip(found.takes, zip(places[::2], places[1::2], strict=True), strict=True):
        assert abs(take.start - first[0]) < 0.15 * RATE
        assert abs(take.stop - last[1]) < 0.15 * RATE


@pytest.mark.follows(
    "corpus/recording/split.py: leave longer pauses, or say with --takes how often each was said"
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples, _ = session(ROUNDS)
    recording = tmp_path / "ann.wav"
    audio.write(recording, samples, rate=RATE)
    asked = ["split", str(recording), "--labels", "no,yes,stop", "--out", str(tmp_path / "takes")]
    assert main([*asked, "--takes", "9"]) == 2
    error = capsys.readouterr().err
    assert error == (
        f"voxlet: {recording}: 9 stretches of speech were found, which does not fit 3 labels with 9 takes "
        "each; leave longer pauses, or say with --takes how often each was said\n"
    )
    assert not (tmp_path / "takes").exists()
    assert main([*asked, "--takes", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("0001.wav")
    assert lines[9].startswith("9 takes, 3 of each label, said one after another")
    assert (
        main(["split", str(recording), "--labels", "no", "--takes", "1", "--out", str(tmp_path / "x")]) == 0
    )
    assert "inf" not in capsys.readouterr().out  # one word has no pause beside it
    even, _ = strung([word(0, 0, take) for take in range(4)], [0.7] * 4)
    with pytest.raises(CorpusError, match="4 stretches of speech"):
        cut(even, RATE, LABELS)


@pytest.mark.follows("corpus/recording/split.py: listen to it; speak nearer to the microphone")
def test_a_recording_without_speech(tmp_path: Path) -> None:
    recording = tmp_path / "ann"  # its takes go to a folder of this name, unless it has an ending
    samples = session(ROUNDS)[0]
    audio.write(recording, 0.0 * samples, rate=RATE)
    with pytest.raises(CorpusError, match=r"ann: holds no speech; listen to it; speak nearer"):
        split(recording, LABELS, tmp_path / "takes")
    audio.write(recording, samples, rate=RATE)
    with pytest.raises(ConfigError, match=r"ann: is a file; name a new folder with --out$"):
        split(recording, LABELS, recording)
    assert len(split(recording, LABELS, tmp_path / "takes").takes) == 9


@pytest.mark.follows("corpus/recording/split.py: name a new folder with --out")
@pytest.mark.follows("corpus/recording/split.py: give them as in --labels yes,no,stop")
@pytest.mark.follows("corpus/recording/split.py: name each once; --takes says how often each was said")
def test_takes_that_cannot_be_written_are_one_line_that_names_their_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.wav"
    audio.write(path, session("1 2 3")[0], RATE)
    asked = ["split", str(path), "--labels", "no,yes,stop", "--out"]
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "takes", Path("/proc/takes")):
        assert main([*asked, str(out)]) == 2
        assert capsys.readouterr().err.startswith(
            f"voxlet: {out if out.parts[1] == 'proc' else out.parent}: "
        )

    def full(where: Path, *_: object, **__: object) -> None:
        raise AudioError("cannot be written (No space left on device)", where=where)

    with monkeypatch.context() as patch:
        patch.setattr(audio, "write", full)
        assert main([*asked, str(tmp_path / "takes")]) == 2
    assert capsys.readouterr().err.startswith(f"voxlet: {tmp_path / 'takes' / '0001.wav'}: cannot be written")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "long.wav"]
    assert main([*asked, str(tmp_path / "new" / "takes")]) == 0  # the folder above it is made


def test_what_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / "mine.txt").write_text("kept")
    missing = tmp_path / "ann.wav"
    with pytest.raises(ConfigError, match="holds files already; name a new folder with --out"):
        split(missing, LABELS, tmp_path / "takes")
    for labels in ((), ("no", ""), ("no", "No")):
        with pytest.raises(ConfigError, match="--labels: names"):
            split(missing, labels, tmp_path / "new")
    with pytest.raises(ConfigError, match="0 is less than 1"):
        split(missing, LABELS, tmp_path / "new", takes=0)
    audio.write(missing, session(BLOCKS)[0], rate=RATE)
    assert len(split(missing, ["yes", "no", "stop"], tmp_path / "new", takes=3).takes) == 9


@pytest.mark.slow
@pytest.mark.parametrize("speaker", ["theo", "george", "jackson", "lucas", "nicolas", "yweweler"])
def test_real_words_are_found_with_their_edges(voxlet_data: Path, speaker: str) -> None:
    """Five takes of ten digits, pauses of 0.6 to 1.6 s, both orders, with and without the number of takes."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    rng = random.Random(speaker)
    for blocks in (False, True):
        said = [(label, take) for take in range(5) for label in range(10)]
        said = sorted(said) if blocks else said
        recordings = voxlet_data / "fsdd" / "recordings"
        sounds = [
            audio.read(recordings / f"{label}_{speaker}_{take + 5}.wav").samples for label, take in said
        ]
        levelled = [0.4 * sound / np.abs(sound).max() for sound in sounds]
        samples, places = strung(levelled, [rng.uniform(0.6, 1.6) for _ in said])
        for takes in (5, None):
            found: Cut = cut(samples, RATE, names, takes)
            assert [take.label for take in found.takes] == [names[label] for label, _ in said]
            for take, (start, stop) in zip(found.takes, places, strict=True):
                assert start - 0.05 * RATE <= take.start < take.stop <= stop + 0.05 * RATE
            assert all(one.stop < other.start for one, other in pairwise(found.takes))
