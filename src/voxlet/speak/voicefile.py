"""The voice file from outside: where it lies, what its metadata says, checked before anything in it is run.

A voice file is one ONNX model. Its graph takes `noise` (B, L, Z) float32, `label` (B,) int64 and `style`
(B, S) float32, and gives `waveform` (B, T) float32 and `length` (B,) int64, the valid samples of each row.
Its metadata holds `voxlet`, the JSON of a `VoiceInfo`, and perhaps `voxlet.style_encoder`, a second model in
base64 that hears a style: `clip` (1, T) float32 at the voice's rate in, `style` (1, S) float32 out.

A voice may come from a stranger, so everything is bounded, a file never refers to data outside itself, and
whatever is wrong is one `VoiceError`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from voxlet.errors import VoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voxlet.speak.speech import Style

FORMAT = 1
SUFFIX = ".voice"
INFO_KEY, ENCODER_KEY = "voxlet", "voxlet.style_encoder"
SHIPPED = Path(__file__).parent / "voices"

# Bounds, far above any sensible voice and far below what would hurt.
MOST_BYTES = 256 * 2**20
MOST_INFO_BYTES = 8 * 2**20
MOST_LABELS = 10_000
MOST_SPEAKERS = 20_000
LONGEST_NAME = 100  # characters of a name, label or speaker
MOST_FRAMES, MOST_LATENT, MOST_STYLE = 8_192, 1_024, 1_024
MOST_NOISE = 2**18  # numbers of noise per word, frames times latent size
RATES = (4_000, 192_000)  # Hz
FARTHEST_STYLE = 100.0  # the prior is a standard normal: nothing sensible lies further out

# Where the fields that are read stand in ONNX's protobuf messages (onnx.proto3).
MODEL_GRAPH, MODEL_METADATA, MODEL_FUNCTION = 7, 14, 25
GRAPH_NODE, FUNCTION_NODE, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 7, 4, 5
ATTRIBUTE_GRAPHS = (6, 11)
LOOPS = (b"Loop", b"Scan")


@dataclass(frozen=True, eq=False)
class VoiceInfo:
    """What a voice file says about itself: L frames of Z latents make a word, S numbers a style."""

    name: str
    rate: int
    labels: tuple[str, ...]
    frames: int
    latent_size: int
    style_size: int
    styles: Mapping[str, Style]  # of each named speaker, (S,)
    version: str = "1"
    card: Mapping[str, object] = field(default_factory=dict)  # data, licence, credit, training, scores

    def to_json(self) -> str:
        """The text for the file's metadata, which `parse_info` reads."""
        speakers = {name: [round(float(value), 6) for value in style] for name, style in self.styles.items()}
        return json.dumps(
            {
                "format": FORMAT,
                "version": self.version,
                "name": self.name,
                "rate": self.rate,
                "labels": list(self.labels),
                "frames": self.frames,
                "latent_size": self.latent_size,
                "style_size": self.style_size,
                "speakers": speakers,
                "card": dict(self.card),
            }
        )


@dataclass(frozen=True)
class VoiceFile:
    """A voice file whose metadata is sound; its graph has not been looked into yet."""

    path: Path
    info: VoiceInfo
    model: bytes
    style_encoder: str | None  # base64

    @property
    def digest(self) -> str:
        """SHA-256 of all but the metadata: what decides how the voice sounds, whatever its card says."""
        found = hashlib.sha256()
        for number, content in _fields(memoryview(self.model)):
            if number != MODEL_METADATA:
                found.update(content)
        return found.hexdigest()


def folders() -> list[Path]:
    """Where voices are looked for: `VOXLET_VOICES` or the user's data folder, then what voxlet ships."""
    if listed := os.environ.get("VOXLET_VOICES"):
        return [*(Path(folder).expanduser() for folder in listed.split(os.pathsep) if folder), SHIPPED]
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return [Path(data).expanduser() / "voxlet" / "voices", SHIPPED]


def available() -> dict[str, Path]:
    """Voices that can be asked for by name; an installed one hides a shipped one of its name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_voice(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a shipped or installed voice, or the path itself.

    Raises:
        VoiceError: There is none.
    """
    path = Path(name_or_path)
    named = str(name_or_path)
    if path.name == named and path.suffix not in (SUFFIX, ".onnx"):
        voices = available()
        if named in voices:
            return voices[named]
        if not _is_file(path):
            raise VoiceError(
                f"there is no voice {named!r}",
                remedy=f"there is: {', '.join(voices)}" if voices else "give the path of a .voice file",
            )
    if not _is_file(path):
        raise VoiceError("no such voice file", where=path, remedy="`voxlet voices` lists what there is")
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def read_voice(path: str | os.PathLike[str]) -> VoiceFile:
    """Read a voice file and check its metadata, without running anything in it.

    Raises:
        VoiceError: It is missing, too large, damaged, no voice, or its metadata makes no sense.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise VoiceError(f"is too large for a voice ({size:,} bytes)", where=path)
        model = path.read_bytes()
    except OSError as error:
        raise VoiceError(f"cannot be read ({error.strerror})", where=path) from error
    try:
        properties = _metadata(model)
        if INFO_KEY not in properties:
            raise VoiceError("is a model, but not a voxlet voice")
        refuse_dangers(model, properties)
        info = parse_info(properties[INFO_KEY])
        encoder = properties.get(ENCODER_KEY)
        return VoiceFile(path, info, model, None if encoder is None else encoder.decode("ascii"))
    except VoiceError as error:
        raise VoiceError(error.what, where=path, remedy=error.remedy) from error
    except (ValueError, RecursionError) as error:
        raise VoiceError(
            "is damaged, or not a voice file", where=path, remedy="fetch or export it again"
        ) from error


def parse_info(text: bytes | str) -> VoiceInfo:
    """Read and check the JSON of a voice's metadata.

    Raises:
        VoiceError: Something is missing, of the wrong type, not finite or out of bounds; it names the field.
    """
    if len(text) > MOST_INFO_BYTES:
        _refuse("metadata", f"has {len(text):,} bytes")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VoiceError("its metadata is not JSON", remedy="fetch or export it again") from error
    if not isinstance(raw, dict):
        _refuse("metadata", "is not an object")
    if raw.get("format") != FORMAT or isinstance(raw["format"], bool):
        raise VoiceError(
            f"its format is {str(raw.get('format'))[:20]!r}, this voxlet reads {FORMAT}",
            remedy="update voxlet, or export the voice again",
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
    card = raw.get("card", {})
    if not isinstance(card, dict):
        _refuse("card", "is not an object")
    return VoiceInfo(
        name=_name(raw.get("name"), "name"),
        rate=_whole(raw, "rate", *RATES),
        labels=tuple(labels),
        frames=frames,
        latent_size=latent_size,
        style_size=style_size,
        styles=styles,
        version=_name(raw.get("version"), "version"),
        card=card,
    )


def refuse_dangers(model: bytes, properties: Mapping[str, bytes]) -> None:
    """Refuse a model that refers to data outside its file, or that loops and so may never end.

    A tensor kept elsewhere says where under the key `location`, so any model that has one holds these bytes.

    Raises:
        VoiceError: It does.
    """
    mentioned = sum(value.count(b"location") for value in properties.values())
    if model.count(b"location") > mentioned:
        raise VoiceError("refers to data outside the file", remedy="export the voice as a single file")
    if any(loop in model for loop in LOOPS) and any(name in LOOPS for name in _operators(memoryview(model))):
        raise VoiceError("has a loop in its graph, which a voice must not have")


def _metadata(model: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    fields = list(_fields(memoryview(model)))
    if not any(number == MODEL_GRAPH for number, _ in fields):
        raise ValueError("no graph")
    for number, entry in fields:
        if number == MODEL_METADATA:
            pair = dict(_fields(entry))
            key = bytes(pair.get(1, b"")).decode()
            if key in found:
                raise ValueError("the same key twice")
            found[key] = bytes(pair.get(2, b""))
    return found


def _operators(model: memoryview) -> Iterator[bytes]:
    """The operators of all nodes in the model, its functions and the graphs inside its nodes."""
    for number, value in _fields(model):
        if number == MODEL_GRAPH:
            yield from _node_operators(value, GRAPH_NODE)
        elif number == MODEL_FUNCTION:
            yield from _node_operators(value, FUNCTION_NODE)


def _node_operators(graph: memoryview, node_number: int) -> Iterator[bytes]:
    for number, node in _fields(graph):
        if number != node_number:
            continue
        for part, value in _fields(node):
            if part == NODE_OPERATOR:
                yield bytes(value)
            elif part == NODE_ATTRIBUTE:
                for kind, inner in _fields(value):
                    if kind in ATTRIBUTE_GRAPHS:
                        yield from _node_operators(inner, GRAPH_NODE)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Numbers and contents of a protobuf message's length-delimited fields; others are passed over.

    Raises:
        ValueError: The bytes are no such message, or end too early.
    """
    index, end = 0, len(message)
    while index < end:
        tag, index = _varint(message, index)
        wire = tag & 7
        if wire == 0:
            _, index = _varint(message, index)
            continue
        if wire == 2:
            size, index = _varint(message, index)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("not a protobuf message")
        if size > end - index:
            raise ValueError("ends too early")
        if wire == 2:
            yield tag >> 3, message[index : index + size]
        index += size


def _varint(message: memoryview, index: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if index >= len(message):
            raise ValueError("ends too early")
        byte = message[index]
        index += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index
    raise ValueError("not a protobuf message")


def _refuse(name: str, problem: str) -> NoReturn:
    raise VoiceError(f"its field {name!r} {problem}", remedy="fetch or export it again")


def _whole(raw: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _refuse(name, f"is not a whole number from {least} to {most}")
    return value


def _name(value: object, name: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NAME or not value.strip():
        _refuse(name, f"is not text of 1 to {LONGEST_NAME} characters")
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", value):
        _refuse(name, "holds a control character")
    return value


def _style(values: Sequence[object], size: int, speaker: str) -> Style:
    if not isinstance(values, list) or len(values) != size:
        _refuse("speakers", f"has no {size} numbers for {speaker[:LONGEST_NAME]!r}")
    for value in values:
        # Not a number and infinity fail the comparison; so does a whole number too large for a float.
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= FARTHEST_STYLE:
            _refuse("speakers", f"has a style out of bounds for {speaker[:LONGEST_NAME]!r}")
    return np.array(values, dtype=np.float32)
