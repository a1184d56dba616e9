"""Reading labels and speakers from file names: the layout that explains all names best, and doubts."""

from __future__ import annotations

from itertools import product

import pytest

from synthetic import word, write_clip
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.listing.layouts import list_entries
from voxlet.corpus.listing.pattern import Pattern
from voxlet.corpus.listing.sound_files import ASIDE
from voxlet.errors import ConfigError, CorpusError
from voxlet.words.spelling import fold


def write_names(root, *names):
    """Make empty files: names are read before any file is decoded."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def all_of(pattern, labels, speakers=("",), takes=range(3)) -> list[str]:
    return [
        pattern.format(label=one, speaker=who, take=take)
        for one, who, take in product(labels, speakers, takes)
    ]


def read(root, layout=None):
    listing = list_entries(root, layout)
    labels = {entry.label for entry in listing.entries if not entry.problem}
    return labels, {entry.speaker for entry in listing.entries if not entry.problem}, listing


COMMANDS = ("turn_left", "turn_right", "stop")
PEOPLE = ("anna", "ben", "cleo")
DAYS = ("20240130", "20240131")


@pytest.mark.parametrize(
    ("pattern", "labels", "speakers"),
    [
        ("{label}_{speaker}_{take}.wav", COMMANDS, ("anna",)),
        ("{label}_{speaker}_{take}.wav", COMMANDS, PEOPLE),
        ("{label}_{speaker}_{take}.wav", ("turn_left", "turn_right"), ("anna",)),
        ("{label}_{speaker}_{take}.wav", ("yes", "no"), ("ann_lee", "bob_lee")),
        ("{label}_{speaker}_{take}.wav", COMMANDS, ("anna_b", "carl")),
        ("some/box/{label}_{speaker}_{take}.wav", ("ja", "nein"), PEOPLE),
        ("{speaker}/{label}_{speaker}_{take}.wav", ("0", "1", "2"), ("01", "02", "03")),
        ("{speaker}_{label}_{take}.wav", ("yes", "no", "stop"), PEOPLE),
        ("{speaker}_{label}_{take}.wav", COMMANDS, PEOPLE),
        ("{label}/{speaker}_NO_{take:02}.flac", ("zoom in", "next"), ("00000012", "00000013")),
        ("dataset/{label}/{speaker}_NO_{take:02}.flac", ("eins", "zwei"), ("00000012", "00000013")),
        ("{label}/{speaker}_nohash_{take}.wav", ("eins", "zwei"), ("3ab01c", "ff01ab")),
        ("{label}/{speaker}/{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}/{speaker}/{take}.wav", ("eins", "zwei"), ("spk01", "spk02")),
        ("{speaker}/{label}/{take}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}/{label}/{take}.wav", ("eins", "zwei"), ("spk01", "spk02")),
        ("{label}/{speaker}_{take}.wav", ("eins", "zwei"), PEOPLE),
        ("{speaker}/{label}_{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}-{speaker}-{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}_{speaker}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}_{label}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}/{label}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}-{label}-{take}.wav", ("yes", "no"), PEOPLE),
        ("{label} {speaker} {take}.wav", ("ja", "nein"), PEOPLE),
        ("{label}.{speaker}.{take}.wav", ("ja", "nein"), PEOPLE),
        ("{label}__{speaker}__{take}.wav", ("turn_left", "stop"), ("ann_lee", "bob_lee")),
        ("{take}_{label}_{speaker}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}_{take}_{label}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}/{take}-{label}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}/{label}-{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}/{speaker} {take}.wav", ("eins", "zwei"), PEOPLE),
        ("all/{speaker}/session1/{label}_{take}.wav", ("yes", "no"), PEOPLE),
        ("{speaker}/{label}/{take}.wav", ("eins", "zwei"), ("f0", "f1", "m0")),
        ("{label}-{take}-{speaker}.wav", ("yes", "no"), PEOPLE),
        ("{speaker} - {label} - {take}.wav", ("yes", "no"), PEOPLE),
        ("rec_{label}_{speaker}_{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}_{speaker}_take{take}.wav", ("eins", "zwei"), PEOPLE),
        ("wav48/{speaker}/{speaker}_{label}_mic{take}.wav", ("yes", "no"), ("p225", "p226")),
        ("{speaker}/session{take}/{label}.wav", ("yes", "no"), PEOPLE),
        ("{label}/day{take}/{speaker}.wav", ("eins", "zwei"), PEOPLE),
        ("DR1/{speaker}/{label}{take}.WAV", ("yes", "no"), ("FCJF0", "MDAB0")),
        ("{label}/kit_{label}_{speaker}_{take}.wav", ("yes", "no"), PEOPLE),
        ("{label}/kit_{label}_{speaker}_{take}.wav", ("eins", "zwei"), PEOPLE),
        ("{label}/kit_{label}_{speaker}_{take}.wav", ("yes", "no"), ("ann",)),
        ("{label}/{speaker}_{label}_{take}.wav", ("eins", "zwei"), PEOPLE),
        ("{label}/{speaker}_20240131_{take}.wav", ("eins", "zwei"), PEOPLE),
        ("{speaker}_2024011{take}_{label}.wav", ("yes", "no"), PEOPLE),
        ("2024-01-1{take}/{label}/{speaker}_{take}.wav", ("eins", "zwei"), PEOPLE),
        ("{label}_{speaker} 2024-01-30 at 10.1{take}.12.wav", ("ja", "nein"), PEOPLE),
        ("clean/{label}/{speaker}_{take}.wav", ("eins", "zwei"), PEOPLE),
    ],
)
def test_the_reading_that_explains_all_names(tmp_path, pattern, labels, speakers):
    root = write_names(tmp_path, *all_of(pattern, labels, speakers))
    words = {"0": "zero", "1": "one", "2": "two"}
    found, people, listing = read(root)
    assert (found, people) == ({words.get(one, one) for one in labels}, set(speakers))
    assert f"{len(labels)} labels" in listing.layout


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (all_of("{label}_{take}.wav", ("yes", "no")), {"yes", "no"}),
        (all_of("{label}_{take}.wav", COMMANDS), set(COMMANDS)),
        (all_of("{label}{take}.wav", ("yes", "no")), {"yes", "no"}),
        (all_of("{label}-{take}.wav", ("yes", "no")), {"yes", "no"}),
        (all_of("{label} ({take}).wav", ("yes", "no")), {"yes", "no"}),
        (all_of("000{take}_{label}.wav", ("yes", "no")), {"yes", "no"}),
        (all_of("{label}/{speaker}/{take}.wav", ("eins", "zwei"), ("train", "test")), {"eins", "zwei"}),
        (
            all_of("{speaker}/{label}/{take}.wav", ("eins", "zwei"), ("train", "test", "val")),
            {"eins", "zwei"},
        ),
        (all_of("{label}/rec_{take}.wav", ("eins", "zwei")), {"eins", "zwei"}),
        (all_of("{label}/{label}{take}.wav", ("eins", "zwei")), {"eins", "zwei"}),
        (all_of("{label}/IMG_000{take}.wav", ("eins", "zwei")), {"eins", "zwei"}),
        (all_of("{label}/rec-{speaker}-00{take}.wav", ("yes", "no"), DAYS), {"yes", "no"}),
        (all_of("{label}/{speaker}_10-0{take}-11.wav", ("yes", "no"), DAYS), {"yes", "no"}),
        (all_of("{speaker}_{label}_{take}.wav", ("yes", "no"), DAYS), {"yes", "no"}),
        (all_of("{speaker}/{label}_{take}.wav", ("yes", "no"), DAYS), {"yes", "no"}),
        ([*all_of("{label}/{take}.wav", ("eins", "zwei")), "zwei/a b_c.wav"], {"eins", "zwei"}),
    ],
)
def test_labels_without_speakers(tmp_path, names, labels):
    found, people, _ = read(write_names(tmp_path, *names))
    assert (found, people) == (labels, {"unknown"})


@pytest.mark.parametrize(
    "pattern",
    ["{speaker}/{label}/a{take}.wav", "x/{speaker}/{label}_ann_{take}.wav", "{label}/{speaker}/{take}.wav"],
)
def test_folders_called_as_parts_are_the_split(tmp_path, pattern):
    names = all_of(pattern, ("yes", "no"), ("Train", "test", "dev"))
    found, _, listing = read(write_names(tmp_path, *names))
    assert found == {"yes", "no"}
    parts = {"Train": "train", "test": "test", "dev": "validation"}
    assert all(entry.part == parts[(set(entry.path.parts) & parts.keys()).pop()] for entry in listing.entries)
    assert "parts by folders, dev, test, train" in listing.layout
    one = write_names(tmp_path / "one", *all_of(pattern, ("yes", "no"), ("train",)))
    assert {entry.part for entry in read(one)[2].entries} == {""}


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("{label}/{part}/{speaker}_{take}.wav", "parts by folders, dev, test, train"),
        ("{part}_set/{label}/{speaker}_{take}.wav", "parts by folders, dev_set, test_set, train_set"),
        ("{part}-{label}-{speaker}-{take}.wav", "parts by what names begin with"),
    ],
)
def test_parts_are_no_labels_or_speakers(tmp_path, pattern, told):
    for part in ("train", "dev", "test"):
        write_names(tmp_path, *all_of(pattern.replace("{part}", part), ("yes", "no"), PEOPLE))
    labels, people, listing = read(tmp_path)
    assert (labels, people) == ({"yes", "no"}, set(PEOPLE))
    assert told in listing.layout
    expected = {"train": "train", "dev": "validation", "test": "test"}
    for entry in listing.entries:
        inside = str(entry.path.relative_to(tmp_path))
        assert entry.part == next(part for name, part in expected.items() if name in inside)
        assert entry.path.is_file()


def test_lists_as_speech_commands_has_them_are_the_split(tmp_path):
    write_names(tmp_path, *all_of("{label}/{speaker}_nohash_{take}.wav", ("ja", "nein"), ("0a", "1b", "2c")))
    (tmp_path / "testing_list.txt").write_text("ja/0a_nohash_0.wav\nnein/0a_nohash_0.wav\n")
    before = read(tmp_path)[2]
    assert {entry.part for entry in before.entries} == {""}
    (tmp_path / "validation_list.txt").write_text("ja/1b_nohash_2.wav\n")
    parts = {
        str(entry.path.relative_to(tmp_path)): entry.part
        for entry in read(tmp_path)[2].entries
        if entry.part != "train"
    }
    assert parts == {
        "ja/0a_nohash_0.wav": "test",
        "nein/0a_nohash_0.wav": "test",
        "ja/1b_nohash_2.wav": "validation",
    }


def test_folders_without_speech_stay_out(tmp_path):
    names = all_of(
        "{label}/{take}.wav", ("eins", "zwei", "background_noise", "_background_noise_", "Background_Noise")
    )
    found, _, listing = read(write_names(tmp_path, *names))
    assert found == {"eins", "zwei"}
    (passed,) = listing.passed
    assert (passed.kind, passed.count, passed.reason) == (".wav", 3 * len(names) // 5, ASIDE)


def test_two_readings_that_come_close_are_said(tmp_path):
    (note,) = read(write_names(tmp_path, *all_of("{label}/{speaker}/{take}.wav", ("eins", "zwei"), PEOPLE)))[
        2
    ].notes
    assert note.startswith(
        "the names could as well be {speaker}/{label}/* (labels anna, ben, cleo, speakers eins, "
    )
    assert not read(write_names(tmp_path / "b", *all_of("{label}_{speaker}_{take}.wav", "012", PEOPLE)))[
        2
    ].notes


def test_labels_like_speakers_and_a_single_label_are_said(tmp_path):
    people = write_names(tmp_path / "a", *all_of("{label}/{take}.wav", ("00000012", "00000013")))
    assert "the labels look like speakers (00000012, 00000013)" in read(people)[2].notes[0]
    single = write_names(tmp_path / "b", *all_of("clips/x{take}.wav", ("",)))
    assert "there is only one label, 'clips'" in read(single)[2].notes[-1]
    people = write_names(tmp_path / "c", *all_of("{label}/{take}.wav", ("f0", "f1", "f2")))
    assert "the labels look like speakers (f0, f1, f2)" in read(people)[2].notes[0]


def clips_of_sounds(pattern, count=40):
    """Names as in collections of sounds: fold, clip number, letter of the part, class."""
    return [
        pattern.format(fold=k % 5 + 1, clip=100_000 + 37 * k, part="ABC"[k % 3], kind=k % 7)
        for k in range(count)
    ]


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        (clips_of_sounds("{fold}-{clip}-{part}-{kind}.wav"), "the labels are numbers or codes (1, 2, 3 "),
        (clips_of_sounds("audio/{fold}-{clip}-{part}-{kind}.wav"), "the labels are numbers or codes"),
        (clips_of_sounds("{clip}-{kind}-0-0.wav"), "the labels are numbers or codes"),
        (clips_of_sounds("fold{fold}/{clip}-{kind}-0-{fold}.wav"), "the labels are numbers or codes"),
        (all_of("03-01-{label}-{speaker}-{take}.wav", ("01", "02"), ("01", "02", "03")), "numbers or codes"),
        (all_of("{speaker}/03-01-{label}-0{take}.wav", ("01", "02"), ("Actor_01", "Actor_02")), "look like"),
        ([f"{k * 7919:08x}-{k:04x}-4a7c.wav" for k in range(1, 9)], "the labels are numbers or codes"),
        (
            [f"{'abcdefgh'[k] * 3}_x{k}y_{'ja' if k % 2 else 'nein'}q{k}.wav" for k in range(8)],
            "single recording",
        ),
        (all_of("rec-{label}-00{take}.wav", DAYS), "there is only one label, 'rec'"),
        (all_of("PTT-{label}-WA000{take}.wav", DAYS), "there is only one label, 'PTT'"),
        (all_of("WhatsApp Audio 2024-01-30 at 10.1{take}.12.wav", ("",)), "there is only one label"),
        ([f"{k}__user{k % 4}__{'ja' if k % 2 else 'nein'}{k}.wav" for k in range(40)], "like speakers"),
        (
            all_of("{speaker}/{label}.wav", ("ja", "nein"), PEOPLE),
            "stand in every folder (ja, nein)",
        ),
        (
            all_of("{speaker}/{label}a.wav", ("1", "2", "o"), PEOPLE),
            "every folder (1a, 2a, oa)",
        ),
        (
            all_of("{label}/{speaker}.wav", ("ja", "nein"), PEOPLE),
            "every folder (anna, ben, cleo)",
        ),
        (all_of("{label}/s{take}_{speaker}_0.wav", ("ja", "nein"), PEOPLE), "two parts (s0, s1, s2; anna, "),
        (
            all_of("{label}{speaker}{take}.wav", ("Ja", "Nein"), ("Ann", "Bob")),
            "two parts (Ja, Nein; ",
        ),
        (all_of("{take}-{label}.wav", ("1", "2", "3"), takes=range(1, 5)), "could as well be"),
    ],
)
def test_names_that_say_little_are_doubted(tmp_path, names, doubt):
    notes = read(write_names(tmp_path, *names))[2].notes
    assert any(doubt in note and "--layout" in note for note in notes), notes


@pytest.mark.parametrize(
    "names",
    [
        all_of("{label}_{speaker}_{take}.wav", "0123456789", PEOPLE),
        all_of("{speaker}/{label}_{speaker}_{take}.wav", "0123456789", ("01", "02", "03")),
        all_of("{speaker}-{label}-{take}.wav", "0123456789", ("101", "102")),
        all_of("{label}/{take}.wav", "0123456789"),
        [f"{k % 29 + 1:02}/{k * 7 % 10}_{k % 29 + 1:02}_{k // 29}.wav" for k in range(90)],
        all_of("{label}/{speaker}{take}.wav", ("ja", "nein"), ("", "phone", "studio")),
        all_of("{label}/Recording ({take}).wav", ("ja", "nein")),
        all_of("{label}/Voice 00{take}.m4a.wav", ("ja", "nein")),
        all_of("{label}/{speaker}_nohash_0.wav", ("ja",) * 2 + ("nein",), [f"{k:08x}" for k in range(9)]),
        all_of("{label}/{speaker}_{take}.wav", ("yes", "no"), ("ann_lee", "bob_lee")),
    ],
)
def test_names_that_say_enough_are_not_doubted(tmp_path, names):
    assert read(write_names(tmp_path, *dict.fromkeys(names)))[2].notes == ()


def test_names_that_say_nothing_are_an_error(tmp_path):
    with pytest.raises(CorpusError, match=r"such as 03a01Fa\.wav, do not tell .*; list the"):
        read(write_names(tmp_path, "03a01Fa.wav", "08a01Na.wav", "09b01Wb.wav"))


def test_days_in_names_are_kept_in_takes(tmp_path):
    listing = read(write_names(tmp_path, *all_of("{label}_{speaker}_{take}.wav", ("yes", "no"), DAYS)))[2]
    assert len({(entry.label, entry.take) for entry in listing.entries}) == len(listing.entries) == 12
    assert all(entry.path.is_file() for entry in listing.entries)
    assert listing.layout.endswith("; without the dates in names")


def test_a_layout_can_be_told(tmp_path):
    root = write_names(tmp_path, *all_of("{speaker}-{label}.{take}.wav", ("ja", "nein"), PEOPLE), "x.wav")
    found, people, listing = read(root, "{speaker}-{label}.{take}")
    assert (found, people) == ({"ja", "nein"}, set(PEOPLE))
    assert [entry.problem for entry in listing.entries if entry.problem] == [
        "its name does not fit {speaker}-{label}.{take}"
    ]
    assert listing.layout == "{speaker}-{label}.{take}, as given"
    nested = write_names(tmp_path / "n", *all_of("{label}/{speaker}/{take}.wav", ("ja", "nein"), PEOPLE))
    assert read(nested, "{speaker}/{label}/*")[0] == set(PEOPLE)


@pytest.mark.follows("corpus/listing/layouts.py: correct --layout, or leave it out to have it detected")
@pytest.mark.parametrize("layout", ["{label}/{label}", "{label}/{speaker}_nohash_{take}", "{label}.{take}"])
def test_a_layout_that_reads_nothing_is_refused(tmp_path, layout):
    root = write_names(tmp_path, *all_of("{label}/{speaker}_{take}.wav", ("ja", "nein"), PEOPLE))
    with pytest.raises(CorpusError) as caught:
        read(root, layout)
    assert f"no file name fits {layout}, such as ja/anna_0.wav; correct --layout" in str(caught.value)
    for told in (None, "{label}/{speaker}_{take}"):  # left out, or mended
        assert read(root, told)[:2] == ({"ja", "nein"}, set(PEOPLE))


def test_what_a_layout_does_not_read_in_a_label_s_folder_is_said(tmp_path):
    names = all_of("{label}/{speaker}_NO_{take}.wav", ("ja", "nein"), PEOPLE)
    root = write_names(tmp_path, *names, "ja/x.wav", "nein/y.wav")
    found, _, listing = read(root, "{label}/{speaker}_NO_{take}")
    assert (found, len(listing.entries)) == ({"ja", "nein"}, len(names) + 2)
    assert "2 file names do not fit {label}/{speaker}_NO_{take}, such as ja/x.wav" in listing.notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heap", "no layout is called 'heap'; give names, folders, manifest or a pattern"),
        ("{speaker}_{take}", "has no {label}"),
        ("{label}{take}", "two fields with nothing between them"),
        ("{label}*", "two fields with nothing between them"),
        ("{word}_{label}", "no field is called {word}"),
        ("{label}_{", "holds a lone '{'"),
    ],
)
def test_a_layout_that_is_none(tmp_path, text, says):
    with pytest.raises(ConfigError) as caught:
        open_corpus(tmp_path, layout=text)
    assert says in str(caught.value)


def test_readings_of_one_name(tmp_path):
    pattern = Pattern("{label}_{speaker}_{take}", counted=True)
    assert pattern.readings(tmp_path / "a_b_c_1.wav", tmp_path) == [
        {"label": "a", "speaker": "b_c", "take": "1"},
        {"label": "a_b", "speaker": "c", "take": "1"},
    ]
    assert pattern.readings(tmp_path / "a_b_c.wav", tmp_path) == []
    assert len(pattern.readings(tmp_path / f"{'a_' * 100}1.wav", tmp_path)) == 64
    assert Pattern("{label}/{label}_*").readings(tmp_path / "a" / "b_1.wav", tmp_path) == []


@pytest.mark.parametrize(
    "spellings",
    [
        ("Yes", "yes", "YES"),
        ("turn_left", "turn-left", "Turn Left", "turn\u2011left", "turn \u2013 left", "turn__left"),
        ("caf\u00e9", "cafe\u0301", "Cafe\u0301"),
        ("don't", "don\u2019t", "don\u02bct"),
        ("\uff59\uff45\uff53", "yes"),
    ],
)
def test_one_word_in_several_spellings(spellings):
    assert len({fold(one) for one in spellings}) == 1


def test_what_is_another_word():
    words = ("x2", "x\u00b2", "xx", "_", "-", "turnleft", "turn left", "\u00bd", "1/2")
    assert len({fold(one) for one in words}) == len(words)


def test_spellings_are_merged_and_said(tmp_path):
    names = ["Yes/0.wav", "Yes/1.wav", "yes/0.wav", "No/0.wav", "no/0.wav"]
    for take, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_clip(tmp_path / name, word(0, 0, take), 8000)
    corpus = open_corpus(tmp_path)
    assert corpus.labels == ("Yes", "no")
    assert corpus.notes == (
        "one word in several spellings: 'No' (1) counted as 'no' (1)",
        "one word in several spellings: 'yes' (1) counted as 'Yes' (2)",
    )


def test_a_table_and_names_that_spell_a_label_differently_agree(tmp_path):
    names = [f"turn_left/{who}_nohash_{take}.wav" for who in ("ann", "bob") for take in range(3)]
    names += [name.replace("turn_left", "go") for name in names]
    write_names(tmp_path, *names)
    rows = [f"{name},{'Turn left' if 'turn' in name else 'go'}" for name in names]
    (tmp_path / "metadata.csv").write_text("\n".join(["file,label", *rows]))
    entries = list_entries(tmp_path).entries
    assert {(entry.label, entry.speaker) for entry in entries} == {
        (label, who) for label in ("Turn left", "go") for who in ("ann", "bob")
    }
