"""Opening a corpus: layouts, kinds of sound file, and which files are left out and why."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest
import soundfile

from synthetic import word, write_clip
from voxlet.corpus.catalog import CATALOG
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.listing.labels import as_words, sort_labels, tidy_label
from voxlet.errors import ConfigError, CorpusError, FileError


def test_names_layout_maps_digits_to_words(names_corpus):
    corpus = open_corpus(names_corpus)
    assert corpus.labels == ("zero", "one", "two")
    assert corpus.speakers == ("ann", "bob", "cyd")
    assert (len(corpus.clips), corpus.rejected, corpus.name) == (90, (), "tiny")
    clip = corpus.clips[0]
    assert (clip.path.name, clip.label, clip.speaker, clip.take, clip.rate) == (
        "0_ann_0.wav",
        "zero",
        "ann",
        "0",
        8000,
    )
    assert clip.count == len(word(0, 0, 0))
    assert [c.path for c in corpus.clips] == sorted(c.path for c in corpus.clips)


def test_folders_layout_gives_speaker_and_take(folders_corpus):
    corpus = open_corpus(folders_corpus)
    assert corpus.labels == ("no", "yes")
    assert corpus.speakers == ("ann", "bob", "cyd")
    assert {clip.take for clip in corpus.clips} == {"0", "1", "2", "3"}


def test_any_name_in_a_label_folder(tmp_path):
    for label in ("7", "left turn"):
        (tmp_path / label).mkdir()
        write_clip(tmp_path / label / "whatever it is.wav", word(1, 1, len(label)), 8000)
        write_clip(tmp_path / label / "my_own_3.wav", word(1, 2, len(label)), 8000)
    corpus = open_corpus(tmp_path)
    assert corpus.labels == ("7", "left turn")
    assert corpus.speakers == ("unknown",)


def test_speaker_folders_are_no_labels(tmp_path):
    """AudioMNIST: data/{speaker}/{digit}_{speaker}_{take}.wav."""
    for speaker in ("01", "02"):
        (tmp_path / "data" / speaker).mkdir(parents=True)
        for digit in "09":
            write_clip(tmp_path / "data" / speaker / f"{digit}_{speaker}_0.wav", word(0, 0, int(digit)), 8000)
    corpus = open_corpus(tmp_path)
    assert (corpus.labels, corpus.speakers) == (("zero", "nine"), ("01", "02"))


def test_manifests_of_both_kinds_agree(manifest_corpus, tmp_path):
    by_folder = open_corpus(manifest_corpus)
    assert by_folder.labels == ("left", "right")
    rows = [f"{clip.path},{clip.label},{clip.speaker}" for clip in by_folder.clips]
    table = tmp_path / "list.csv"
    table.write_text("\ufeffpath,label,speaker\n" + "\n".join(rows) + "\n", encoding="utf-8")
    by_table = open_corpus(table)
    assert [c.digest for c in by_table.clips] == [c.digest for c in by_folder.clips]
    assert [c.speaker for c in by_table.clips] == [c.speaker for c in by_folder.clips]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "m.csv",
            "path,label\na.wav,\n",
            r"m\.csv:2: no label in the row 'a\.wav,'; fill it in or delete the row, the heading is",
        ),
        (
            "m.csv",
            "sound,meaning\na.wav,x\n",
            r"m\.csv:1: no label in the heading 'sound,meaning'",
        ),
        (
            "m.csv",
            "colour,meaning\nred,x\n",
            r"m\.csv:1: no path and no label in the heading 'colour,meaning'",
        ),
        ("m.csv", "path,label\n", "lists no clips"),
        ("m.csv", 'path,label\n"a.wav,x\n', "is not CSV"),
        ("m.jsonl", '{"path": "a.wav", "label": "x"}\n[1]\n', r"m\.jsonl:2: is not a JSON object"),
        ("m.jsonl", "{", r"m\.jsonl:1: is not JSON"),
        ("m.jsonl", "", "lists no clips"),
        ("m.csv", b"path,label\n\xff\xfe,x\n", "cannot be read"),
        ("m.md", "x", "neither a folder nor a manifest"),
    ],
)
def test_malformed_manifests(tmp_path, name, text, expected):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CorpusError, match=expected):
        open_corpus(tmp_path / name)


def test_manifest_row_twice_and_missing_file(tmp_path):
    write_clip(tmp_path / "a.wav", word(0, 0, 0), 8000)
    (tmp_path / "manifest.csv").write_text("path,label\na.wav,x\na.wav,y\nb.wav,x\n")
    corpus = open_corpus(tmp_path, allow_rejected=True)
    assert len(corpus.clips) == 1
    reasons = sorted(item.reason for item in corpus.rejected)
    assert reasons[0].startswith("cannot be read (No such file")
    assert reasons[1] == "is listed a second time (manifest.csv:3)"


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [
        ("wav", {"subtype": "PCM_U8"}),
        ("wav", {"subtype": "PCM_16"}),
        ("wav", {"subtype": "PCM_24"}),
        ("wav", {"subtype": "PCM_32"}),
        ("wav", {"subtype": "FLOAT"}),
        ("wav", {"subtype": "DOUBLE"}),
        ("flac", {"subtype": "PCM_24"}),
        ("ogg", {"format": "OGG", "subtype": "VORBIS"}),
        ("opus", {"format": "OGG", "subtype": "OPUS"}),
        ("mp3", {"format": "MP3"}),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (48000, 2)])
def test_kinds_of_sound_file(tmp_path, suffix, settings, rate, channels):
    samples = np.repeat(word(2, 0, 0, rate)[:, None], channels, axis=1)
    soundfile.write(tmp_path / f"yes_ann_0.{suffix}", samples, rate, **settings)
    (clip,) = open_corpus(tmp_path).clips
    assert (clip.label, clip.rate) == ("yes", rate)
    assert clip.count == pytest.approx(len(samples), abs=0.2 * rate if suffix == "mp3" else 0)


def riff(rate: int = 8000, channels: int = 1, kind: int = 1, data: bytes = b"", promise: int | None = None):
    """Return a WAV file's bytes, with any nonsense in its header."""
    promise = len(data) if promise is None else promise
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * 2 * channels, 2 * channels, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + promise) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", promise) + data
    )  # fmt: skip


def sound_bytes(samples, rate=8000, **settings) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **({"format": "WAV"} | settings))
    return buffer.getvalue()


def broken_files() -> dict[str, tuple[bytes, str]]:
    """Map 24 damaged files by name to their bytes and the beginning of the reason they are left out."""
    good = word(1, 1, 1)
    pcm = (good * 32767).astype("<i2").tobytes()
    flac = sound_bytes(good, format="FLAC")
    hole, infinite = good.copy(), good.copy()
    hole[100], infinite[100] = np.nan, np.inf
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "b" * 1000)
    rng = np.random.default_rng(0)
    hiss = 2e-4 * rng.standard_normal(8000)
    return {
        "empty.wav": (b"", "is empty"),
        "text.wav": (b"this is no sound\n" * 50, "cannot be decoded"),
        "page.mp3": (b"<!doctype html><title>404</title>" * 20, "cannot be decoded (not MP3)"),
        "archive.wav": (packed.getvalue(), "cannot be decoded"),
        "random.wav": (rng.bytes(3000), "cannot be decoded"),
        "random.flac": (rng.bytes(3000), "cannot be decoded"),
        "random.ogg": (rng.bytes(3000), "cannot be decoded"),
        "zeros.wav": (bytes(3000), "cannot be decoded"),
        "one-byte.wav": (b"R", "cannot be decoded"),
        "header-only.wav": (riff(), "holds no samples"),
        "half-a-header.wav": (riff()[:20], "is cut off"),
        "cut-off.wav": (riff(data=pcm)[:-2000], "is cut off"),
        "cut-off.flac": (flac[: len(flac) // 2], "cannot be decoded"),
        "wrong-codec.wav": (riff(kind=0x1234, data=pcm), "cannot be decoded"),
        "no-channels.wav": (riff(channels=0, data=pcm), "cannot be decoded"),
        "no-rate.wav": (riff(rate=0, data=pcm), "cannot be decoded"),
        "slow-rate.wav": (riff(rate=50, data=pcm), "has a rate of 50 Hz"),
        "silent.wav": (sound_bytes(np.zeros(4000)), "is silent"),
        "offset.wav": (sound_bytes(np.full(4000, 0.5)), "is silent"),
        "hiss.wav": (sound_bytes(hiss, subtype="FLOAT"), "is silent"),
        "short.wav": (sound_bytes(good[1000:1300]), "is too short: 38 ms"),
        "long.wav": (sound_bytes(np.tile(good, 120)), "is too long"),
        "nan.wav": (sound_bytes(hole, subtype="FLOAT"), "holds samples that are not numbers"),
        "infinite.wav": (sound_bytes(infinite, subtype="DOUBLE"), "holds samples that are not numbers"),
    }


def write_broken(folder):
    folder.mkdir(parents=True)
    for name, (data, _) in broken_files().items():
        (folder / name).write_bytes(data)
    # These three cannot be read because of what and where they are, not because of their contents.
    os.mkfifo(folder / "pipe.wav")
    (folder / "nowhere.wav").symlink_to(folder / "missing.wav")
    write_clip(folder.parent / "outside.wav", word(0, 0, 0), 8000)


def test_every_kind_of_broken_file_is_left_out_with_its_reason(tmp_path, folders_corpus):
    write_broken(tmp_path / "broken")
    for index in range(20):
        (tmp_path / "good").mkdir(exist_ok=True)
        write_clip(tmp_path / "good" / f"{index}.wav", word(0, 1, index), 8000)
    # Files that are no recordings at all are not mentioned.
    (tmp_path / "good" / "notes.txt").write_text("hello")
    (tmp_path / "good" / "._3.wav").write_bytes(b"resource fork")
    (tmp_path / "good" / "folder.wav").mkdir()

    corpus = open_corpus(tmp_path, allow_rejected=True)
    reasons = {item.path.name: item.reason for item in corpus.rejected}
    for name, (_, reason) in broken_files().items():
        assert reasons.pop(name).startswith(reason), name
    assert reasons.pop("pipe.wav") == "is not a file"
    assert reasons.pop("nowhere.wav").startswith("cannot be read (No such file")
    assert reasons.pop("outside.wav") == "lies outside the label folders"
    assert reasons == {}
    assert len(corpus.clips) == 20
    assert "\n" not in "".join(item.reason for item in corpus.rejected)

    with pytest.raises(CorpusError, match=r"27 of 47 recordings cannot be used, more than a tenth") as caught:
        open_corpus(tmp_path)
    assert "--allow-rejected" in str(caught.value)


def test_a_tenth_is_left_out_without_a_word_from_anyone(tmp_path):
    for index in range(9):
        write_clip(tmp_path / f"a_b_{index}.wav", word(0, 1, index), 8000)
    (tmp_path / "a_b_9.wav").write_bytes(b"")
    assert len(open_corpus(tmp_path).rejected) == 1
    (tmp_path / "a_b_10.wav").write_bytes(b"")
    with pytest.raises(CorpusError, match="2 of 11"):
        open_corpus(tmp_path)


def test_nothing_usable_is_an_error_even_when_allowed(tmp_path):
    (tmp_path / "a_b_0.wav").write_bytes(b"")
    with pytest.raises(CorpusError, match="1 of 1 recordings cannot be used"):
        open_corpus(tmp_path, allow_rejected=True)


def test_damaged_bytes_never_crash_the_scan(tmp_path):
    rng = np.random.default_rng(1)
    sources = [sound_bytes(word(0, 0, 0), format=kind) for kind in ("WAV", "FLAC", "OGG")]
    for index in range(120):
        data = bytearray(sources[index % 3])
        for place in rng.integers(0, len(data) if index % 2 else 60, 4):
            data[place] = rng.integers(256)
        (tmp_path / f"a_b_{index}.{('wav', 'flac', 'ogg')[index % 3]}").write_bytes(data)
    corpus = open_corpus(tmp_path, allow_rejected=True)
    assert len(corpus.clips) + len(corpus.rejected) == 120


def test_nothing_there(tmp_path, fresh_cache):
    with pytest.raises(
        CorpusError, match="no such folder, manifest or known corpus; the known ones are fsdd"
    ):
        open_corpus(tmp_path / "missing")
    with pytest.raises(CorpusError, match="holds no sound files"):
        open_corpus(tmp_path)
    with pytest.raises(CorpusError, match=r"fsdd: this corpus is not on this machine.*corpus get fsdd"):
        open_corpus("fsdd")
    with pytest.raises(CorpusError, match="holds no manifest"):
        open_corpus(tmp_path, layout="manifest")


def test_a_known_name_takes_only_its_own_labels(folders_corpus, tmp_path, monkeypatch):
    place = tmp_path / "speech_commands"
    for label in ("zero", "yes"):
        (place / label).mkdir(parents=True)
        write_clip(place / label / "ab12_nohash_0.wav", word(0, 0, 0), 16000)
    (place / "_background_noise_").mkdir()
    write_clip(place / "_background_noise_" / "hum.wav", word(0, 0, 1), 16000)
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path))
    assert open_corpus("speech_commands").labels == ("zero",)
    assert open_corpus(place).labels == ("yes", "zero")


def test_second_open_decodes_nothing(names_corpus, monkeypatch):
    first = open_corpus(names_corpus)
    monkeypatch.setattr("voxlet.corpus.scan.scan_file", None)  # would fail if it were called
    assert open_corpus(names_corpus) == first


def test_changed_file_is_scanned_again_and_changes_the_digest(tmp_path):
    for take in range(2):
        write_clip(tmp_path / f"a_b_{take}.wav", word(0, 0, take), 8000)
    before = open_corpus(tmp_path)
    write_clip(tmp_path / "a_b_1.wav", word(0, 0, 2), 8000)
    after = open_corpus(tmp_path)
    assert before.clips[0] == after.clips[0]
    assert before.clips[1].digest != after.clips[1].digest
    assert before.digest != after.digest


def test_digest_knows_labels_but_not_places(names_corpus, tmp_path):
    (tmp_path / "elsewhere").symlink_to(names_corpus)
    assert open_corpus(tmp_path / "elsewhere").digest == open_corpus(names_corpus).digest
    table = tmp_path / "m.csv"
    rows = [f"{clip.path},other,{clip.speaker},{clip.take}" for clip in open_corpus(names_corpus).clips]
    table.write_text("path,label,speaker,take\n" + "\n".join(rows))
    assert open_corpus(table).digest != open_corpus(names_corpus).digest


def test_damaged_scan_cache_is_made_again(names_corpus, fresh_cache):
    first = open_corpus(names_corpus)
    (cache,) = (fresh_cache / "scans").iterdir()
    for damage in (b"", b"{", b"[]", b'{"version": 2, "files": {"a": {"size": 1}}}', b"\xff"):
        cache.write_bytes(damage)
        assert open_corpus(names_corpus) == first


def test_cache_that_cannot_be_made(names_corpus, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FileError, match=r"the cache cannot be written.*set VOXLET_CACHE"):
        open_corpus(names_corpus)


def test_linked_folders_are_followed_once(names_corpus, tmp_path):
    (tmp_path / "part").symlink_to(names_corpus / "recordings")
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(open_corpus(tmp_path).clips) == 90


def test_labels():
    assert as_words(["7", "0"]) == {"7": "seven", "0": "zero"}
    assert as_words(["7", "10"]) == {"7": "7", "10": "10"}
    assert tidy_label(" cafe\u0301 ") == "caf\u00e9"
    assert sort_labels(["nine", "zero", "ten", "two", "two"]) == ("zero", "two", "nine", "ten")
    assert sort_labels(["two", "left"]) == ("left", "two")


def test_the_language_is_told_or_that_of_a_known_corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path))
    for name in ("fsdd", "mine"):
        (tmp_path / name / "recordings").mkdir(parents=True)
        write_clip(tmp_path / name / "recordings" / "0_ann_0.wav", word(0, 0, 0), 8000)
    assert open_corpus(tmp_path / "mine").language == "und"
    assert open_corpus(tmp_path / "mine", language="PT-br").language == "pt-BR"
    assert open_corpus("fsdd").language == open_corpus(tmp_path / "fsdd").language == "en"
    assert open_corpus("fsdd", language="en-GB").language == "en"
    assert open_corpus("fsdd").digest == open_corpus(tmp_path / "mine", language="ar").digest
    with pytest.raises(
        ConfigError, match=r"^language: is 'ar', but fsdd is in 'en'; leave the language out$"
    ):
        open_corpus("fsdd", language="ar")
    with pytest.raises(ConfigError, match=r"^language: 'english' is not a language tag"):
        open_corpus(tmp_path / "nothing", language="english")


def test_the_words_of_the_arabic_corpus():
    known = CATALOG["arabic_speech_commands"]
    assert (len(known.labels), len(set(known.labels)), known.language) == (40, 40, "ar")
    assert {CATALOG[name].language for name in ("fsdd", "audiomnist", "speech_commands")} == {"en"}


def test_every_file_is_accounted_for(tmp_path):
    """Every file is used, left out with a reason, or passed over by kind, and the counts add up."""
    words = tmp_path / "words"
    for label in ("yes", "no"):
        (words / label).mkdir(parents=True)
        for take in range(10):
            write_clip(words / label / f"{take}.wav", word(0, 1, take), 8000)
    (words / "yes" / "empty.wav").write_bytes(b"")
    (words / "yes" / "notes.txt").write_text("hello")
    (words / "yes" / ".0.wav").write_bytes(b"resource fork")
    (words / "yes" / "1.wav.bak").write_bytes((words / "yes" / "1.wav").read_bytes())
    (words / "yes" / "old.raw").write_bytes(bytes(1000))
    (words / "LICENCE").write_text("free")
    (words / "_background_noise_").mkdir()
    write_clip(words / "_background_noise_" / "hum.wav", word(0, 0, 0), 8000)
    os.mkfifo(words / "pipe")
    os.mkfifo(words / "pipe.csv")
    corpus = open_corpus(words)
    assert corpus.account == (
        "29 files: 20 used; 1 left out (1 is empty); 8 passed over (2 without an ending; "
        "1 .bak copies or unfinished files, by their ending; 1 .csv; "
        "1 .raw: give their rate with ffmpeg -f s16le -ar RATE -i yes/old.raw "
        "yes/old.wav; 1 .txt; "
        "1 .wav hidden; 1 .wav in folders of background noise or named _...)"
    )
    assert corpus.reading[0] == corpus.account


def test_what_a_table_does_not_list_is_accounted_for(tmp_path):
    for name in ("a", "b", "c"):
        write_clip(tmp_path / f"{name}.wav", word(0, 0, ord(name)), 8000)
    (tmp_path / "manifest.csv").write_text("path,label\na.wav,yes\nb.wav,no\n")
    account = "4 files: 2 used; 2 passed over (1 .csv; 1 .wav not in the table)"
    assert open_corpus(tmp_path).account == account
    assert open_corpus(tmp_path / "manifest.csv").account == account


def test_a_rate_that_cannot_be_is_doubted_by_name(voxlet_data, tmp_path):
    """Uses real words, as only their frequency bands reveal a rate that is wrong by an octave."""
    folder = voxlet_data / "fsdd" / "recordings"
    for label in "37":
        for take in range(6):
            for speaker in ("george", "lucas"):
                name = f"{label}_{speaker}_{take}.wav"
                (tmp_path / name).write_bytes((folder / name).read_bytes())
    path = tmp_path / "3_lucas_2.wav"
    samples, _ = soundfile.read(path, dtype="int16")
    assert open_corpus(tmp_path).notes == ()
    soundfile.write(path, samples, 4000)
    (note,) = open_corpus(tmp_path).notes
    assert note.startswith("3_lucas_2.wav is ")
    assert "its rate is probably 8,000, not 4,000 Hz" in note
    assert note.endswith("ffmpeg -i 3_lucas_2.wav -af asetrate=8000 NEW.wav")


@pytest.mark.parametrize("layout", ["{label}_{speaker}_{take}", "{label}/{speaker}_nohash_{take}"])
def test_a_take_that_is_there_in_several_kinds_of_file_counts_once(tmp_path, layout):
    for label in ("no", "yes"):
        for take in range(3):
            name = layout.format(label=label, speaker="ann", take=take)
            samples = word(len(label), 0, take)
            for ending in (".wav", ".flac", ".ogg")[: take + 1]:
                path = tmp_path / f"{name}{ending}"
                path.parent.mkdir(exist_ok=True)
                soundfile.write(path, samples, 8000)
    # One take exists only as OGG, and the best file of another take is damaged.
    for ending in (".wav", ".flac"):
        (tmp_path / f"{layout.format(label='no', speaker='ann', take=2)}{ending}").unlink()
    (tmp_path / f"{layout.format(label='yes', speaker='ann', take=1)}.wav").write_bytes(b"")
    (tmp_path / f"{layout.format(label='yes', speaker='ann', take=1)}.flac").write_bytes(b"")
    samples = word(3, 0, 9)
    soundfile.write(tmp_path / f"{layout.format(label='yes', speaker='ann', take=1)}.ogg", samples, 8000)
    corpus = open_corpus(tmp_path, allow_rejected=True)
    kinds = [(clip.label, clip.take, clip.path.suffix) for clip in corpus.clips]
    assert sorted(kinds) == [
        *(("no", "0", ".wav"), ("no", "1", ".flac"), ("no", "2", ".ogg")),
        *(("yes", "0", ".wav"), ("yes", "1", ".ogg"), ("yes", "2", ".flac")),
    ]
    assert "another kind of file" in corpus.account
    assert {(passed.kind, passed.count) for passed in corpus.passed} == {(".wav", 2), (".ogg", 1)}


def test_a_folder_of_ones_own_that_is_called_as_a_known_corpus_is_not_that(tmp_path):
    for name in ("fsdd", "base"):
        for take in range(3):
            path = tmp_path / name / f"no_ann_{take}.wav"
            path.parent.mkdir(exist_ok=True)
            write_clip(path, word(1, 0, take), 8000)
        corpus = open_corpus(tmp_path / name)
        assert corpus.name == f"{tmp_path.name}/{name}"
        assert corpus.language == "und"
        assert open_corpus(tmp_path / name, language="fr").language == "fr"


@pytest.mark.follows("corpus/corpus.py: leave it out, or give ./base for a folder of that name")
def test_the_recordings_of_a_base_have_their_own_layout_and_language(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    write_clip(tmp_path / "base" / "no_ann_0.wav", word(1, 0, 0), 8000)
    for given in ({"layout": "names"}, {"language": "en"}):
        with pytest.raises(ConfigError, match=f"{next(iter(given))} of 'base'") as caught:
            open_corpus("base", **given)
        asked = str(caught.value).split("give ")[1].split()[0]
        assert len(open_corpus(asked, **given).clips) == 1
