"""A clip VAE's run to be shared: settings, weights and what speaking needs, in a folder that opens as a run.

The files are JSON and safetensors, so nothing in them is executed. They may come from anyone: their parts are
checked against each other before memory is allocated for the sizes that they state.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePath
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save

from voxlet.corpus.merge import credit_of
from voxlet.errors import RunError
from voxlet.hub.card import Facts, text_of
from voxlet.hub.push import send
from voxlet.models.clip.build import build_model
from voxlet.recipes.clip import sampler
from voxlet.recipes.clip.clip_run import ClipRun
from voxlet.recipes.clip.sampler import STAGE
from voxlet.run_files import CONFIG, TEST
from voxlet.training.checkpoints import BEST, DIGESTS, PREFIX

if TYPE_CHECKING:
    from voxlet.recipes.voice.voice_run import VoiceRun

WEIGHTS = f"{STAGE}/{PREFIX}000001"  # the folder in which a run's weights are looked up
LOUDEST_DB = 400.0  # bound of the dB that 0 and 1 stand for in a spectrogram


def push_run(
    opened: ClipRun | VoiceRun, repository: str, *, private: bool = False, update: bool = False
) -> str:
    """Push a clip VAE's finished run to a repository of the hub; see `voxlet.hub.push.push`.

    Raises:
        RunError: The run is not finished, is damaged, or is that of a voice.
        HubError: The repository is there already, or the hub refuses or cannot be reached.
        MissingExtraError: A package is not installed.
    """
    if not isinstance(opened, ClipRun):
        raise RunError("is a voice's run: push the voice, not the run", where=opened.path)
    files = portable_files(opened)
    card = text_of(facts_of(opened), repository)
    return send(repository, files, card, opened.name, private=private, update=update)


def portable_files(opened: ClipRun) -> dict[str, bytes]:
    """The files of the shared folder by path; they name the corpus, but not its place on this machine.

    Raises:
        RunError: The run is not finished, or is damaged.
    """
    check_parts(opened)
    record = dict(opened.run.record)
    corpus = record["corpus"]
    assert isinstance(corpus, dict)
    record |= {"corpus": {**corpus, "source": PurePath(opened.source).name}, "name": opened.name}
    weights = save({name: tensor.contiguous() for name, tensor in opened.run.weights(STAGE).items()})
    digests = {BEST: hashlib.sha256(weights).hexdigest()}
    return {
        CONFIG: f"{json.dumps(record, indent=2)}\n".encode(),
        sampler.FILE: (opened.path / sampler.FILE).read_bytes(),
        f"{WEIGHTS}/{BEST}": weights,
        f"{WEIGHTS}/{DIGESTS}": f"{json.dumps(digests)}\n".encode(),
    }


def facts_of(opened: ClipRun) -> Facts:
    """The facts for the run's model card."""
    record = opened.run.record
    name = PurePath(opened.source).name
    known = credit_of(name) or {"data": name, "licence": "the owner's of the recordings", "credit": ""}
    rows = [("model", f"{record['preset']}, a variational autoencoder with {opened.parameters:,} parameters")]
    path = opened.path / TEST
    if path.exists():
        try:
            test = json.loads(path.read_text())
            rows.append((f"loss on {test['clips']} {test['part']} clips", f"{test['loss']:.1f} nats a clip"))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"cannot be read ({error})", where=path) from error
    return Facts(
        name=opened.name,
        what="A clip VAE of voxlet: it says these words one by one, each in a voice of its own.",
        labels=opened.labels,
        rate=opened.rate,
        language=opened.language,
        rows=tuple(rows),
        tags=("safetensors",),
        card={**known, "consent": record.get("consent"), "made_with": f"voxlet {record['voxlet']}"},
    )


def check_parts(opened: ClipRun) -> None:
    """Check that settings, weights and what speaking needs belong to one model.

    Raises:
        RunError: They do not, or one of them is missing or damaged.
    """
    config, speech, posterior = opened.config, opened.speech, opened.posterior
    shape = config.spectrogram.bands, config.spectrogram.frames(speech.samples)
    if speech.shape != shape or not -LOUDEST_DB <= speech.low <= speech.high <= LOUDEST_DB:
        raise _foreign(opened, "its spectrograms do not match its settings")
    if posterior is not None:
        sizes = len(opened.labels), config.model.latent_size
        if (len(posterior.means), posterior.means.shape[2]) != sizes:
            raise _foreign(opened, "its labels do not match its latent space")
    with torch.device("meta"):  # allocates no memory
        model = build_model(config.model, shape, len(opened.labels))
    wanted = {f"{STAGE}.{name}": tensor.shape for name, tensor in model.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in opened.run.weights(STAGE).items()}:
        raise _foreign(opened, "its weights do not match its settings")


def _foreign(opened: ClipRun, what: str) -> RunError:
    return RunError(f"is damaged, or not a run of voxlet: {what}", where=opened.name)
