"""What a voice's run ends with: the voice file and its model card."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isnan, sqrt
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.corpus.catalog import BASE
from voxlet.corpus.held_out import LISTS
from voxlet.corpus.merge import MANY_LANGUAGES, credit_of
from voxlet.errors import CorpusError, RunError, VoiceError
from voxlet.files import write_atomically
from voxlet.models.voice.config import CLARITY, PITCH, SPEED
from voxlet.recipes.voice.base_file import DISCRIMINATORS, SPEAKERS, STYLE, Base
from voxlet.recipes.voice.clips.attributes import spreads_of
from voxlet.recipes.voice.clips.speakers import FEWEST_CLIPS, Speakers, speakers_of
from voxlet.recipes.voice.export import SpeakerGraph, export_voice, measured_gain, spreads, with_card
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE, load_discriminators, load_teacher
from voxlet.speak.voice_file import (
    LONGEST_NAME,
    MOST_LABELS,
    MOST_SPEAKERS,
    VoiceFile,
    VoiceInfo,
    read_voice,
    unfit,
)
from voxlet.training import checkpoints
from voxlet.version import __version__
from voxlet.words.arabic import spellings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.corpus.corpus import Corpus
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.recipes.voice.voice_run import VoiceRun

CPU = torch.device("cpu")
# Standard deviations of the logarithm of speed, and of semitones, among takes of a word by one speaker: the
# median of FSDD's speakers; and a bit more than their largest, above which a name stands for several people.
USUAL_SPREAD, MOST_SPREAD = {SPEED: 0.15, PITCH: 1.0}, {SPEED: 0.25, PITCH: 2.0}
ADAPT = "adapt"  # in place of a preset's name
SCORES = "scores"  # field of a model card with what `voxlet score --stamp` measured


def check_names(corpus: Corpus, run: Path) -> None:
    """Check that a voice file can hold the corpus's labels and speakers, and have the run folder's name.

    Raises:
        CorpusError: It cannot hold a label or a speaker.
        RunError: The name is not allowed for a voice.
    """
    for kind, names, most in (
        ("label", corpus.labels, MOST_LABELS),
        ("speaker", corpus.speakers, MOST_SPEAKERS),
    ):
        if len(names) > most:
            raise CorpusError(
                f"has {len(names):,} {kind}s, and a voice holds {most:,}",
                where=corpus.root,
                remedy="use a part of it",
            )
        for name in names:
            if problem := unfit(name):
                raise CorpusError(
                    f"the {kind} {name[:LONGEST_NAME]!a} {problem}: a voice cannot hold it",
                    where=corpus.root,
                    remedy="rename it there",
                )
    _check_name(run.resolve().name, run)


def _check_name(name: str, where: Path) -> None:
    if problem := unfit(name):
        raise RunError(
            f"the voice would be called {name[:LONGEST_NAME]!a}, which {problem}",
            where=where,
            remedy="give another name",
        )


def write_voice(opened: VoiceRun, path: Path) -> None:
    """Export a trained run as a voice file, whose stem becomes the voice's name.

    Raises:
        RunError: A stage is not finished, the corpus holds other recordings, or the name is not allowed.
        CorpusError: The run's corpus is missing.
        FileError: The file cannot be written.
    """
    _check_name(path.stem, path)
    for stage in (WAVE, PRIOR, DISTILLATION):
        if not checkpoints.is_finished(opened.run.stage(stage)):
            raise RunError(
                f"has not finished its stage {stage!r}",
                where=opened.path,
                remedy="train it first, with `voxlet train` and the settings in its config.json",
            )
    student, prepared, config = opened.student, opened.prepared, opened.config
    labels = prepared.label_names if opened.scope is None else opened.scope.labels
    info = VoiceInfo(
        name=path.stem,
        rate=opened.rate,
        labels=labels,
        spellings=spellings_of(labels, prepared.language),
        language=prepared.language,
        frames=student.frames,
        latent_size=student.channels,
        style_size=config.prior.model.style_size,
        styles=named_styles(opened),
        card=model_card(opened),
        attributes=config.prior.model.attributes,
        style_std=opened.style.deviation.numpy(),
    )
    steps = config.distillation.steps
    styles = torch.from_numpy(np.stack(list(info.styles.values())))
    share = measured_gain(student, opened.wave, steps, styles)
    speaker = SpeakerGraph(student, opened.wave, steps, share)
    if info.attributes:
        info = replace(info, variation=variation_of(opened, spreads(speaker, styles)))
    written = VoiceFile(path, info, export_voice(speaker, opened.style, info), None)
    scores = scores_of(opened.voice_path, written.digest)
    write_atomically(path, with_card(written, {**info.card, SCORES: scores}) if scores else written.model)


def variation_of(opened: VoiceRun, own: Mapping[str, float]) -> dict[str, float]:
    """Standard deviations of speed and pitch to be added, so that clips vary as much as the training takes.

    Args:
        opened: The run.
        own: Standard deviations that the voice's clips have by themselves.
    """
    data, rows = opened.data, torch.from_numpy(opened.split.train)
    groups = torch.stack([data.labels[rows], data.speakers[rows]], dim=1)
    taken = dict(zip(data.names, spreads_of(data.attributes[rows], groups).tolist(), strict=True))
    found = {}
    for name in (name for name in own if name in taken):
        wanted = USUAL_SPREAD[name] if isnan(taken[name]) else min(taken[name], MOST_SPREAD[name])
        there = 0.0 if isnan(own[name]) else own[name]
        found[name] = round(sqrt(max(0.0, wanted**2 - there**2)), 4)
    return found


def scores_of(path: Path, digest: str) -> object:
    """The scores in the card of the voice file at `path`, if it is the voice with this digest."""
    try:
        own = read_voice(path)
    except VoiceError:  # there is no voice file yet
        return None
    return own.info.card.get(SCORES) if own.digest == digest else None


@torch.no_grad()
def named_styles(opened: VoiceRun) -> dict[str, NDArray[np.float32]]:
    """The style (S,) of each of a voice's speakers, by name: kept ones, and those of the takes that it adds.

    A speaker's style is the mean of those inferred from each training clip. The first speaker is the default:
    the one who was recorded most clearly.
    """
    styles: dict[str, NDArray[np.float32]] = {}
    clarity: dict[str, float] = {}
    for speakers in (_own_speakers(opened, opened.style), opened.kept):  # a kept speaker keeps the name
        if speakers is not None:
            means = speakers.styles(opened.style).mean.cpu().numpy()
            styles |= dict(zip(speakers.names, means, strict=True))
            clarity |= _clarity(speakers, opened.config.prior.model.attributes)
    first = max(styles, key=lambda name: clarity.get(name, -inf))
    return {first: styles[first], **styles}


def _clarity(speakers: Speakers, attributes: Sequence[str]) -> dict[str, float]:
    """The clarity of each speaker's recordings, by name, where it was measured."""
    if CLARITY not in attributes:
        return {}
    measured = speakers.attributes[:, attributes.index(CLARITY)]
    found = zip(speakers.names, measured.tolist(), strict=True)
    return {name: clarity for name, clarity in found if not isnan(clarity)}


def _own_speakers(opened: VoiceRun, encoder: StyleEncoder, fewest: int = 1) -> Speakers | None:
    """The takes' speakers with at least `fewest` training clips; None if the voice does not add them."""
    if opened.scope is not None and not opened.scope.own:
        return None
    return speakers_of(encoder, opened.data, opened.prepared.speaker_names, fewest)


def base_of(opened: VoiceRun) -> Base:
    """A base from which other runs can start: the averaged weights of this run's finished stages.

    Raises:
        RunError: The wave VAE is not trained yet.
    """
    run, config = opened.run, opened.config
    discriminators = load_discriminators(run, config, CPU)
    parts = {WAVE: opened.wave.state_dict(), DISCRIMINATORS: discriminators.state_dict()}
    labels = opened.prepared.label_names if opened.scope is None else opened.scope.labels
    speakers: tuple[str, ...] = ()
    if checkpoints.is_finished(run.stage(PRIOR)):
        teacher = load_teacher(run, config, CPU)
        teacher.flow.keep_labels(len(labels))
        parts |= {PRIOR: teacher.flow.state_dict(), STYLE: teacher.style.state_dict()}
        named = _named(opened, teacher.style)
        if named is not None and named.names:
            speakers, parts[SPEAKERS] = named.names, named.state_dict()
    if opened.prepared.language != MANY_LANGUAGES:  # with many, each label has its language in front
        labels = tuple(f"{opened.prepared.language}:{label}" for label in labels)
    return Base(config, labels, parts, {**model_card(opened), "held_out": LISTS}, speakers=speakers)


def _named(opened: VoiceRun, encoder: StyleEncoder) -> Speakers | None:
    """The speakers of a base: those with enough clips if the run is a base's, all if it is a voice's."""
    own = _own_speakers(opened, encoder, FEWEST_CLIPS if opened.source == BASE else 1)
    if own is None or opened.kept is None:
        return opened.kept if own is None else own
    return opened.kept.joined(own)


def model_card(opened: VoiceRun) -> dict[str, object]:
    """The voice's model card: data with licence and credit, training, version."""
    name, split = opened.prepared.name, opened.split
    known, record = credit_of(name), opened.run.record
    lines = opened.run.metrics()
    # An adapted voice's card has no times: the same steps must give the same bytes.
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
        **({} if opened.scope is None else {"adds": opened.scope.adds, "keeps": opened.scope.keep}),
        "made_with": f"voxlet {__version__}",
    }
