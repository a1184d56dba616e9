"""Samples and sound files: known answers, damaged files, and writing to pipes and full disks."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voxlet import audio, files
from voxlet.audio import writing
from voxlet.datasets.effects import coded
from voxlet.datasets.encoding import decode, encode
from voxlet.errors import AudioError, FileError
from voxlet.exploring.sprite import opus

RATE = 8000


def tone(hz: float, seconds: float = 0.5, rate: int = RATE, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


# --- files


def test_what_is_written_is_read(tmp_path):
    samples = tone(440)
    audio.write(tmp_path / "a.wav", samples, RATE, {"comment": "ünï", "software": "a test"})
    sound = audio.read(tmp_path / "a.wav")
    assert sound.rate == RATE
    np.testing.assert_allclose(sound.samples, samples, atol=1.01 / 32768)
    assert audio.read_metadata(tmp_path / "a.wav")["comment"] == "ünï"
    assert audio.encode_wav(samples, RATE) != (tmp_path / "a.wav").read_bytes()
    audio.write(tmp_path / "b.wav", samples, RATE)
    assert audio.encode_wav(samples, RATE) == (tmp_path / "b.wav").read_bytes()


def test_pieces_are_laid_end_to_end(tmp_path):
    samples = tone(440)
    audio.write_pieces(tmp_path / "a.wav", np.split(samples, [10, 10, 500]), RATE)
    assert (tmp_path / "a.wav").read_bytes() == audio.encode_wav(samples, RATE)


def test_beyond_full_scale_is_clipped_and_does_not_wrap(tmp_path):
    audio.write(tmp_path / "a.wav", np.float32([2.0, -2.0, 1.0, -1.0]), RATE)
    assert soundfile.read(tmp_path / "a.wav", dtype="int16")[0].tolist() == [32767, -32768, 32767, -32768]


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(440), 0.6 * tone(440)], axis=1), RATE)
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav").samples, 0.8 * tone(440), atol=1 / 32768)


@pytest.mark.parametrize(
    ("data", "message"),
    [(None, "no such sound file"), (b"no sound", "cannot be decoded"), ("nothing", "holds no samples")],
)
def test_what_cannot_be_read(tmp_path, data, message):
    path = tmp_path / "a.wav"
    if data == "nothing":
        soundfile.write(path, np.zeros(0), RATE)
    elif data is not None:
        path.write_bytes(data)
    with pytest.raises(AudioError, match=rf"a\.wav: {message}"):
        audio.read(path)


def test_what_is_no_number_is_neither_read_nor_written(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.float32([0, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="not numbers"):
        audio.write(tmp_path / "b.wav", np.float32([0, np.inf]), RATE)
    assert not (tmp_path / "b.wav").exists()


def test_a_wav_file_has_a_longest_length(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "WAV_SAMPLES", 100)
    audio.write_pieces(tmp_path / "a.wav", [np.zeros(60, np.float32), np.zeros(40, np.float32)], RATE)
    with pytest.raises(AudioError, match="longer than a WAV file can be"):
        audio.write_pieces(tmp_path / "b.wav", [np.zeros(60, np.float32)] * 2, RATE)
    assert not (tmp_path / "b.wav").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_is_one_error_without_a_traceback_of_the_library(capfd):
    with pytest.raises(FileError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        audio.write("/dev/full", np.zeros(1_000_000, np.float32), RATE)
    assert capfd.readouterr() == ("", "")


def test_an_error_below_the_encoder_is_kept_and_raised(capfd):
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() + len(data) > 20_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    written = []

    def pieces():
        for number in range(100):
            written.append(number)
            yield np.zeros(1000, np.float32)

    with pytest.raises(OSError, match="No space left on device"):
        writing._encode(Full(), pieces(), RATE, None)
    assert len(written) < 20  # no more blocks are made once the disk is full
    assert capfd.readouterr() == ("", "")


# --- streams


posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and descriptors of POSIX")


@posix
@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_gets_a_whole_file(path):
    code = f"import numpy as np; from voxlet import audio; audio.write({path!r}, np.zeros(99), {RATE})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == audio.encode_wav(np.zeros(99, np.float32), RATE)
    assert done.stderr == b""


@posix
@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
@pytest.mark.parametrize(
    ("where", "message"),
    [(">&-", "is closed"), (">/dev/full", "cannot be written (No space left on device)")],
)
def test_standard_output_that_is_closed_or_full(path, where, message):
    if where == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("Linux has it")
    code = f"import numpy as np; from voxlet import audio; audio.write({path!r}, np.zeros(99), {RATE})"
    shell = ["sh", "-c", f'"$0" -c "{code}" {where}', sys.executable]
    done = subprocess.run(shell, capture_output=True, check=False, text=True)
    assert done.returncode == 1  # and not 120, the interpreter's when it cannot flush
    assert done.stderr.endswith(f"FileError: standard output: {message}\n")


def test_a_stand_in_for_standard_output_gets_it_too(monkeypatch):
    stand_in = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stand_in)
    audio.write("-", tone(440), RATE)
    assert stand_in.buffer.getvalue() == audio.encode_wav(tone(440), RATE)


@posix
def test_which_paths_are_standard_output(tmp_path):
    (tmp_path / "link").symlink_to("/dev/stdout")
    assert all(map(audio.is_standard_output, ("-", "/dev/stdout", "/dev/fd/1", tmp_path / "link")))
    assert not any(map(audio.is_standard_output, ("a.wav", "/dev/stderr", "/dev/fd/3", tmp_path / "-")))


@posix
def test_a_pipe_gets_a_whole_file_whose_header_tells_its_length(tmp_path):
    pipe = tmp_path / "sound.wav"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    audio.write_pieces(pipe, [tone(440)] * 3, RATE)
    reader.join()
    assert received == [audio.encode_wav(np.tile(tone(440), 3), RATE)]
    assert pipe.is_fifo()
    left, right = os.pipe()
    audio.write(f"/dev/fd/{right}", tone(440), RATE)
    os.close(right)
    with os.fdopen(left, "rb") as file:
        assert file.read() == audio.encode_wav(tone(440), RATE)


# --- samples


def test_resampling_keeps_low_tones_and_drops_high_ones():
    low = audio.resample(tone(1000, rate=16_000), 16_000, RATE)
    assert len(low) == 4000
    np.testing.assert_allclose(low[200:-200], tone(1000)[200:-200], atol=1e-3)
    high = audio.resample(tone(6000, rate=16_000), 16_000, RATE)
    assert np.abs(high[200:-200]).max() < 1e-3
    rows = audio.resample(np.stack([tone(500), tone(900)]), RATE, 16_000)
    np.testing.assert_array_equal(rows[1], audio.resample(tone(900), RATE, 16_000))
    same = tone(500)
    assert audio.resample(same, RATE, RATE) is same


def test_levels():
    assert audio.rms(tone(500)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-4)
    assert audio.rms(audio.level(tone(500), audio.SPEECH_RMS)) == pytest.approx(0.08, rel=1e-5)
    spiky = np.zeros(10_000, np.float32)
    spiky[0] = 0.1
    assert np.abs(audio.level(spiky, 0.08)).max() == pytest.approx(0.99)
    silent = np.zeros(10, np.float32)
    assert audio.level(silent, 0.08) is silent


def test_fades_are_raised_cosines_at_both_ends():
    ones = np.ones(1000, np.float32)
    faded = audio.fade(ones, RATE, 0.05)
    np.testing.assert_allclose(faded[:400] + faded[:400][::-1], 1, atol=1e-6)
    np.testing.assert_array_equal(faded, faded[::-1])
    assert (faded[400:600] == 1).all()
    assert (ones == 1).all()
    assert audio.fade(ones[:3], RATE, 1.0)[1] == 1  # at most half the clip
    assert audio.fade(ones[:1], RATE, 1.0).tolist() == [1]


def test_joining():
    joined = audio.join([np.ones(3, np.float32), 2 * np.ones(2, np.float32)], RATE, 0.0005)
    assert joined.tolist() == [1, 1, 1, 0, 0, 0, 0, 2, 2]
    assert len(audio.join([], RATE, 1.0)) == 0
    assert len(audio.silence(0.25, RATE)) == 2000


class Pressing(io.RawIOBase):
    """A file that raises one Ctrl-C while it is used."""

    def __init__(self, file):
        super().__init__()
        self.file, self.pressed = file, False

    def press(self):
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)

    def tell(self):
        self.press()
        return self.file.tell()

    def seek(self, *to):
        return self.file.seek(*to)

    def readinto(self, buffer):
        self.press()
        return self.file.readinto(buffer)

    def write(self, data):
        self.press()
        return self.file.write(data)


def cut_off(path):
    """Write a file whose lengths are corrected while it is read, so that libsndfile calls Python back."""
    path.write_bytes(audio.encode_wav(TONE, 8000)[:-1000])
    return path


TONE = tone(440)
USES = {
    "write": lambda folder: audio.write(folder / "a.wav", TONE, 8000),
    "read": lambda folder: audio.read(cut_off(folder / "b.wav")),
    "clip of a data set": lambda folder: decode(encode(TONE, 8000, "flac", {})),
    "codec": lambda folder: coded(TONE, 8000, "opus"),
    "sprite": lambda folder: opus(TONE, 8000, 16e3),
}


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("use", USES)
def test_ctrl_c_is_not_lost_where_libsndfile_calls_python(use, tmp_path, monkeypatch, capfd):
    """Left alone, cffi prints a traceback and goes on."""
    opened = soundfile.SoundFile._init_virtual_io
    monkeypatch.setattr(
        soundfile.SoundFile, "_init_virtual_io", lambda self, file: opened(self, Pressing(file))
    )
    with pytest.raises(KeyboardInterrupt):
        USES[use](tmp_path)
    assert not (tmp_path / "a.wav").exists()
    assert capfd.readouterr().err == ""


WATCHED = tuple(module.__file__ for module in (audio, files, contextlib))


def pressed_at(moment, action):
    """Run an action with Ctrl-C after `moment` lines of Python; return whether the signal came, and the
    exceptions that nothing catches."""
    left, unheard = [moment], []

    def line(_frame, event, _argument):
        left[0] -= event == "line"
        if left[0] == 0 and event == "line":
            signal.raise_signal(signal.SIGINT)
        return line

    hook, tracing = sys.unraisablehook, sys.gettrace()
    sys.unraisablehook = unheard.append
    try:
        sys.settrace(lambda frame, *_: line if frame.f_code.co_filename in WATCHED else None)
        action()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(tracing)
        gc.collect()  # run pending finalisers now, or the next Ctrl-C might fall into one
        sys.unraisablehook = hook
    return left[0] <= 0, unheard


@pytest.fixture
def little_garbage():
    """Make garbage collections quick: they look only at objects made from now on."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("ctrl_c", "little_garbage")
def test_ctrl_c_at_any_line_of_writing(tmp_path):
    path = tmp_path / "a.wav"
    audio.write(path, TONE, 8000)
    size = path.stat().st_size
    for moment in itertools.count(1):
        path.unlink(missing_ok=True)
        came, unheard = pressed_at(moment, partial(audio.write, path, TONE, 8000))
        assert not unheard, moment
        assert [path.stat().st_size for path in tmp_path.iterdir()] in ([], [size]), moment
        if not came:
            break
    assert moment > 50
