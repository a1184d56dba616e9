"""Preparation and its cache."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from dataclasses import dataclass

import numpy as np
import pytest

from synthetic import word, write_clip
from voxlet import audio
from voxlet.corpus import prepare as prepare_module
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import TRIM_MARGIN, Preparation, prepare
from voxlet.corpus.rows.stored import STEPS, load_rows, seal, to_steps
from voxlet.engines.engine import ItemBatch
from voxlet.errors import ConfigError, CorpusError, FileError, VoxletError

PLAIN = Preparation(rate=8000, trim=False, outliers=None, rms=None)


def test_without_any_change_the_samples_are_the_files_own(names_corpus):
    corpus = open_corpus(names_corpus)
    prepared = prepare(corpus, PLAIN, progress=False)
    assert len(prepared) == len(corpus.clips)
    everything = prepared.rows.read(slice(None))
    assert everything.dtype == np.float32
    longest = max(clip.count for clip in corpus.clips)
    assert prepared.rows.shape == (90, longest)
    for row, clip in enumerate(prepared.clips):
        samples = audio.read(clip.path).samples
        samples = samples - samples.mean(dtype=np.float64)
        length = prepared.rows.lengths[row]
        assert length == min(clip.count, longest)
        half_a_step = np.abs(samples).max() / STEPS / 2
        np.testing.assert_allclose(prepared.clip(row), samples[:length], atol=1.01 * half_a_step)
        assert not everything[row, length:].any()
        assert prepared.label_names[prepared.labels[row]] == clip.label
        assert prepared.speaker_names[prepared.speakers[row]] == clip.speaker


def test_the_studys_setting_gives_17640_samples(names_corpus):
    prepared = prepare(open_corpus(names_corpus), Preparation(length=0.8), progress=False)
    assert prepared.rows.shape[1] == 17640
    assert (prepared.rate, prepared.name) == (22050, "tiny")


def test_trimming_leaves_the_word(names_corpus):
    corpus = open_corpus(names_corpus)
    prepared = prepare(corpus, Preparation(rate=8000, outliers=None, length=1.0), progress=False)
    for row, clip in enumerate(prepared.clips):
        spoken = clip.count - 1600  # the fixture puts 0.1 s of noise on each side
        assert abs(prepared.rows.lengths[row] - spoken) <= 2 * (TRIM_MARGIN + 0.015) * 8000
        assert abs(prepared.clip(row)[0]) < 1e-3


def test_level_offset_and_rate(tmp_path):
    time = np.arange(48000) / 48000
    tone = (0.02 * np.sin(2 * np.pi * 1000 * time) + 0.3).astype(np.float32)
    write_clip(tmp_path / "a_b_0.wav", tone, 48000)
    prepared = prepare(open_corpus(tmp_path), Preparation(rate=8000, trim=False), progress=False)
    samples = prepared.clip(0)
    assert len(samples) == 8000
    assert audio.rms(samples) == pytest.approx(0.08, rel=1e-3)
    assert abs(samples.mean()) < 1e-4
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) == 1000
    assert spectrum[1000] ** 2 / np.square(spectrum).sum() > 0.99


def test_outliers_of_length_are_dropped(tmp_path):
    rng = np.random.default_rng(0)
    for take in range(100):
        count = {0: 800, 99: 16000}.get(take, 4000 + take)
        write_clip(tmp_path / f"a_b_{take}.wav", (0.1 * rng.standard_normal(count)).astype(np.float32), 8000)
    corpus = open_corpus(tmp_path)
    some = prepare(corpus, Preparation(rate=8000, trim=False), progress=False)
    assert {clip.take for clip in corpus.clips} - {clip.take for clip in some.clips} == {"0", "99"}
    everything = prepare(corpus, Preparation(rate=8000, trim=False, outliers=None), progress=False)
    assert len(everything) == 100


def test_a_cut_clip_does_not_click(names_corpus):
    prepared = prepare(open_corpus(names_corpus), Preparation(rate=8000, length=0.1), progress=False)
    assert prepared.rows.shape[1] == 800
    assert np.abs(prepared.rows.read(slice(None))[:, -1]).max() < 0.01


def test_same_configuration_is_taken_from_the_cache(names_corpus, fresh_cache, monkeypatch):
    corpus = open_corpus(names_corpus)
    first = prepare(corpus, PLAIN, progress=False)
    monkeypatch.setattr(prepare_module, "build_rows", None)  # would fail if it were called
    second = prepare(corpus, PLAIN, progress=False)
    assert second.digest == first.digest
    np.testing.assert_array_equal(*(one.rows.read(slice(None)) for one in (first, second)))
    with pytest.raises(TypeError):
        prepare(corpus, Preparation(rate=8000, rms=None), progress=False)


def folder_of(cache):
    (folder,) = (path for path in (cache / "prepared").iterdir() if path.is_dir())
    return folder


def test_what_a_killed_process_left_is_cleared_away(names_corpus, fresh_cache):
    corpus = open_corpus(names_corpus)
    for name, age in (("old_____", 100_000), ("new_____", 10)):
        left = fresh_cache / "prepared" / f".{prepare_key(corpus)}.{name}"
        left.mkdir(parents=True)
        (left / "loose.i16").write_bytes(b"x")
        os.utime(left, (time.time() - age,) * 2)
    prepare(corpus, PLAIN, progress=False)
    hidden = [path.suffix for path in (fresh_cache / "prepared").iterdir() if path.name.startswith(".")]
    assert hidden == [".new_____"]


@pytest.mark.parametrize("damage", ["flipped", "shorter", "gone", "empty"])
def test_damaged_cache_is_built_again(folders_corpus, fresh_cache, damage):
    corpus = open_corpus(folders_corpus)
    expected = prepare(corpus, PLAIN, progress=False).rows.read(slice(None))
    for name in ("audio.npy", "scales.npy", "lengths.npy", "indices.npy", "meta.json"):
        path = folder_of(fresh_cache) / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes({"flipped": bytes(data), "shorter": bytes(data[:-1]), "empty": b""}[damage])
        again = prepare(corpus, PLAIN, progress=False)
        np.testing.assert_array_equal(again.rows.read(slice(None)), expected)
        # Complete again: only the one folder with the right name is there.
        assert folder_of(fresh_cache).name == path.parent.name
        assert path.stat().st_size == len(data)


def test_rows_of_the_kind_before_are_told_apart(names_corpus, fresh_cache):
    """Earlier rows were float32 without scales: in a folder of the same name, they are rebuilt."""
    corpus = open_corpus(names_corpus)
    rows = prepare(corpus, PLAIN, progress=False).rows
    expected = rows.read(slice(None))
    np.save(rows.folder / "audio.npy", expected)
    assert load_rows(rows.folder) is None
    seal(rows.folder, {})
    assert load_rows(rows.folder) is None
    np.testing.assert_array_equal(prepare(corpus, PLAIN, progress=False).rows.read(slice(None)), expected)
    assert np.load(rows.folder / "audio.npy").dtype == np.int16


def test_a_faint_clip_is_stored_as_finely_as_a_loud_one():
    samples = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    for level in (1e-6, 0.01, 1, 3):
        steps, scale = to_steps(level * samples)
        assert np.abs(steps).max() == STEPS
        np.testing.assert_allclose(steps * scale, level * samples, atol=1.01 * scale / 2)
        np.testing.assert_array_equal(to_steps(steps * scale, scale)[0], steps)
    assert to_steps(np.zeros(3, dtype=np.float32))[0].tolist() == [0, 0, 0]


def test_rows_are_read_in_parts_and_one_by_one(names_corpus):
    rows = prepare(open_corpus(names_corpus), PLAIN, progress=False).rows
    everything = rows.read(slice(None))
    assert everything.shape == rows.shape
    np.testing.assert_array_equal(rows.read(np.array([7, 0, 7])), everything[[7, 0, 7]])
    np.testing.assert_array_equal(rows.read(5), everything[5])
    assert sum(len(part) for _, part in rows.parts()) == len(everything)
    for first, part in rows.parts():
        np.testing.assert_array_equal(part, everything[first : first + len(part)])


def test_a_touched_but_whole_cache_is_kept(names_corpus, fresh_cache, monkeypatch):
    corpus = open_corpus(names_corpus)
    prepare(corpus, PLAIN, progress=False)
    copied = fresh_cache / "copy"
    shutil.copytree(folder_of(fresh_cache), copied)
    shutil.rmtree(folder_of(fresh_cache))
    copied.rename(fresh_cache / "prepared" / prepare_key(corpus))
    os.utime(fresh_cache / "prepared" / prepare_key(corpus) / "audio.npy")
    monkeypatch.setattr(prepare_module, "build_rows", None)
    assert len(prepare(corpus, PLAIN, progress=False)) == 90


def prepare_key(corpus):
    import hashlib
    from dataclasses import asdict

    settings = json.dumps([prepare_module.prepare_code(), corpus.digest, asdict(PLAIN)])
    return hashlib.sha256(settings.encode()).hexdigest()[:24]


def build_in_a_process(folder, queue):
    prepared = prepare(open_corpus(folder), PLAIN, progress=False)
    queue.put((prepared.rows.shape, float(np.square(prepared.rows.read(slice(None))).sum())))


def test_two_processes_build_the_same_cache_at_once(names_corpus, fresh_cache):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=build_in_a_process, args=(names_corpus, queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    answers = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert len(set(answers)) == 1
    assert [p.name for p in (fresh_cache / "prepared").iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("damaged", [False, True])
def test_what_a_failed_build_has_prepared_is_not_prepared_again(
    names_corpus, fresh_cache, monkeypatch, damaged
):
    corpus = open_corpus(names_corpus)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(prepare_module, "fit_clip", full_disk)
        with pytest.raises(FileError, match=r"the cache cannot be written \(No space left on device\)"):
            prepare(corpus, PLAIN, progress=False)
    (left,) = (path for path in (fresh_cache / "prepared").iterdir() if path.is_dir())
    assert left.name == f".{prepare_key(corpus)}.parts"  # the cache's name for unfinished folders
    last = max(left.iterdir())
    if damaged:
        last.write_bytes(last.read_bytes()[:-1000] + bytes(1000))
    os.utime(left, (0, 0))  # days ago
    asked = []
    prepared = prepare(corpus, PLAIN, progress=False, engine=Counted(asked))
    assert asked == [int(last.stem)] * damaged
    found = contents(prepared.rows.folder)
    shutil.rmtree(fresh_cache)
    assert contents(prepare(corpus, PLAIN, progress=False).rows.folder) == found


@dataclass(frozen=True)
class Counted:
    """An engine that works through its items from last to first and records them."""

    asked: list[int]

    def results(self, task, items):
        items = list(items)
        self.asked.extend(item.first for item in items)
        return map(task, reversed(items))


def test_any_engine_in_any_order_prepares_the_same(folders_corpus, fresh_cache):
    corpus = open_corpus(folders_corpus)
    settings = Preparation(rate=8000)
    expected = contents(prepare(corpus, settings, progress=False).rows.folder)
    shutil.rmtree(fresh_cache)
    asked = []
    assert open_corpus(folders_corpus, engine=Counted(asked)) == corpus
    found = prepare(corpus, settings, progress=False, engine=Counted(asked))
    assert contents(found.rows.folder) == expected
    assert asked == 2 * list(range(0, len(corpus.clips), prepare_module.AT_ONCE))
    other = prepare_module.PreparePart(settings, (("code", "1"), ("voxlet", "0.0.1")))
    with pytest.raises(VoxletError, match="a worker has code"):
        other(ItemBatch(0, ()))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".npy"}


def test_a_clip_that_went_away_is_named(tmp_path):
    for take in range(3):
        write_clip(tmp_path / f"a_b_{take}.wav", word(0, 0, take), 8000)
    corpus = open_corpus(tmp_path)
    (tmp_path / "a_b_1.wav").unlink()
    with pytest.raises(CorpusError, match=r"a_b_1\.wav: no such sound file: it has changed since"):
        prepare(corpus, PLAIN, progress=False)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"rate": 0}, "rate: 0 Hz"),
        ({"length": 0.0}, "length: 0.0 s"),
        ({"length": float("nan")}, "length: nan s"),
        ({"length": 31.0}, "length: 31.0 s"),
        ({"outliers": (99.0, 1.0)}, "outliers: "),
        ({"outliers": (-1.0, 101.0)}, "outliers: "),
        ({"rms": 0.0}, "rms: 0.0"),
        ({"rms": 2.0}, "rms: 2.0"),
    ],
)
def test_senseless_settings(settings, expected):
    with pytest.raises(ConfigError, match=expected):
        Preparation(**settings)
