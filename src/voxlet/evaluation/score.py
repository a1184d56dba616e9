"""The work of `voxlet score`: generate or read clips, measure them, and write the results."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.corpus.catalog import CATALOG
from voxlet.engines.engine import HERE
from voxlet.errors import ConfigError, FileError, ScoreError, VoxletError
from voxlet.evaluation.classifiers.opened import open_classifiers
from voxlet.evaluation.clipset import check_labels, read_folder
from voxlet.evaluation.cost import sample_and_time
from voxlet.evaluation.evaluate import bare_scorecard, classifiers_used, evaluate, figures_of, parts_asked
from voxlet.evaluation.model_parts import OWNERS, measure_model, parts_of
from voxlet.evaluation.parts import GENERATED, REAL
from voxlet.evaluation.reference import open_reference, reference_of
from voxlet.evaluation.report.page import write_page
from voxlet.evaluation.report.players import write_pairs
from voxlet.evaluation.sc09.network import open_network
from voxlet.evaluation.sc09.protocol import measure_sc09
from voxlet.extras import import_extra
from voxlet.recipes.opened import Voice, VoiceRun, load
from voxlet.recipes.voice.finish import SCORES
from voxlet.speak.voice_file import read_voice
from voxlet.words.language import UNKNOWN_LANGUAGE, check_language, same_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlet.engines.engine import Engine
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.reference import Reference
    from voxlet.evaluation.scorecard import Scorecard
    from voxlet.recipes.opened import Opened

COUNT = 1000


@dataclass(frozen=True)
class ScoreRequest:
    """What to measure: a run or a voice, or instead a folder of clips.

    Attributes:
        model: A run's folder, or a voice by name or path.
        clips: A folder of sound files.
        corpus: Real recordings to measure against; None: a run's own, else the first known corpus in the
            language of the voice or, for clips, in English.
        count: Clips to generate; none of them is left out.
        seed: Seed of the clips and of every random draw.
        only: Parts of the scorecard; if empty, all that are measured by default.
        selection: How the clips in the folder were selected, if they were.
        language: BCP 47 tag of the language of the real recordings, if neither they nor the run say it.
        layout: How the files of `corpus` are named; detected unless given.
        clips_layout: How the files in `clips` are named; detected unless given.
        sc09: Weights of the SC09 classifier; the SC09 protocol is measured only with them.
        engine: Runs the parts of the scorecard that are measured on sets of clips.
    """

    model: str | None = None
    clips: Path | None = None
    corpus: str | None = None
    count: int = COUNT
    seed: int = 0
    only: tuple[str, ...] = ()
    selection: str | None = None
    language: str | None = None
    layout: str | None = None
    clips_layout: str | None = None
    sc09: Path | None = None
    engine: Engine = HERE


@dataclass(frozen=True)
class Outputs:
    """Where to write the results: JSON, an HTML page, a folder of nearest pairs, the voice's model card."""

    json: Path | None = None
    page: Path | None = None
    pairs: Path | None = None
    stamp: bool = False


@dataclass(frozen=True)
class Measured:
    """A scorecard with its clips, their reference, and the model that generated them, if there is one."""

    card: Scorecard
    clips: ClipSet
    reference: Reference
    model: Opened | None = None


def score(request: ScoreRequest, outputs: Outputs | None = None) -> Scorecard:
    """Measure a run, a voice or a folder of clips, and write the results that were asked for.

    Raises:
        VoxletError: See `measure` and `write`.
    """
    outputs = outputs or Outputs()
    found = measure(request, outputs)
    write(found, outputs)
    return found.card


def measure(request: ScoreRequest, outputs: Outputs) -> Measured:
    """Check that the results can be written to their targets, then measure.

    Raises:
        ConfigError: Neither or both of model and clips are given, or a setting makes no sense.
        VoxletError: Something cannot be opened or written, or has labels that the reference does not have.
    """
    import_extra("scipy", "study")
    check_request(request, outputs)
    model = None if request.model is None else load(request.model)
    check_parts(request, outputs, model)
    check_writable(outputs, model)
    return measure_folder(request) if model is None else measure_opened(request, model)


def check_request(request: ScoreRequest, outputs: Outputs) -> None:
    """Check what can be checked before any model or corpus is opened.

    Raises:
        ConfigError: A setting makes no sense, alone or together with another.
        FileError: The weights of the SC09 classifier cannot be used.
    """
    if (request.model is None) == (request.clips is None):
        raise ConfigError("give either a run or voice, or --clips FOLDER")
    if request.language is not None:
        check_language(request.language)
    if request.count < 1:
        raise ConfigError(f"--count {request.count} is less than 1")
    if request.selection is not None and request.clips is None:
        raise ConfigError(
            "goes only with --clips: clips that are generated here are never selected", where="--selected"
        )
    if request.sc09 is not None:
        open_network(request.sc09)  # fails now instead of after minutes of measuring
    one, other = outputs.json, outputs.page
    if one and other and files.real_path(one) == files.real_path(other) and not files.is_special(one):
        raise ConfigError(
            f"{other} is also the file of --json", where="--html", remedy="name two different files"
        )
    if outputs.pairs is not None and request.only and "memorisation" not in request.only:
        raise ConfigError("needs the part 'memorisation'", where="--pairs")
    if outputs.stamp and request.model is None:
        raise ConfigError("needs a voice, whose card has room for the figures", where="--stamp")


def check_parts(request: ScoreRequest, outputs: Outputs, model: Opened | None) -> None:
    """Check that the parts asked for exist and apply to the model, and that there is a voice to stamp.

    Raises:
        ConfigError: One of these is not so.
    """
    has = () if model is None else parts_of(model)
    if outputs.stamp and not isinstance(model, VoiceRun | Voice):
        raise ConfigError("needs a voice, whose card has room for the figures", where="--stamp")
    for part in request.only:
        if part in OWNERS and part not in has:
            raise ConfigError(f"{part!r} is measured only for {OWNERS[part]}", where="--only")
    parts_asked(parts_of_sets(request))


def parts_of_sets(request: ScoreRequest) -> tuple[str, ...]:
    """The parts asked for that are measured on sets of clips."""
    return tuple(part for part in request.only if part not in OWNERS)


def check_writable(outputs: Outputs, model: Opened | None) -> None:
    """Check that every result can be written to its target, before minutes are spent on measuring.

    Raises:
        ConfigError: A target cannot be written.
        FileError: The folder for pairs cannot be made.
    """
    targets = {"--json": outputs.json, "--html": outputs.page}
    if outputs.stamp and isinstance(model, VoiceRun | Voice):
        targets["--stamp"] = voice_path(model)
    for flag, path in targets.items():
        if path is None or files.descriptor_of(path) is not None or files.is_special(path):
            continue  # open descriptors, devices and pipes are written in place
        if path.is_dir():
            raise ConfigError(f"{path} is a folder", where=flag, remedy="name a file")
        folder = files.real_path(path).parent  # of a symbolic link's target
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise ConfigError(
                f"{path} cannot be written", where=flag, remedy="make its folder, or allow writing there"
            )
    if outputs.pairs is not None:
        files.make_folder(outputs.pairs)


def voice_path(model: VoiceRun | Voice) -> Path:
    """Path of the voice's file."""
    return model.voice_path if isinstance(model, VoiceRun) else model.path


def measure_folder(request: ScoreRequest) -> Measured:
    """Measure a folder of clips."""
    assert request.clips is not None
    clips = replace(read_folder(request.clips, request.clips_layout), selection=request.selection)
    reference = open_reference(
        request.corpus or usual_corpus("en"), layout=request.layout, language=request.language
    )
    return Measured(with_sc09(request, measure_clips(request, clips, reference), clips), clips, reference)


def measure_opened(request: ScoreRequest, model: Opened) -> Measured:
    """Measure the clips that a run or voice generates, then the model itself."""
    reference = find_reference(request, model)
    check_labels(model.name, model.labels, reference.train.label_names)
    clips, cost = sample_and_time(model, request.count, request.seed)
    if request.only and not parts_of_sets(request):
        card = bare_scorecard(clips, reference, request.seed)
    else:
        card = measure_clips(request, clips, reference)
    parts = [part for part in parts_of(model) if not request.only or part in request.only]
    inside = [
        figure
        for part, found in measure_model(model, parts, reference, seed=request.seed)
        for figure in figures_of(part, found)
    ]
    card = with_sc09(request, replace(card, figures=(*card.figures, *inside), cost=cost), clips)
    return Measured(card, clips, reference, model)


def with_sc09(request: ScoreRequest, card: Scorecard, clips: ClipSet) -> Scorecard:
    """The scorecard with the figures of the SC09 protocol, if they were asked for."""
    if request.sc09 is None:
        return card
    generated, real = measure_sc09(request.sc09, clips)
    return replace(card, figures=(*card.figures, *figures_of("sc09", {GENERATED: generated, REAL: real})))


def find_reference(request: ScoreRequest, model: Opened) -> Reference:
    """The real recordings to compare a model with, in its language if both languages are known.

    Raises:
        ScoreError: The recordings are in another language, or there are none.
        ConfigError: The language is not a valid tag, or not that of the recordings.
    """
    own = voice_language(model) if isinstance(model, Voice) else model.language
    if request.corpus is not None or isinstance(model, Voice):
        asked = request.language if own == UNKNOWN_LANGUAGE else own
        reference = open_reference(
            request.corpus or usual_corpus(asked), layout=request.layout, language=request.language
        )
    else:
        reference = with_language(reference_of(model.dataset), request.language)  # with the run's own split
    known = UNKNOWN_LANGUAGE not in (own, reference.language)
    if known and not same_language(own, reference.language):
        raise ScoreError(
            f"what is measured speaks {own!r}, the recordings are in {reference.language!r}",
            where=reference.name,
            remedy=f"name recordings in {own!r} with --corpus",
        )
    return reference


def with_language(reference: Reference, language: str | None) -> Reference:
    """The reference with `language` as its language, if its own is not known.

    Raises:
        ConfigError: The tag is not valid, or the reference is in another language.
    """
    if language is None:
        return reference
    language = check_language(language)
    if reference.language == UNKNOWN_LANGUAGE:
        return replace(reference, language=language)
    if not same_language(language, reference.language):
        raise ConfigError(
            f"is {language!r}, but {reference.name} is in {reference.language!r}",
            where="language",
            remedy="leave the language out",
        )
    return reference


def voice_language(voice: Voice) -> str:
    """The language of a voice; for older files without this field, that of the known corpus in its card."""
    made_of = [known.language for known in CATALOG.values() if known.title == voice.card.get("data")]
    return made_of[0] if voice.language == UNKNOWN_LANGUAGE and made_of else voice.language


def usual_corpus(language: str | None) -> str:
    """The first known corpus in a language, which is the default reference.

    Raises:
        ScoreError: No known corpus is in that language.
    """
    asked = language or UNKNOWN_LANGUAGE
    found = [name for name, known in CATALOG.items() if same_language(known.language, asked)]
    if not found:
        speaks = (
            "does not say its language"
            if language is None
            else f"speaks {language!r}, which no known corpus does"
        )
        raise ScoreError(
            f"the voice {speaks}", remedy="name real recordings to compare with: --corpus NAME_OR_FOLDER"
        )
    return found[0]


def measure_clips(request: ScoreRequest, clips: ClipSet, reference: Reference) -> Scorecard:
    """Open the classifiers that the requested parts use, and measure with them."""
    check_labels(
        clips.name, clips.present_labels, reference.train.label_names
    )  # fails before minutes of training
    only = parts_of_sets(request)
    kinds = classifiers_used(parts_asked(only))
    classifiers = open_classifiers(reference, clips.rate, kinds=kinds)
    return evaluate(clips, reference, classifiers, only=only, seed=request.seed, engine=request.engine)


def write(found: Measured, outputs: Outputs) -> None:
    """Write the results that were asked for, as many as can be written.

    Raises:
        VoxletError: A result cannot be written; all others are.
    """
    failures = []
    for write_one in writers(found, outputs):
        try:
            write_one()
        except VoxletError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise FileError("; ".join(map(str, failures)))


def writers(found: Measured, outputs: Outputs) -> Iterator[Callable[[], None]]:
    """Functions that each write one of the results that were asked for."""
    card, model = found.card, found.model
    if outputs.json is not None:
        yield partial(files.write_atomically, outputs.json, (card.to_json() + "\n").encode())
    if outputs.page is not None:
        run = None if model is None or isinstance(model, Voice) else model.path
        yield partial(write_page, outputs.page, card, found.clips, found.reference, run)
    if outputs.pairs is not None:
        yield partial(write_pairs, outputs.pairs, card, found.clips, found.reference.train)
    if outputs.stamp and isinstance(model, VoiceRun | Voice):
        yield partial(stamp, voice_path(model), card)


def stamp(path: Path, card: Scorecard) -> None:
    """Write the figures into the model card of a voice file, replacing any that it has."""
    voice = read_voice(path)
    files.write_atomically(path, voice.with_card({**voice.info.card, SCORES: card.summary()}))
