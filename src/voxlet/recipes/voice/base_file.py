"""A base: the weights that voices are adapted from, as one safetensors file in half precision.

The file holds the averaged weights of the wave VAE, its discriminators and, once they are trained, the prior
and the style encoder, each tensor under `part.name`. It also holds the styles of named speakers, who say the
words of a voice to which only words are added. Its metadata say how the base was trained, which labels it
knows and from which recordings, with licence and credit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from voxlet.errors import ConfigError, RunError
from voxlet.files import is_special, write_atomically
from voxlet.recipes.voice.clips.speakers import TABLES, Speakers
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.training.serialize import JSON, from_json, to_json
from voxlet.words.language import same_language
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

FORMAT = 1
INSTALLED = Path(__file__).parent.parent / "bases"
BASE_SUFFIX = ".safetensors"
KEY = "base"
WAVE, DISCRIMINATORS, PRIOR, STYLE, SPEAKERS = PARTS = (
    "wave",
    "discriminators",
    "prior",
    "style",
    "speakers",
)
SMALLEST_HALVED = 4096  # numbers; smaller tensors take little room and stay as they are
REMEDY = "write it again: voxlet export RUN -o NAME.safetensors"


@dataclass(frozen=True)
class Base:
    """The weights of a base, and what is known of them.

    Attributes:
        config: The settings that it was trained with.
        labels: Labels of its prior, such as `en:zero`.
        parts: Tensors of each part, float32.
        card: Recordings with licence and credit, hours of training, held-out lists.
        digest: SHA-256 of the file that it was read from.
        speakers: Names of the speakers whose styles it holds.
    """

    config: VoiceTraining
    labels: tuple[str, ...]
    parts: Mapping[str, Mapping[str, Tensor]]
    card: Mapping[str, object] = field(default_factory=dict)
    digest: str = ""
    speakers: tuple[str, ...] = ()

    def record(self) -> dict[str, JSON]:
        """The base's entry in the record of a run that starts from it: digest, data, licence and credit.

        If the base started from another base itself, the recordings of that one are named, too.
        """
        before = self.card.get("base")
        cards = [self.card, before] if isinstance(before, Mapping) else [self.card]
        credit: dict[str, JSON] = {}
        for key in ("data", "licence", "credit"):
            told = "; ".join(str(card[key]) for card in cards if card.get(key))
            named = dict.fromkeys(told.split("; ") if told else ())
            if named:
                credit[key] = "; ".join(named)
        return {"digest": self.digest, **credit}

    def check_sizes(self, config: object) -> None:
        """Check that a training's networks have the sizes of the base's.

        Raises:
            ConfigError: They do not, or the training is not that of a voice.
        """
        if not isinstance(config, VoiceTraining):
            raise ConfigError("only voices begin with a base", where="base", remedy="train without it")
        ours, theirs = _sizes(self.config), _sizes(config)
        for name, size in theirs.items():
            if size != ours[name]:
                raise ConfigError(
                    f"is {size}, the base's is {ours[name]}",
                    where=name,
                    remedy=f"give --{name} as the base has it",
                )

    def row_of(self, label: str, language: str) -> int | None:
        """Row of a label in a language, such as `zero` in `en`, in the base's label table; None if unknown.

        A label with its language in front, as in a base's own recordings, is found as it is.
        """
        wanted = fold(label)
        for row, known in enumerate(self.labels):
            tag, _, word = known.partition(":")
            if known == label or (fold(word) == wanted and _same(tag, language)):
                return row
        return None

    def unknown_labels(self, labels: Sequence[str], language: str) -> list[str]:
        """Those of the labels, words in `language`, that the base does not know."""
        return [label for label in labels if self.row_of(label, language) is None]

    def words(self, language: str) -> dict[str, int]:
        """The base's words in a language, each with its row in the label table."""
        tagged = (label.partition(":") for label in self.labels)
        return {word: row for row, (tag, _, word) in enumerate(tagged) if _same(tag, language)}

    def named_speakers(self) -> Speakers:
        """The speakers whose styles the base holds."""
        return Speakers(self.speakers, self.parts[SPEAKERS])

    def fill(self, part: str, module: nn.Module) -> None:
        """Load the weights of a part into a module of the same sizes."""
        module.load_state_dict(dict(self.parts[part]))


def _same(tag: str, language: str) -> bool:
    """Whether a tag is of a language; `und` also matches `und`, for a voice's words without a language."""
    return tag == language or same_language(tag, language)


def _sizes(config: VoiceTraining) -> dict[str, object]:
    """All settings that determine the networks' sizes, inputs and sampling rate, by name."""
    parts = {
        "wave.model": config.wave.model,
        "wave.discriminators": config.wave.discriminators,
        "prior.model": config.prior.model,
    }
    sizes = {f"{part}.{name}": value for part, held in parts.items() for name, value in vars(held).items()}
    return {"preparation.rate": config.preparation.rate, **sizes}


def write_base(path: Path, base: Base) -> None:
    """Write a base to a file, whole or not at all.

    Raises:
        FileError: The file cannot be written.
    """
    tensors = {
        f"{part}.{name}": (tensor.half() if tensor.numel() >= SMALLEST_HALVED else tensor).contiguous()
        for part, held in base.parts.items()
        for name, tensor in held.items()
    }
    about = {
        "format": FORMAT,
        "config": to_json(base.config),
        "labels": list(base.labels),
        "card": dict(base.card),
        **({"speakers": list(base.speakers)} if base.speakers else {}),
    }
    write_atomically(path, save(tensors, {KEY: json.dumps(about)}))


def find_base() -> Path | None:
    """The path of the base that is installed with voxlet, if there is one."""
    found = sorted(INSTALLED.glob(f"*{BASE_SUFFIX}"))
    return found[-1] if found else None


def band_guesser(base: Base) -> Base:
    """The base that predicts what is missing above a narrow band, for a voice that starts from `base`.

    A voice adapted on narrow recordings predicts a little less than its base did. So voxlet's own base, if it
    has the same sampling rate, predicts for all voices that descend from it.
    """
    found = None if base.config.wave.narrow_share else find_base()
    if found is None:
        return base
    own = read_base(found)
    credit = str(own.card.get("credit"))
    alike = own.config.preparation.rate == base.config.preparation.rate
    return own if alike and credit in str(base.record().get("credit")) else base


def read_base(path: Path) -> Base:
    """Read a base.

    Raises:
        RunError: The file is missing, damaged, or of a later version.
        ConfigError: A setting in the file is unknown to this voxlet.
    """
    if is_special(path):  # a pipe may have no writer, and some devices never end
        raise RunError("is a pipe or a device, no base", where=path, remedy=REMEDY)
    try:
        data = path.read_bytes()
        header: Any = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about: Any = json.loads(header["__metadata__"][KEY])
        tensors = {name: tensor.float() for name, tensor in load(data).items()}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"cannot be read as a base ({error})", where=path, remedy=REMEDY) from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise RunError("is not a base that this voxlet can read", where=path, remedy=REMEDY)
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part not in parts:
            raise RunError(f"holds unknown weights {part!r}", where=path, remedy=REMEDY)
        parts[part][rest] = tensor
    config = from_json(VoiceTraining, about.get("config"), where=path, field="config")
    labels, card, speakers = about.get("labels"), about.get("card"), about.get("speakers", [])
    if not isinstance(labels, list) or not isinstance(card, dict):
        raise RunError("has no labels or no card", where=path, remedy=REMEDY)
    sizes = {name: len(tensor) for name, tensor in parts[SPEAKERS].items()}
    if not isinstance(speakers, list) or sizes != (dict.fromkeys(TABLES, len(speakers)) if speakers else {}):
        raise RunError("has not as many names as styles of speakers", where=path, remedy=REMEDY)
    digest = hashlib.sha256(data).hexdigest()
    held = {part: tensors for part, tensors in parts.items() if tensors}
    return Base(config, tuple(map(str, labels)), held, card, digest, tuple(map(str, speakers)))


@torch.no_grad()
def fill_prior(base: Base, prior: nn.Module, rows: Sequence[int | None], fresh: Tensor) -> None:
    """Load a base's weights into a prior with any number of labels and frames.

    Positional embeddings beyond the base's last frame start as copies of the last one.

    Args:
        base: The base.
        prior: The prior.
        rows: For each of the prior's labels, the row of the base's label table that it starts from, or None.
        fresh: Label table of the prior from which labels without such a row start.
    """
    held = dict(base.parts[PRIOR])
    table, position = held["label.weight"], held["position"]
    begun = [fresh[label] if row is None else table[row] for label, row in enumerate(rows)]
    held["label.weight"] = torch.stack([*begun, table[-1]])
    frames = dict(prior.named_parameters())["position"].shape[0]
    last = position[-1:].expand(max(0, frames - len(position)), -1)
    held["position"] = torch.cat([position[:frames], last])
    prior.load_state_dict(held)
