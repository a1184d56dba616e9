"""Kinds of sound file: recognised by content, decoded completely, or refused in one line."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from sounds import FFMPEG_KINDS, encode, wav_bytes
from synthetic import word
from voxlet import audio, extras
from voxlet.audio import reading
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.scan import scan_file
from voxlet.decoding import decoders
from voxlet.decoding.kinds import kind_of
from voxlet.errors import AudioError, CorpusError

RATE = 8000
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf60.16.100\0"

needs_ffmpeg = pytest.mark.skipif(not decoders.has_formats(), reason="the extra `formats` is not installed")


def pcm(samples):
    return (samples * 32767).astype("<i2").tobytes()


def likeness(one, other) -> float:
    """Return the highest correlation of two sounds over all shifts."""
    size = 1 << (len(one) + len(other)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(cross.max() / np.sqrt(np.sum(one**2) * np.sum(other**2)))


@pytest.fixture
def no_formats(monkeypatch):
    monkeypatch.setattr(decoders, "has_formats", lambda: False)
    monkeypatch.setattr("voxlet.corpus.scan.has_formats", lambda: False)


@pytest.mark.parametrize(
    "form", ["AIFF", "CAF", "W64", "AU", "RF64", "VOC", "NIST", "IRCAM", "PVF", "SVX", "WAVEX"]
)
@pytest.mark.parametrize("name", ["a.bin", "a", "a.WAV", "take.2"])
def test_what_libsndfile_reads_is_read_by_its_content(tmp_path, form, name):
    samples, path = word(1, 0, 0), tmp_path / "yes" / name
    path.parent.mkdir()
    soundfile.write(path, samples, RATE, format=form, subtype="PCM_16")
    (clip,) = open_corpus(tmp_path).clips
    assert (clip.label, clip.rate, clip.count) == ("yes", RATE, len(samples))
    np.testing.assert_allclose(audio.read(path).samples, samples, atol=1e-4)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", FFMPEG_KINDS)
def test_what_telephones_record(tmp_path, suffix):
    container, codec, rate = FFMPEG_KINDS[suffix]
    samples = word(1, 0, 0, rate)
    path = tmp_path / f"yes_ann_0{suffix.upper()}"
    encode(path, samples, rate, container, codec)
    found = audio.read(path)
    assert abs(len(found.samples) / found.rate - len(samples) / rate) < 0.15
    assert likeness(audio.resample(found.samples, found.rate, rate), samples) > 0.8
    (clip,) = open_corpus(tmp_path).clips
    assert (clip.label, clip.count) == ("yes", len(found.samples))
    assert len(audio.read(path, seconds=0.1).samples) == round(0.1 * found.rate)


@needs_ffmpeg
def test_webm_in_a_file_that_is_called_ogg(tmp_path):
    samples = word(0, 0, 0, 48000)
    encode(tmp_path / "yes_ann_0.ogg", samples, 48000, "webm", "libopus")
    assert likeness(audio.read(tmp_path / "yes_ann_0.ogg").samples, samples) > 0.8


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".m4a", ".webm", ".amr", ".aac", ".wma"])
def test_damage_to_what_telephones_record_is_told(tmp_path, suffix):
    container, codec, rate = FFMPEG_KINDS[suffix]
    encode(tmp_path / "whole", np.tile(word(0, 0, 0, rate), 3), rate, container, codec)
    data = (tmp_path / "whole").read_bytes()
    rng = np.random.default_rng(0)
    for number in range(25):
        damaged = bytearray(data[: len(data) // 2] if number % 5 == 0 else data)
        for place in rng.integers(0, len(damaged), 20):
            damaged[place] = rng.integers(256)
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(damaged)
        found = scan_file(path)  # no other error comes out of it
        assert (found.reason is None) == (found.count > 0)
        assert "\n" not in (found.reason or "")


@needs_ffmpeg
def test_ffmpeg_keeps_the_bounds(tmp_path, monkeypatch):
    path = tmp_path / "a.m4a"
    encode(path, word(0, 0, 0, 16000), 16000, "ipod", "aac")
    monkeypatch.setattr(reading, "MOST_SAMPLES", 1000)
    with pytest.raises(AudioError, match="is too long"):
        audio.read(path)


def test_without_the_extra_files_are_counted_by_kind(tmp_path, no_formats):
    for take in range(3):
        soundfile.write(tmp_path / f"yes_ann_{take}.wav", word(0, 0, take), RATE)
        (tmp_path / f"yes_ann_{take}.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(90))
    (tmp_path / "yes_bob_1.ogg").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(90))
    (tmp_path / "notes.txt").write_text("hello")
    corpus = open_corpus(tmp_path)
    remedy = extras.how_to_install("formats")
    assert corpus.account == (
        "8 files: 3 used; 5 passed over "
        f"(3 .m4a: {remedy}, or ffmpeg -i yes_ann_0.m4a yes_ann_0.wav; "
        f"1 .ogg: {remedy}, or ffmpeg -i yes_bob_1.ogg yes_bob_1.wav; 1 .txt)"
    )
    with pytest.raises(decoders.UnreadKindError, match=r"needs FFmpeg; pip install .*formats"):
        audio.read(tmp_path / "yes_ann_0.m4a")


def test_nothing_but_what_cannot_be_read(tmp_path, no_formats):
    (tmp_path / "yes_ann_0.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(90))
    with pytest.raises(CorpusError, match=r"none of its recordings can be read: 1 file: 0 used; .*ffmpeg -i"):
        open_corpus(tmp_path)


def test_the_extra_is_used_once_it_is_there(tmp_path, monkeypatch, no_formats):
    if not decoders.importlib.util.find_spec("av"):
        pytest.skip("the extra `formats` is not installed")
    soundfile.write(tmp_path / "yes_ann_0.wav", word(0, 0, 0), RATE)
    encode(tmp_path / "yes_ann_1.m4a", word(0, 0, 1, 16000), 16000, "ipod", "aac")
    assert len(open_corpus(tmp_path).clips) == 1
    monkeypatch.undo()
    assert len(open_corpus(tmp_path).clips) == 2


WORD = word(1, 0, 0)
SIZE = 2 * len(WORD)
UNTRUE = {
    "nothing": {"outer": 0, "data": 0},
    "nothing, and a list behind": {"outer": 0, "data": 0, "tail": LIST},
    "endless": {"outer": 2**32 - 1, "data": 2**32 - 1},
    "endless, and a list behind": {"outer": 2**32 - 1, "data": 2**32 - 1, "tail": LIST},
    "half of all": {"outer": 2**31 - 1, "data": 2**31 - 1},
    "a placeholder": {"outer": 0x7FFFF024, "data": 0x7FFFF000},
    "outer nothing": {"outer": 0},
    "outer more": {"outer": 10 * SIZE},
    "outer less": {"outer": 100},
    "data less": {"data": SIZE // 2},
    "both less": {"outer": 36 + SIZE // 2, "data": SIZE // 2},
    "data a header more": {"data": SIZE + 36},
    "a list behind": {"tail": LIST},
}


@pytest.mark.parametrize("claim", UNTRUE)
def test_the_data_counts_and_not_what_a_header_claims(tmp_path, claim):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(pcm(WORD), **UNTRUE[claim]))
    np.testing.assert_allclose(audio.read(path).samples, WORD, atol=1e-4)
    assert scan_file(path).reason is None


@pytest.mark.parametrize("claim", [0, 0xFFFF_FFFF])
def test_more_than_a_length_of_32_bits_can_say_is_too_long_and_no_crash(tmp_path, claim):
    path = tmp_path / "long.wav"
    with path.open("wb") as file:  # sparse
        file.write(wav_bytes(b"", outer=claim, data=claim))
        file.truncate(2**32 + 1000)
    with pytest.raises(AudioError, match=r"is too long: .* with 1 channel at 8,000 Hz"):
        audio.read(path)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "CAF", "W64", "RF64"])
def test_what_is_cut_off_is_left_out(tmp_path, form):
    path = tmp_path / "a.wav"
    soundfile.write(path, WORD, RATE, format=form, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: -SIZE // 3])
    assert scan_file(path).reason.startswith("is cut off: it promises")


def test_flac_without_a_length_is_read_whole(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.tile(WORD, 30), RATE)
    data = bytearray(path.read_bytes())
    (fields,) = struct.unpack(">Q", data[18:26])
    data[18:26] = struct.pack(">Q", fields >> 36 << 36)
    path.write_bytes(data)
    np.testing.assert_allclose(audio.read(path).samples, np.tile(WORD, 30), atol=1e-4)


def test_what_is_no_sound_has_no_kind():
    texts = (
        b"",
        b"hello",
        b"\xff\xfeh\0e\0l\0l\0o\0",
        b"\xff\xd8\xff\xe0JFIF",
        b"RIFF\0\0\0\0WEBP",
        b"%PDF-1.7",
    )
    picture = b"\0\0\0\x20ftypheic" + bytes(8)
    assert [kind_of(head) for head in (*texts, picture, b"PK\x03\x04", b"\x89PNG")] == [None] * 9
