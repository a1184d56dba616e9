"""Sound files that claim or contain too much: refused in one line, with little memory and decoding."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tiny_voice
from voxlet import audio
from voxlet.audio import reading
from voxlet.cli.consent import NOTICE
from voxlet.corpus.scan import scan_file
from voxlet.errors import AudioError
from voxlet.speak.voice import load_voice

RATE = 8000
MEMORY = 400e6  # bytes that a process may take in all, with numpy and libsndfile


def wav(
    path: Path, *, rate: int = RATE, channels: int = 1, claim: int | None = None, size: int = 1000
) -> Path:
    """Write a WAV file of `size` zero bytes (sparse on disk) whose header claims `claim`."""
    claim = min(size if claim is None else claim, 2**32 - 1)
    fields = struct.pack("<IHHIIHH", 16, 1, channels, rate, 2 * rate * channels, 2 * channels, 16)
    head = b"RIFF" + struct.pack("<I", min(claim + 36, 2**32 - 1)) + b"WAVEfmt " + fields + b"data"
    path.write_bytes(head + struct.pack("<I", claim))
    with path.open("r+b") as file:
        file.truncate(44 + size)
    return path


def flac(path: Path, samples: int, claim: int) -> Path:
    """Write a FLAC file of silence whose header claims another number of samples."""
    soundfile.write(path, np.zeros(samples, np.int16), RATE)
    data = bytearray(path.read_bytes())
    (fields,) = struct.unpack(">Q", data[18:26])
    data[18:26] = struct.pack(">Q", fields >> 36 << 36 | claim)
    path.write_bytes(data)
    return path


def vorbis(path: Path, channels: int) -> Path:
    soundfile.write(path, np.zeros((RATE, channels), np.float32), RATE, format="OGG", subtype="VORBIS")
    return path


CASES = {
    "channels.wav": (lambda p: wav(p, channels=1024, size=2048 * RATE), "has 1,024 channels, and at most 32"),
    "channels.ogg": (lambda p: vorbis(p, 255), "has 255 channels, and at most 32 are read"),
    "slow.wav": (lambda p: wav(p, rate=1), "has a rate of 1 Hz, outside 1,000 to 768,000"),
    "quick.wav": (lambda p: wav(p, rate=2**30), "has a rate of 1,073,741,824 Hz, outside"),
    "claim.flac": (lambda p: flac(p, RATE, 2**36 - 1), "is damaged: it claims 68,719,476,735 samples in"),
    "day.wav": (lambda p: wav(p, size=2 * 86400 * RATE), "is too long: 1,440 minutes; with 1 channel at"),
    "wide.wav": (lambda p: wav(p, channels=32, size=64 * 600 * RATE), "is too long: 10 minutes; with 32"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_claims_too_much_is_refused_before_it_is_decoded(tmp_path, name):
    make, message = CASES[name]
    path = make(tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises(AudioError) as refusal:
            audio.read(path)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert str(refusal.value).startswith(f"{path}: {message}")
    assert scan_file(path).reason


def test_a_header_that_claims_hours_is_read_as_far_as_there_is_sound(tmp_path):
    """A recorder that is switched off leaves such files; a corpus refuses them, as a word may be cut off."""
    path = wav(tmp_path / "a.wav", claim=2**30, size=2 * RATE)
    assert len(audio.read(path).samples) == RATE
    assert scan_file(path).reason == "is cut off: it promises 1,073,741,824 bytes of sound and has 16,000"


def test_blocks_give_the_samples_of_the_whole(tmp_path, monkeypatch):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (5000, 3)).astype(np.float32)
    for name in ("a.wav", "a.flac", "a.ogg"):
        soundfile.write(tmp_path / name, samples, RATE)
    whole = {path: audio.read(path).samples for path in tmp_path.iterdir()}
    monkeypatch.setattr(reading, "BLOCK_SAMPLES", 3000)
    for path, expected in whole.items():
        np.testing.assert_array_equal(audio.read(path).samples, expected)
        first = audio.read(path, seconds=0.2).samples
        np.testing.assert_array_equal(first, expected[:1600])
    np.testing.assert_allclose(whole[tmp_path / "a.wav"], samples.mean(axis=1), atol=1e-4)


# getrusage would also count what the process was forked from.
PEAK = "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
LIKE = f"""
import re, sys
from voxlet.cli.main import main
status = main(["say", "4", "--like", sys.argv[1], "-o", sys.argv[2]])
{PEAK}
sys.exit(status)
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read in /proc")


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_ten_hours_are_not_decoded_to_learn_who_speaks(tmp_path, monkeypatch, form):
    (tmp_path / "digits.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path))
    path = tmp_path / f"long.{form}"
    speech = (0.3 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        file.write(speech)
        if form == "flac":  # all of it, in few bytes
            for _ in range(600):
                file.write(np.zeros(60 * RATE, np.int16))
    if form == "wav":
        wav(path, size=2 * 36_000 * RATE)
        with path.open("r+b") as file:
            file.seek(44)
            file.write((32767 * speech).astype("<i2").tobytes())
    done = subprocess.run(
        [sys.executable, "-c", LIKE, str(path), str(tmp_path / "a.wav")], capture_output=True, check=False
    )
    assert done.stderr in (b"", f"{NOTICE}\n".encode())  # it comes once
    assert done.returncode == 0
    assert 1024 * int(done.stdout.split()[-1]) < MEMORY
    voice = load_voice("digits")
    blocks, asked = reading.SoundFile._blocks, []
    monkeypatch.setattr(reading.SoundFile, "_blocks", lambda file, n: (asked.append(n), blocks(file, n))[1])
    like = voice.like(path)
    assert asked == [60 * RATE]
    np.testing.assert_array_equal(like, voice.like(audio.read(path, seconds=60)))
    silent = wav(tmp_path / "silent.wav", size=2 * 36_000 * RATE)
    with pytest.raises(AudioError, match=r"is too short or silent .* speech in its first 60 s"):
        voice.like(silent)


@pytest.mark.slow
@needs_proc
def test_the_longest_that_is_read_takes_bounded_memory(tmp_path):
    """The limit is the blocks plus all of them joined: twice four bytes a sample."""
    path = wav(tmp_path / "a.wav", size=2 * reading.MOST_SAMPLES)
    code = f"import re; from voxlet import audio; print(len(audio.read({str(path)!r}).samples)); {PEAK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    count, peak = map(int, done.stdout.split())
    assert count == reading.MOST_SAMPLES
    assert 1024 * peak < MEMORY + 8 * reading.MOST_SAMPLES
