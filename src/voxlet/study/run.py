"""Run the study: train every row on the same split, measure all alike, and keep outcomes to resume later.

OUT/runs/ROW/        a run as `voxlet train` makes it; other studies may share it
    rows/ROW.json    the outcome of a row
    speeds.json      how fast the models train, timed one after the other
    index.html, report.md, *.png
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tqdm import tqdm

from voxlet import files
from voxlet.errors import ConfigError, VoxletError
from voxlet.evaluation.reference import open_reference
from voxlet.extras import import_extra
from voxlet.recipes.clip.finish import sample_paths, write_samples
from voxlet.speak.library import find_voice
from voxlet.speak.voice import Voice
from voxlet.speak.voice_file import read_voice
from voxlet.study.measure import attempt, figures_of
from voxlet.study.outcome import (
    ROWS_FOLDER,
    SPEEDS,
    VOICE,
    Outcome,
    Study,
    digest_of,
    keep,
    read_outcome,
    read_speeds,
    recall,
)
from voxlet.study.plan import ROWS, Row, chosen
from voxlet.study.speeds import speeds_of
from voxlet.study.tuning import DATABASE, tune

COUNT, QUICK_COUNT = 500, 200  # clips generated per row


@dataclass(frozen=True)
class StudyRequest:
    """Options of a study.

    Attributes:
        out: Folder of the study.
        corpus: Corpus of real clips.
        only: Names of the rows to make; empty for all.
        quick: Whether to train for a tenth of the epochs and generate fewer clips.
        count: Clips to generate for each row; None for 500, or 200 in a quick study.
        runs: Folder of the runs, such as another study's to share them; None for one in `out`.
        voice: A voice to compare with the rows; None for no voice.
        layout: How the corpus's files are named; detected if None.
        trials: Settings of `cnn-light` to try in all, earlier trials included; see `tuning`.
    """

    out: Path
    corpus: str = "fsdd"
    only: tuple[str, ...] = ()
    quick: bool = False
    count: int | None = None
    runs: Path | None = None
    voice: str | None = "digits"
    trials: int = 0
    layout: str | None = None

    @property
    def clips(self) -> int:
        """Number of clips to generate for each row."""
        if self.count is not None:
            return self.count
        return QUICK_COUNT if self.quick else COUNT

    @property
    def runs_folder(self) -> Path:
        """The folder of the runs."""
        return self.runs or self.out / "runs"

    @property
    def outcomes_folder(self) -> Path:
        """The folder of the outcomes."""
        return self.out / ROWS_FOLDER

    @property
    def corpus_key(self) -> tuple[str, ...]:
        """The corpus and, if given, its layout: a part of the key of every outcome."""
        return (self.corpus,) if self.layout is None else (self.corpus, self.layout)

    def asks_for(self, name: str) -> bool:
        """Whether the row of this name, or the voice, is to be made."""
        return not self.only or name in self.only

    def run_of(self, row: Row) -> Path:
        """The folder of a row's run."""
        return self.runs_folder / (row.run or row.name)


def make_study(request: StudyRequest) -> Study:
    """Train and measure the rows that are missing. A row that fails is kept with its reason.

    The study also includes outcomes of other rows that the folder keeps, if made with the same settings.

    Raises:
        ConfigError: There is no such row, or `count` or `trials` makes no sense.
        CorpusError: The corpus cannot be used.
        FileError: The folder cannot be written.
    """
    import_extra("scipy", "study")
    if request.clips < 1:
        raise ConfigError(f"--count {request.clips} is less than 1")
    chosen(tuple(name for name in request.only if name != VOICE), request.quick)
    rows = chosen((), request.quick)
    files.make_folder(request.runs_folder)
    files.make_folder(request.outcomes_folder)
    outcomes = measure_rows(request, rows)
    if request.voice is not None:
        found = measure_voice(request, request.voice)
        if found is not None:
            outcomes[VOICE] = found
    tuning = request.out / "tuning"
    asked = request.trials or (tuning / DATABASE).is_file()
    tuned = tune(tuning, request.corpus, request.trials, layout=request.layout) if asked else None
    models = [row for row in rows if row.full and row.run is None and succeeded(outcomes.get(row.name))]
    speeds = speeds_of(models, request.corpus, request.out / SPEEDS, request.layout)
    samples = samples_of(request, rows, outcomes)
    return Study(request.out, request.corpus, request.quick, request.clips, outcomes, tuned, speeds, samples)


def read_study(folder: Path) -> Study:
    """The study kept in a folder, whatever its settings were: for its figures, not to resume it."""
    names = (*ROWS, VOICE)
    found = {name: read_outcome(folder / ROWS_FOLDER / f"{name}.json") for name in names}
    outcomes = {name: outcome for name, outcome in found.items() if outcome is not None}
    return Study(folder, "", False, 0, outcomes, speeds=read_speeds(folder / SPEEDS))


def measure_rows(request: StudyRequest, rows: tuple[Row, ...]) -> dict[str, Outcome]:
    """Outcomes of these rows by name: kept ones, and new ones of requested rows that lack one or failed."""
    outcomes: dict[str, Outcome] = {}
    bar = tqdm(rows, unit="row", desc="study", disable=None, leave=False)
    for row in bar:
        bar.set_postfix_str(row.name)
        key = digest_of(asdict(row), *request.corpus_key, request.clips)
        found = recall(request.outcomes_folder, row.name, key)
        if request.asks_for(row.name) and (found is None or found.error is not None):
            found = attempt(
                row, request.corpus, request.clips, request.run_of(row), key, layout=request.layout
            )
            keep(request.outcomes_folder, found)
        if found is not None:
            outcomes[row.name] = found
    return outcomes


def succeeded(outcome: Outcome | None) -> bool:
    """Whether a row was made and did not fail."""
    return outcome is not None and outcome.error is None


def measure_voice(request: StudyRequest, voice: str) -> Outcome | None:
    """The outcome of a voice, kept or new: its scorecard, as its loss is not comparable with the rows'.

    None if the voice is not requested and no outcome is kept.
    """
    title, asked = f"voice {Path(voice).stem}", request.asks_for(VOICE)
    try:
        file = read_voice(find_voice(voice))
        key = digest_of(file.digest, *request.corpus_key, request.clips)
        found = recall(request.outcomes_folder, VOICE, key)
        if found is None and not asked:
            return None
        speaker = Voice(file)
        write_samples(request.out / VOICE, speaker)
        if found is None:
            figures = figures_of(
                speaker, open_reference(request.corpus, layout=request.layout), request.clips, full=True
            )
            found = Outcome(VOICE, title, figures=figures, key=key)
            keep(request.outcomes_folder, found)
    except VoxletError as error:
        return Outcome(VOICE, title, error=str(error)) if asked else None
    return replace(found, labels=tuple(speaker.labels))


def samples_of(
    request: StudyRequest, rows: tuple[Row, ...], outcomes: dict[str, Outcome]
) -> dict[str, dict[str, str]]:
    """Paths of the WAV files of rows that did not fail, by row and label."""
    folders = {row.name: request.run_of(row) / "samples" for row in rows} | {VOICE: request.out / VOICE}
    found = {
        name: sample_paths(folders[name], outcome.labels)
        for name, outcome in outcomes.items()
        if succeeded(outcome)
    }
    return {
        name: {label: str(path) for label, path in paths.items() if path.is_file()}
        for name, paths in found.items()
    }
