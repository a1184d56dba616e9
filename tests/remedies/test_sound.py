"""Following the remedies in messages about sound files."""

from __future__ import annotations

import itertools
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from messages import message
from voxlet import audio
from voxlet.audio import reading, writing
from voxlet.corpus.corpus import open_corpus
from voxlet.decoding import decoders
from voxlet.errors import AudioError

follows = pytest.mark.follows
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg")
RATE = 8000
TONE = (0.1 * np.sin(np.arange(RATE) / 5)).astype(np.float32)


@pytest.fixture
def no_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate an installation without the extra `formats`."""
    monkeypatch.setattr(decoders, "has_formats", lambda: False)


def ffmpeg(command: str) -> None:
    """Run a command that a message gives, as a shell would."""
    done = subprocess.run(
        shlex.split(command), capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@follows("decoding/decoders.py: give a WAV, FLAC, OGG or MP3 file")
def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"no sound at all")
    kinds = message(AudioError, audio.read, path).partition("give a ")[2].removesuffix(" file")
    for kind in kinds.replace(" or ", ", ").split(", "):
        soundfile.write(path, TONE, RATE, format=kind)
        assert audio.read(path).samples.size


@follows("audio/reading.py: cut it into shorter files")
def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SAMPLES", RATE - 1)
    audio.write(tmp_path / "a.wav", TONE, RATE)
    message(AudioError, audio.read, tmp_path / "a.wav")
    for name, part in (("b.wav", TONE[: RATE // 2]), ("c.wav", TONE[RATE // 2 :])):
        audio.write(tmp_path / name, part, RATE)
        assert len(audio.read(tmp_path / name).samples) == RATE // 2


@follows("audio/writing.py: write it in several parts")
def test_more_than_a_wav_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WAV_SAMPLES", RATE - 1)
    message(AudioError, audio.write, tmp_path / "a.wav", TONE, RATE)
    assert not (tmp_path / "a.wav").exists()
    for name, part in (("a.wav", TONE[:5000]), ("b.wav", TONE[5000:])):
        audio.write(tmp_path / name, part, RATE)
        assert len(audio.read(tmp_path / name).samples) == len(part)


@pytest.mark.slow
@needs_ffmpeg
@follows("decoding/decoders.py: …, or ffmpeg -i … …")
@follows("decoding/decoders.py: …, or replace it with what this makes: ffmpeg -i … NEW.wav")
@pytest.mark.usefixtures("no_formats")
@pytest.mark.parametrize("name", ["yes_ann_0.m4a", "-yes ann.mp4", "a:b's.m4a"])
def test_a_kind_that_needs_ffmpeg(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_commands.py` tests the command that installs the extra, as far as possible without a network."""
    audio.write(tmp_path / "tone.wav", TONE, RATE)
    monkeypatch.chdir(tmp_path)
    ffmpeg(f"ffmpeg -i tone.wav -f ipod ./{shlex.quote(name)}")
    line = message(AudioError, audio.read, Path(name))
    ffmpeg(line.partition(", or ")[2])
    assert len(audio.read(Path(name).with_suffix(".wav")).samples) == pytest.approx(RATE, abs=2200)
    shutil.move(name, "yes.wav")  # a name whose ending is misleading
    line = message(AudioError, audio.read, Path("yes.wav"))
    ffmpeg(line.rpartition("makes: ")[2])
    shutil.move("NEW.wav", "yes.wav")
    assert len(audio.read(Path("yes.wav")).samples) == pytest.approx(RATE, abs=2200)


@pytest.mark.slow
@needs_ffmpeg
@pytest.mark.parametrize(
    ("kind", "suffix"), [("s16le", "raw"), ("mulaw", "ul"), ("alaw", "al"), ("gsm", "gsm")]
)
def test_a_file_without_a_header(
    kind: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note on files that are passed over has a remedy, too."""
    audio.write(tmp_path / "yes_ann_0.wav", TONE, RATE)
    monkeypatch.chdir(tmp_path)
    ffmpeg(f"ffmpeg -i yes_ann_0.wav -f {kind} yes_ann_1.{suffix}")
    account = open_corpus(tmp_path).account
    ffmpeg(account.partition("rate with ")[2].removesuffix(")").replace("RATE", str(RATE)))
    made = audio.read(Path("yes_ann_1.wav"))
    assert (made.rate, len(made.samples)) == (RATE, pytest.approx(RATE, abs=320))
    assert len(open_corpus(tmp_path).clips) == 2


@pytest.mark.slow
@needs_ffmpeg
def test_a_rate_that_cannot_be_true(
    voxlet_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message about a doubtful rate names the correction; only real words have such frequency bands."""
    monkeypatch.chdir(tmp_path)
    for label, speaker, take in itertools.product("37", ("george", "lucas"), range(6)):
        shutil.copy(voxlet_data / "fsdd" / "recordings" / f"{label}_{speaker}_{take}.wav", ".")
    wrong = Path("3_lucas_2.wav")
    samples = audio.read(wrong).samples
    soundfile.write(wrong, samples, RATE // 2)
    (note,) = open_corpus(tmp_path).notes
    ffmpeg(note.rpartition("makes: ")[2])
    shutil.move("NEW.wav", wrong)
    assert (audio.read(wrong).rate, len(audio.read(wrong).samples)) == (RATE, len(samples))
    assert open_corpus(tmp_path).notes == ()
