"""The second format of voice files: its checksum, the first format, later formats, untrusted texts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import tiny_voice
from voxlet.errors import VoiceError, VoxletError
from voxlet.speak.library import SHIPPED
from voxlet.speak.onnx.reader import read_metadata
from voxlet.speak.voice import load_voice
from voxlet.speak.voice_file import FORMAT, VoiceFile, parse_info, read_voice, with_metadata


@pytest.fixture(scope="module")
def data() -> bytes:
    return tiny_voice.voice_bytes()


@pytest.fixture
def read(tmp_path):
    def function(data: bytes) -> VoiceFile:
        (tmp_path / "a.voice").write_bytes(data)
        return read_voice(tmp_path / "a.voice")

    return function


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices of POSIX")
def test_a_file_without_an_end_is_no_voice():
    with pytest.raises(VoiceError, match="/dev/zero: is too large for a voice"):
        read_voice("/dev/zero")


def test_a_flipped_bit_is_found(read, data):
    """Flips bits at 250 random places of the whole file."""
    generator = np.random.default_rng(0)
    for bit in generator.integers(0, 8 * len(data), 250).tolist():
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VoiceError, match=r"damaged|its format|not a voxlet voice"):
            read(bytes(damaged))


def test_a_flipped_bit_is_found_wherever_the_file_describes_itself(read, data):
    """Flips every bit of the metadata: no change there makes a reader skip the checksum."""
    ours = data.index(b"voxlet") - 8
    for place in [*range(ours, ours + 60), *range(len(data) - 90, len(data))]:
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            with pytest.raises(VoxletError):
                read(bytes(damaged))


def test_what_is_added_or_cut_is_found(read, data):
    for changed in (data + b"\x72\x00", data + data, data[:-1], data[: -len(data) // 2], data + data[-84:]):
        with pytest.raises(VoiceError):
            read(changed)


def test_a_file_without_its_checksum_is_damaged(read, data):
    made = onnx.load_from_string(data)
    del made.metadata_props[-1]
    with pytest.raises(VoiceError, match="lost its checksum"):
        read(made.SerializeToString())


def test_files_of_the_first_format_speak_for_ever(tmp_path, data):
    files = [tmp_path / "first.voice", tmp_path / "second.voice"]
    for file, content in zip(files, (tiny_voice.format_1(data), data), strict=True):
        file.write_bytes(content)
    first, second = map(load_voice, files)
    assert (first.info.format, second.info.format) == (1, FORMAT)
    assert first.say("4091", seed=3).wav() == second.say("4091", seed=3).wav()


def test_another_card_renews_the_checksum(read, data):
    for before in (read(data), read(tiny_voice.format_1(data))):
        after = read(before.with_card({"scores": {"accuracy": 0.9}}))
        assert after.info.card == {"scores": {"accuracy": 0.9}}
        assert after.info.format == FORMAT
        assert after.digest == before.digest
        assert after.style_encoder == before.style_encoder
        assert after.info.labels == before.info.labels
        assert after.model != before.model


def test_with_metadata_keeps_the_graph_and_is_the_same_again(data):
    made, again = onnx.load_from_string(data), with_metadata(data, read_metadata(data))
    assert again == data
    other = onnx.load_from_string(with_metadata(data, {"voxlet": b"x" * 300}))
    assert other.graph == made.graph
    assert other.opset_import == made.opset_import
    assert [(entry.key, len(entry.value)) for entry in other.metadata_props] == [
        ("voxlet", 300),
        ("voxlet.sha256", 64),
    ]


def test_fields_of_later_versions_are_kept_and_passed_over(read):
    later = {"base": "english", "phrases": {"greeting": [0, 3]}}
    file = read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(later)))
    assert file.info.others == later
    assert read(file.with_card({})).info.others == later
    file = read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(requires=[])))
    assert "requires" not in file.info.others
    with pytest.raises(
        VoiceError, match=r"requires \"\['phrases'\]\", which this voxlet does not know; update"
    ):
        read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(requires=["phrases"])))


def test_other_spellings_are_read_and_kept(tmp_path):
    ways = {"zero": ["صفر", "sifr"], "two": ["ithnan"]}
    file = tmp_path / "tiny.voice"
    file.write_bytes(tiny_voice.voice_bytes(edit=lambda raw: raw.update(spellings=ways)))
    voice = load_voice(file)
    said, meant = (voice.say(text, seed=3).samples for text in ("صفر Ithnan", "zero two"))
    assert said.tobytes() == meant.tobytes()
    assert voice.sample(["sifr"], seed=1)[0].tobytes() == voice.sample(["zero"], seed=1)[0].tobytes()
    assert [voice.word(way) for way in ("SIFR", "zero", "three", "sifrs")] == ["zero", "zero", "three", None]
    other = tmp_path / "other.voice"
    other.write_bytes(
        tiny_voice.voice_bytes(edit=lambda raw: raw.update(spellings={"zero": ["nil"], "two": ["nil"]}))
    )
    both = load_voice(other)
    assert both.word("nil") == "zero"  # the first label has it, in a list of words as in a text
    assert both.say("nil", seed=3).samples.tobytes() == both.say("zero", seed=3).samples.tobytes()
    with pytest.raises(VoiceError, match="has no word 'sifrs'"):
        voice.sample(["sifrs"])
    assert parse_info(read_metadata(read_voice(file).with_card({}))["voxlet"]).spellings == voice.spellings


def test_how_far_takes_differ_is_read_and_kept(read):
    of = tiny_voice.info(attributes=("speed", "pitch"), variation={"speed": 0.125, "pitch": 1.5})
    file = read(tiny_voice.voice_bytes(of))
    assert file.info.variation == {"speed": 0.125, "pitch": 1.5}
    assert parse_info(read_metadata(file.with_card({}))["voxlet"]).variation == file.info.variation
    assert read(tiny_voice.voice_bytes()).info.variation == {}


def test_how_far_new_styles_lie_is_read_kept_and_counts(read):
    of = tiny_voice.info(style_std=np.array([0.75, 0.0], dtype=np.float32))
    file, without = read(tiny_voice.voice_bytes(of)), read(tiny_voice.voice_bytes())
    assert file.info.style_std.tolist() == [0.75, 0.0]
    assert parse_info(read_metadata(file.with_card({}))["voxlet"]).style_std.tolist() == [0.75, 0.0]
    assert without.info.style_std is None
    assert file.digest != without.digest


@pytest.mark.parametrize("std", [[], [1.0], [1.0, -0.1], [1.0, "1"], [float("nan")] * 2, [1e9, 1], 1.0, {}])
def test_new_styles_that_make_no_sense_are_refused(read, std):
    with pytest.raises(VoiceError, match="its field 'style_std' "):
        read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(style_std=std)))


@pytest.mark.parametrize(
    "spreads",
    [
        [],
        0.1,
        {"pitch": 1.0},  # not an attribute of this voice
        {"clarity": 0.1},  # does not differ from take to take
        {"loudness": 1.0},
        {"speed": -0.1},
        {"speed": 0.6},
        {"speed": True},
        {"speed": "0.1"},
        {"speed": None},
        {"speed": float("nan")},
        {"speed": 10**400},
    ],
)
def test_takes_that_differ_in_what_makes_no_sense_are_refused(read, spreads):
    of = tiny_voice.info(attributes=("speed", "clarity"))
    with pytest.raises(VoiceError, match="its field 'variation' "):
        read(tiny_voice.voice_bytes(of, edit=lambda raw: raw.update(variation=spreads)))


@pytest.mark.parametrize(
    "ways",
    [
        [],
        {"eleven": ["x"]},
        {"zero": "sifr"},
        {"zero": []},
        {"zero": ["a"] * 21},
        {"zero": ["a\x1b"]},
        {"zero": [1]},
        {"zero": ["\u200b"]},
    ],
)
def test_spellings_that_make_no_sense_are_refused(read, ways):
    with pytest.raises(VoiceError, match="its field 'spellings' "):
        read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(spellings=ways)))


def test_other_metadata_stays_when_the_card_changes(read, data):
    metadata = {**read_metadata(data), "someone.elses": b"note"}
    file = read(with_metadata(data, metadata))
    assert read_metadata(file.with_card({}))["someone.elses"] == b"note"


HOSTILE_TEXT = "a\x1b[2J\nb\u202ec\x9b1\u2028\ud800"


def test_control_characters_of_a_card_reach_nobody(read):
    card = {
        "licence": HOSTILE_TEXT,
        HOSTILE_TEXT: [HOSTILE_TEXT, {"deep": [[HOSTILE_TEXT]]}],
        "n": float("nan"),
    }
    file = read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(card=card, later=card)))
    for found in (file.info.card, file.info.others["later"]):
        text = "".join(texts(found))
        assert "a\ufffd[2J b\ufffdc\ufffd1 \ufffd" in text
        assert text.isprintable()
        assert found["n"] is None
        assert json.loads(json.dumps(found)) == found


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


def test_a_card_that_is_too_deep(read):
    deep: object = "x"
    for _ in range(30):
        deep = [deep]
    with pytest.raises(VoiceError, match="levels deep"):
        read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(card={"deep": deep})))


@pytest.mark.parametrize("name", ["a\x1b[2J", "\u202eevil", "a\u2028b", "a\x85b", "\u2066a", "tab\there"])
@pytest.mark.parametrize("field", ["name", "version", "labels", "speakers"])
def test_names_with_control_characters_are_refused(field, name):
    raw = json.loads(tiny_voice.info().to_json())
    raw[field] = {"labels": [name], "speakers": {name: [0.0, 0.0]}}.get(field, name)
    with pytest.raises(VoiceError, match=f"{field}.* holds a control character"):
        parse_info(json.dumps(raw))


def test_the_shipped_voice_is_of_today():
    assert read_voice(SHIPPED / "digits.voice").info.format == FORMAT


def test_the_language_of_a_voice(read):
    assert read(tiny_voice.voice_bytes()).info.language == "und"
    told = read(tiny_voice.voice_bytes(edit=lambda raw: raw.update(language="AR-eg")))
    assert told.info.language == "ar-EG"
    assert read(told.with_card({})).info.language == "ar-EG"
    older = read(tiny_voice.voice_bytes(edit=lambda raw: raw.pop("language")))
    assert (older.info.language, older.info.others) == ("und", {})
    for wrong in ("english", "", None, 3, ["en"], "en\x1b"):
        with pytest.raises(VoiceError, match="its field 'language' is not a language tag"):
            read(tiny_voice.voice_bytes(edit=lambda raw, wrong=wrong: raw.update(language=wrong)))
