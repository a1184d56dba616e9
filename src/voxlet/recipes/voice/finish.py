"""What a voice's run ends with: the voice file and its model card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from voxlet.corpus.held_out import LISTS
from voxlet.corpus.merge import credit_of
from voxlet.errors import RunError, VoiceError
from voxlet.files import write_atomically
from voxlet.recipes.voice.base_file import DISCRIMINATORS, STYLE, Base
from voxlet.recipes.voice.export import SpeakerGraph, export_voice, with_card
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE, load_discriminators, load_teacher
from voxlet.speak.voice_file import VoiceFile, VoiceInfo, read_voice
from voxlet.training import checkpoints
from voxlet.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.voice_run import VoiceRun

CPU = torch.device("cpu")
ADAPT = "adapt"  # in place of a preset's name
SCORES = "scores"  # of a model card: what `voxlet score --stamp` measured


def write_voice(opened: VoiceRun, path: Path) -> None:
    """Export a trained run as a voice file, whose stem becomes the voice's name.

    Raises:
        RunError: A stage is not finished, or the corpus holds other recordings now.
        CorpusError: The run's corpus is not there.
        AudioError: The file cannot be written.
    """
    for stage in (WAVE, PRIOR, DISTILLATION):
        if not checkpoints.is_finished(opened.run.stage(stage)):
            raise RunError(
                f"has not finished its stage {stage!r}",
                where=opened.path,
                remedy="go on with `voxlet train` first, with the settings in its config.json",
            )
    student, prepared, config = opened.student, opened.prepared, opened.config
    info = VoiceInfo(
        name=path.stem,
        rate=opened.rate,
        labels=prepared.label_names,
        language=prepared.language,
        frames=student.frames,
        latent_size=student.channels,
        style_size=config.prior.model.style_size,
        styles=named_styles(opened.style, opened.data, prepared.speaker_names),
        card=model_card(opened),
        attributes=config.prior.model.attributes,
    )
    speaker = SpeakerGraph(student, opened.wave, config.distillation.steps)
    written = VoiceFile(path, info, export_voice(speaker, opened.style, info), None)
    scores = scores_of(opened.voice_path, written.digest)
    write_atomically(path, with_card(written, {**info.card, SCORES: scores}) if scores else written.model)


def scores_of(path: Path, digest: str) -> object:
    """The scores that the voice file at `path` was stamped with, if it is the one with this digest."""
    try:
        own = read_voice(path)
    except VoiceError:  # there is none yet
        return None
    return own.info.card.get(SCORES) if own.digest == digest else None


@torch.no_grad()
def named_styles(
    encoder: StyleEncoder, data: VoiceData, names: tuple[str, ...]
) -> dict[str, NDArray[np.float32]]:
    """Each speaker's style: the mean of what his training clips tell, one by one. Others have none."""
    styles = {}
    for number, name in enumerate(names):
        first, count = int(data.first[number]), int(data.count[number])
        if count:
            rows = data.by_speaker[first : first + count]
            audio, lengths = data.cut(rows, int(data.lengths[rows].max()))
            styles[name] = encoder(audio[:, None], lengths[:, None]).mean.mean(0).cpu().numpy()
    return styles


def base_of(opened: VoiceRun) -> Base:
    """What other runs may begin with: the averaged weights of this run's stages that are finished.

    Raises:
        RunError: Not even the wave VAE is.
    """
    run, config = opened.run, opened.config
    discriminators = load_discriminators(run, config, CPU)
    parts = {WAVE: opened.wave.state_dict(), DISCRIMINATORS: discriminators.state_dict()}
    labels = opened.prepared.label_names
    if checkpoints.is_finished(run.stage(PRIOR)):
        teacher = load_teacher(run, config, frames=opened.data.frames, labels=len(labels), device=CPU)
        parts |= {PRIOR: teacher.flow.state_dict(), STYLE: teacher.style.state_dict()}
    return Base(config, labels, parts, {**model_card(opened), "held_out": LISTS})


def model_card(opened: VoiceRun) -> dict[str, object]:
    """Where the voice comes from: data with licence and credit, training, version."""
    name, split = opened.prepared.name, opened.split
    known, record = credit_of(name), opened.run.record
    lines = opened.run.metrics()
    # An adapted voice is the same whatever the clock said: the same steps give the same bytes.
    adapted = record["preset"] == ADAPT
    shown = ("step",) if adapted else ("step", "seconds", "validation_loss")
    stages = {}
    for stage in (WAVE, PRIOR, DISTILLATION):
        own = [line for line in lines if line["stage"] == stage]
        if own:
            stages[stage] = {key: own[-1][key] for key in shown if key in own[-1]}
    return {
        **(known or {"data": name, "licence": "the owner's of the recordings", "credit": ""}),
        "language": opened.prepared.language,
        "corpus_digest": record["corpus"]["digest"],  # type: ignore[call-overload, index]
        "clips": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "training": {
            "preset": record["preset"],
            **({} if adapted else {"budget": record["budget"]}),
            "stages": stages,
        },
        **{key: record[key] for key in ("base", "consent") if key in record},
        "made_with": f"voxlet {__version__}",
    }
