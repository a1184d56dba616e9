"""What `voxlet score` does: make clips or read them, measure them, write the answers."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.errors import ConfigError
from voxlet.evaluation.clipset import ClipSet, read_folder, sample_clips
from voxlet.evaluation.metrics.styles import PART as STYLES
from voxlet.evaluation.metrics.styles import fresh_styles
from voxlet.evaluation.parts import INSIDES
from voxlet.evaluation.reference import Division, Reference, open_reference
from voxlet.evaluation.report import write_page, write_pairs
from voxlet.evaluation.scorecard import Figure, Scorecard, bare, evaluate
from voxlet.extras import import_extra
from voxlet.recipes.opened import ClipRun, VoiceRun, load, load_run
from voxlet.recipes.voice.export import count_parameters, with_card
from voxlet.recipes.voice.finish import SCORES
from voxlet.speak.library import find_voice
from voxlet.speak.voice import load_voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.evaluation.parts import Value
    from voxlet.speak.voice_file import VoiceFile

CORPUS = "fsdd"  # what is measured against where nothing else is known
COUNT = 1000
HAVING = {"reconstruction": "a run", "latents": "the run of a clip VAE", STYLES: "a voice"}


def score(
    model: str | None,
    folder: Path | None,
    *,
    corpus: str | None = None,
    count: int = COUNT,
    seed: int = 0,
    only: Sequence[str] = (),
    json: Path | None = None,
    page: Path | None = None,
    pairs: Path | None = None,
    stamp: bool = False,
    selection: str | None = None,
) -> Scorecard:
    """Measure a run, a voice or a folder of clips, and write what was asked for.

    Raises:
        ConfigError: Neither or both of model and folder are given, or a setting makes no sense.
        VoxletError: Something cannot be opened, or cannot say what the reference says.
    """
    import_extra("scipy", "study")
    if (model is None) == (folder is None):
        raise ConfigError("give a run or voice, or --clips FOLDER, one of them")
    if count < 1:
        raise ConfigError(f"--count {count} is less than 1")
    if selection is not None and folder is None:
        raise ConfigError(
            "only goes with --clips: what is sampled here is never selected", where="--selected"
        )
    if pairs is not None:
        if only and "copying" not in only:
            raise ConfigError("needs the part 'copying'", where="--pairs")
        files.make_folder(pairs)
    within = inner_parts(model)
    if stamp and STYLES not in within:
        raise ConfigError("needs a voice, whose card has room for the figures", where="--stamp")
    if missing := [part for part in only if part in INSIDES and part not in within]:
        raise ConfigError(f"{missing[0]!r} is measured of {HAVING[missing[0]]} only", where="--only")
    cost: dict[str, float] = {}
    if folder is not None:
        clips = replace(read_folder(folder), selection=selection)
        reference = open_reference(corpus or CORPUS)
    else:
        assert model is not None
        clips, cost = make_clips(model, count, seed)
        reference = reference_of(model, corpus)
    parts = [part for part in only if part not in INSIDES]
    progress = sys.stderr.isatty()
    if parts or not only:
        card = evaluate(clips, reference, only=parts, seed=seed, cost=cost, progress=progress)
    else:
        card = bare(clips, reference, seed=seed, cost=cost)
    if model is not None:
        found = inner_figures(model, [part for part in within if not only or part in only], reference, seed)
        card = replace(card, figures=(*card.figures, *found))
    if json is not None:
        files.write_atomically(json, (card.to_json() + "\n").encode())
    if page is not None:
        write_page(page, card, clips, reference, None if model is None else Path(model))
    if pairs is not None:
        write_pairs(pairs, card, clips)
    if stamp:
        assert model is not None
        stamp_voice(find_voice(voice_of(model)), card)
    return card


def stamp_voice(path: Path, card: Scorecard) -> None:
    """Write the figures into the model card of a voice file, in place of those that it has."""
    voice = read_voice(path)
    files.write_atomically(path, with_card(voice, {**voice.info.card, SCORES: card.summary()}))


def inner_parts(model: str | None) -> tuple[str, ...]:
    """The parts that look into a run or voice, as far as it has them."""
    if model is None:
        return ()
    if not Path(model).is_dir():
        return (STYLES,)
    clip = isinstance(load_run(model), ClipRun)
    return ("reconstruction", "latents") if clip else ("reconstruction", STYLES)


def inner_figures(model: str, parts: Sequence[str], reference: Reference, seed: int) -> list[Figure]:
    """Figures of these parts, which the run or voice has."""
    from voxlet.evaluation.metrics.reconstruction import Insides, VoiceInsides

    found: dict[str, dict[str, tuple[Value, Value | None]]] = {}
    insides: Insides | VoiceInsides | None = None
    if "latents" in parts:
        insides = Insides(model)
        found["latents"] = {name: (value, None) for name, value in insides.latent_space().items()}
    if "reconstruction" in parts:
        voice = isinstance(load_run(model), VoiceRun)
        insides = insides or (VoiceInsides(model) if voice else Insides(model))
        found["reconstruction"] = insides.reconstruction(seed=seed)
    if STYLES in parts:
        found[STYLES] = {**fresh_styles(load_voice(voice_of(model)), reference.train, seed=seed)}
    return [
        Figure(part, name, made, real, None) for part in found for name, (made, real) in found[part].items()
    ]


def make_clips(model: str, count: int, seed: int) -> tuple[ClipSet, dict[str, float]]:
    """Sample a run or voice; the second answer is what that cost."""
    sampler = load(voice_of(model))
    sampler.sample(sampler.labels[:1], seed=seed)  # loading and warming up are not counted
    start, used = time.perf_counter(), time.process_time()
    clips = sample_clips(sampler, count, seed=seed)
    took, used = time.perf_counter() - start, time.process_time() - used
    seconds = sum(len(sound) for sound in clips.sounds) / clips.rate
    cost = {
        "clips_per_second": count / took,
        "processor_seconds_per_second_of_audio": used / max(seconds, 1e-9),
        "mean_clip_seconds": seconds / count,
    }
    cost["peak_memory_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    if isinstance(sampler, ClipRun):
        cost["parameters"] = sampler.parameters
    elif (path := Path(getattr(sampler, "path", model))).is_file():
        cost["megabytes"] = path.stat().st_size / 1e6
        file = read_voice(path)
        cost["parameters"] = count_parameters(file)
        if minutes := card_minutes(file):
            cost["training_minutes"] = minutes
    if Path(model).is_dir():
        cost["training_minutes"] = load_run(model).training_seconds / 60
    return clips, cost


def card_minutes(voice: VoiceFile) -> float:
    """How long a voice was trained by its own card; 0 where that says nothing."""
    training = voice.info.card.get("training")
    stages = training.get("stages") if isinstance(training, dict) else None
    told = stages.values() if isinstance(stages, dict) else ()
    seconds = (stage.get("seconds") for stage in told if isinstance(stage, dict))
    return sum(value for value in seconds if isinstance(value, int | float)) / 60


def voice_of(model: str) -> str:
    """The voice file of a voice's run; anything else is what it is."""
    opened = load_run(model) if Path(model).is_dir() else None
    return str(opened.voice_path) if isinstance(opened, VoiceRun) else model


def reference_of(model: str, corpus: str | None) -> Reference:
    """What a model is held against: a run's own corpus and division, else the corpus that is named."""
    if corpus is None and Path(model).is_dir():
        opened = load_run(model)
        config = opened.config
        division = Division(config.split, config.split_seed, config.preparation)
        return open_reference(opened.source, division)
    return open_reference(corpus or CORPUS)
