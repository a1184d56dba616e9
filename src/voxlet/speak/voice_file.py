"""Voice files: read, check and write their metadata without running anything in them.

A voice file is one ONNX model; docs/voice-file.md describes it. Its graph takes `noise` (B, L, Z) float32,
`label` (B,) int64, `style` (B, S) float32 and optionally `attributes` (B, A) float32. It returns `waveform`
(B, T) float32 and `length` (B,) int64, the number of valid samples in each row. Its metadata holds the JSON
of a `VoiceInfo`, optionally the style encoder as a second model in base64 (from `clip` (1, T) float32 at the
voice's rate to `style` (1, S) float32), and a checksum.

A voice file may come from an untrusted source, so every size is bounded, a file never refers to data outside
itself, and every problem is raised as a `VoiceError`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import numpy as np

from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.manner import BOUNDS
from voxlet.speak.onnx.reader import MODEL_METADATA, read_metadata, wire_fields
from voxlet.words.language import UNKNOWN_LANGUAGE, check_language
from voxlet.words.spelling import is_blank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.speak.speech import Style

FORMAT, FORMATS = 2, (1, 2)  # the format written; the formats read
SUFFIX = ".voice"
INFO_KEY, ENCODER_KEY, CHECKSUM_KEY = "voxlet", "voxlet.style_encoder", "voxlet.sha256"

ATTRIBUTES = "attributes"  # a field, and a feature that `requires` names
VARIATION, STYLE_STD = "variation", "style_std"  # fields

# Limits, far above what any sensible voice needs and far below what would do harm.
MOST_BYTES = 96 * 2**20
MOST_INFO_BYTES = 8 * 2**20
MOST_LABELS = 10_000
MOST_SPELLINGS = 20  # per label, besides the label itself
MOST_SPEAKERS = 20_000
LONGEST_NAME = 100  # characters of a name, label or speaker
MOST_FRAMES, MOST_LATENT, MOST_STYLE = 8_192, 1_024, 1_024
MOST_NOISE = 2**18  # noise values per word: frames times latent size
RATES = (4_000, 192_000)  # Hz
MOST_SPREAD = {"speed": 0.5, "pitch": 6.0}  # standard deviations among takes: of log speed, of semitones
FARTHEST_STYLE = 100.0  # the prior is a standard normal: no sensible style is further out
DEEPEST_CARD = 20  # levels of nested objects and lists
EXPORT_AGAIN = "fetch or export it again"
UPDATE = f"update voxlet, or {EXPORT_AGAIN}"

# Control characters, line separators, bidirectional controls, surrogates.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class VoiceInfo:
    """The metadata of a voice: a word is L frames of Z latents, a style is S numbers.

    No text has control characters: names with one are refused; in `card` and `others` each is replaced.
    """

    name: str
    rate: int
    labels: tuple[str, ...]
    frames: int
    latent_size: int
    style_size: int
    styles: Mapping[str, Style]  # style (S,) of each named speaker
    version: str = "1"
    card: Mapping[str, object] = field(default_factory=dict)  # data, licence, credit, training, scores
    format: int = FORMAT  # of the file that was read; files of format 1 have no checksum
    others: Mapping[str, object] = field(default_factory=dict)  # fields that this version does not know
    language: str = UNKNOWN_LANGUAGE  # of the labels, a BCP 47 tag
    attributes: tuple[str, ...] = ()  # that can be set, in the order of the graph's input
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # other spellings of labels
    variation: Mapping[str, float] = field(default_factory=dict)  # spread among takes, see `Manner.of_take`
    style_std: Style | None = None  # standard deviations (S,) of new styles; None: 1 each

    def to_json(self) -> str:
        """The JSON text for a new file's metadata; `parse_info` reads it back."""
        speakers = {name: _numbers(style) for name, style in self.styles.items()}
        return json.dumps(
            {
                **self.others,
                "format": FORMAT,
                "version": self.version,
                "name": self.name,
                "rate": self.rate,
                "labels": list(self.labels),
                "language": self.language,
                **(
                    {"spellings": {label: list(ways) for label, ways in self.spellings.items()}}
                    if self.spellings
                    else {}
                ),
                "frames": self.frames,
                "latent_size": self.latent_size,
                "style_size": self.style_size,
                "speakers": speakers,
                "card": dict(self.card),
                **(
                    {"attributes": list(self.attributes), "requires": [ATTRIBUTES]} if self.attributes else {}
                ),
                **({VARIATION: dict(self.variation)} if self.variation else {}),
                **({} if self.style_std is None else {STYLE_STD: _numbers(self.style_std)}),
            }
        )


@dataclass(frozen=True)
class VoiceFile:
    """A voice file whose metadata has been checked, but not its graph."""

    path: Path
    info: VoiceInfo
    model: bytes
    style_encoder: str | None  # base64

    @property
    def digest(self) -> str:
        """SHA-256 of what decides how the voice sounds: graph, `variation` and `style_std`, not the card."""
        found = hashlib.sha256()
        for number, _, content in wire_fields(memoryview(self.model)):
            if number != MODEL_METADATA and not isinstance(content, int):
                found.update(content)
        if self.info.variation:
            found.update(json.dumps(sorted(self.info.variation.items())).encode())
        if self.info.style_std is not None:
            found.update(json.dumps(_numbers(self.info.style_std)).encode())
        return found.hexdigest()

    def with_card(self, card: Mapping[str, object]) -> bytes:
        """The bytes of the same voice with another model card, in the current format."""
        metadata = read_metadata(self.model)
        metadata[INFO_KEY] = replace(self.info, card=card).to_json().encode()
        return with_metadata(self.model, metadata)


def with_metadata(model: bytes, metadata: Mapping[str, bytes]) -> bytes:
    """The bytes of a model with its metadata replaced by `metadata`, and a checksum of it all at the end."""
    parts = []
    for number, wire, content in wire_fields(memoryview(model)):
        if number != MODEL_METADATA:
            parts += [_varint(number << 3 | wire), *_content(content)]
    parts += [_entry(key, value) for key, value in metadata.items() if key != CHECKSUM_KEY]
    body = b"".join(parts)
    return body + _checksum(body)


def _checksum(body: bytes | memoryview) -> bytes:
    return _entry(CHECKSUM_KEY, hashlib.sha256(body).hexdigest().encode())


def _entry(key: str, value: bytes) -> bytes:
    pair = b"".join([b"\x0a", *_content(key.encode()), b"\x12", *_content(value)])
    return b"".join([_varint(MODEL_METADATA << 3 | 2), *_content(pair)])


def _content(value: int | bytes | memoryview) -> list[bytes | memoryview]:
    return [_varint(value)] if isinstance(value, int) else [_varint(len(value)), value]


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def read_voice(path: str | os.PathLike[str]) -> VoiceFile:
    """Read a voice file and check its metadata, without running anything in it.

    Raises:
        VoiceError: The file is missing, too large, damaged or not a voice, or its metadata is invalid.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise VoiceError(f"is too large for a voice ({size:,} bytes)", where=path)
        with path.open("rb") as file:  # the size of a pipe or a device is not known beforehand
            model = file.read(MOST_BYTES + 1)
        if len(model) > MOST_BYTES:
            raise VoiceError(f"is too large for a voice (more than {MOST_BYTES:,} bytes)", where=path)
    except (OSError, ValueError) as error:  # ValueError: no file can have such a path
        raise VoiceError(f"cannot be read ({getattr(error, 'strerror', error)})", where=path) from error
    try:
        metadata = read_metadata(model)
        if INFO_KEY not in metadata:
            raise VoiceError("is a model, but not a voxlet voice")
        if CHECKSUM_KEY in metadata:
            _compare_checksum(model)
        info = parse_info(metadata[INFO_KEY])
        if info.format > 1 and CHECKSUM_KEY not in metadata:
            raise VoiceError("is damaged: it lost its checksum", remedy=EXPORT_AGAIN)
        encoder = metadata.get(ENCODER_KEY)
        return VoiceFile(path, info, model, None if encoder is None else encoder.decode("ascii"))
    except VoiceError as error:
        raise VoiceError(error.what, where=path, remedy=error.remedy) from error
    except (ValueError, RecursionError) as error:
        raise VoiceError("is damaged, or not a voice file", where=path, remedy=EXPORT_AGAIN) from error


def _compare_checksum(model: bytes) -> None:
    body = memoryview(model)[: -len(_checksum(b""))]
    if bytes(model[len(body) :]) != _checksum(body):
        raise VoiceError("is damaged: its checksum does not fit", remedy=EXPORT_AGAIN)


def parse_info(text: bytes | str) -> VoiceInfo:
    """Read and check the JSON of a voice's metadata.

    Raises:
        VoiceError: A field is missing, of the wrong type, not finite or out of bounds; the error names it.
    """
    if len(text) > MOST_INFO_BYTES:
        _refuse("metadata", f"has {len(text):,} bytes")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VoiceError("its metadata is not JSON", remedy=EXPORT_AGAIN) from error
    if not isinstance(raw, dict):
        _refuse("metadata", "is not an object")
    number = raw.get("format")
    if number not in FORMATS or not isinstance(number, int) or isinstance(number, bool):
        raise VoiceError(
            f"its format is {str(number)[:20]!r}, this voxlet reads {' and '.join(map(str, FORMATS))}",
            remedy=UPDATE,
        )
    if raw.get("requires", []) not in ([], [ATTRIBUTES]):
        raise VoiceError(
            f"it requires {str(raw['requires'])[:80]!a}, which this voxlet does not know",
            remedy=UPDATE,
        )
    labels = raw.get("labels")
    if not isinstance(labels, list) or not 1 <= len(labels) <= MOST_LABELS:
        _refuse("labels", f"is not a list of 1 to {MOST_LABELS} words")
    labels = [_name(label, "labels") for label in labels]
    if len(set(labels)) != len(labels):
        _refuse("labels", "names a word twice")
    frames = _whole(raw, "frames", 1, MOST_FRAMES)
    latent_size = _whole(raw, "latent_size", 1, MOST_LATENT)
    if frames * latent_size > MOST_NOISE:
        _refuse("frames", f"and latent_size together are out of bounds ({frames} x {latent_size})")
    style_size = _whole(raw, "style_size", 1, MOST_STYLE)
    speakers = raw.get("speakers")
    if not isinstance(speakers, dict) or len(speakers) > MOST_SPEAKERS:
        _refuse("speakers", "is not an object of names and styles")
    styles = {_name(name, "speakers"): _style(style, style_size, name) for name, style in speakers.items()}
    std = raw.get(STYLE_STD)
    card = _cleaned(raw.get("card", {}), "card")
    if not isinstance(card, dict):
        _refuse("card", "is not an object")
    attributes = _attributes(raw.get(ATTRIBUTES, []))
    others = {_name(key, "its own name"): _cleaned(raw[key], "others") for key in raw if key not in KNOWN}
    return VoiceInfo(
        name=_name(raw.get("name"), "name"),
        rate=_whole(raw, "rate", *RATES),
        labels=tuple(labels),
        language=_language(raw.get("language", UNKNOWN_LANGUAGE)),
        frames=frames,
        latent_size=latent_size,
        style_size=style_size,
        styles=styles,
        version=_name(raw.get("version"), "version"),
        card=card,
        format=number,
        others=others,
        attributes=attributes,
        variation=_variation(raw.get(VARIATION, {}), attributes),
        spellings=_spellings(raw.get("spellings", {}), labels),
        style_std=None if std is None else _style(std, style_size, "new styles", STYLE_STD, least=0.0),
    )


def _attributes(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or len(set(map(repr, names))) != len(names):
        _refuse(ATTRIBUTES, "is not a list of different names")
    for name in names:
        if not isinstance(name, str) or name not in BOUNDS:
            _refuse(ATTRIBUTES, f"names {str(name)[:LONGEST_NAME]!a}, which this voxlet does not know")
    return tuple(names)


def _variation(raw: object, attributes: Sequence[str]) -> dict[str, float]:
    if not isinstance(raw, dict) or not raw.keys() <= MOST_SPREAD.keys() & set(attributes):
        _refuse(VARIATION, "is not an object of attributes that can be asked for and that takes differ in")
    for name, spread in raw.items():
        number = isinstance(spread, int | float) and not isinstance(spread, bool)
        if not number or not 0 <= spread <= MOST_SPREAD[name]:  # NaN fails, too
            _refuse(VARIATION, f"has no {name} from 0 to {MOST_SPREAD[name]:g}")
    return {name: float(spread) for name, spread in raw.items()}


def _spellings(raw: object, labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(raw, dict) or not raw.keys() <= set(labels):
        _refuse("spellings", "is not an object of labels")
    for ways in raw.values():
        if not isinstance(ways, list) or not 1 <= len(ways) <= MOST_SPELLINGS:
            _refuse("spellings", f"has no list of 1 to {MOST_SPELLINGS} words for each")
    return {label: tuple(_name(way, "spellings") for way in ways) for label, ways in raw.items()}


# The metadata fields that this version reads, see `VoiceInfo.to_json`.
KNOWN = {"format", "requires", "version", "name", "rate", "labels", "frames", "latent_size", "style_size"}
KNOWN |= {"speakers", "card", "language", "spellings", ATTRIBUTES, VARIATION, STYLE_STD}


def _cleaned(value: object, name: str, depth: int = 0) -> object:
    """A JSON value with control characters replaced, and NaN and infinity turned into null."""
    if depth > DEEPEST_CARD:
        _refuse(name, f"is more than {DEEPEST_CARD} levels deep")
    if isinstance(value, str):
        return CONTROL.sub(lambda found: " " if found[0].isspace() else "\ufffd", value)
    if isinstance(value, list):
        return [_cleaned(one, name, depth + 1) for one in value]
    if isinstance(value, dict):
        return {_cleaned(key, name, depth): _cleaned(one, name, depth + 1) for key, one in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _refuse(name: str, problem: str) -> NoReturn:
    raise VoiceError(f"its field {name!r} {problem}", remedy=EXPORT_AGAIN)


def _whole(raw: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _refuse(name, f"is not a whole number from {least} to {most}")
    return value


def _name(value: object, name: str) -> str:
    if (problem := unfit(value)) is not None:
        _refuse(name, problem)
    return cast("str", value)


def unfit(name: object) -> str | None:
    """Why a voice file cannot hold this name of a voice, label or speaker; None if it can."""
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME or is_blank(name):
        return f"is not text of 1 to {LONGEST_NAME} characters"
    return "holds a control character" if CONTROL.search(name) else None


def _language(value: object) -> str:
    try:
        return check_language(value if isinstance(value, str) else "")
    except ConfigError:
        _refuse("language", "is not a language tag")


def _style(
    values: object, size: int, whose: str, name: str = "speakers", *, least: float = -FARTHEST_STYLE
) -> Style:
    if not isinstance(values, list) or len(values) != size:
        _refuse(name, f"has no {size} numbers for {whose[:LONGEST_NAME]!r}")
    for value in values:
        # NaN and infinity fail the comparison; so does an integer too large for a float.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= FARTHEST_STYLE:
            _refuse(name, f"has a style out of bounds for {whose[:LONGEST_NAME]!r}")
    return np.array(values, dtype=np.float32)


def _numbers(style: Style) -> list[float]:
    return [round(float(value), 6) for value in style]
