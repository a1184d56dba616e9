"""The study: every row trained on the same split, measured alike, and kept, so that it can be gone on with.

OUT/runs/ROW/        a run as `voxlet train` makes it; other studies may share them
    rows/ROW.json    what was found
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
from voxlet.recipes.clip.finish import write_samples
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

COUNT, QUICK_COUNT = 500, 200  # clips of a row


@dataclass(frozen=True)
class StudyRequest:
    """What is to be compared.

    Attributes:
        out: The study's folder.
        corpus: Of real clips.
        only: Names of the rows to make; without any, all.
        quick: A tenth of the epochs, and fewer clips.
        count: Clips to generate of each row; None: 500, or 200 of a quick study.
        runs: Where the runs are; another study's, to share them. None: in `out`.
        voice: A voice to stand beside the rows; None: none.
        layout: How its files are named; found out without it.
        trials: How many settings of `cnn-light` are tried; see `tuning`. Those tried before are in it too.
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
        """How many clips are generated of each row."""
        if self.count is not None:
            return self.count
        return QUICK_COUNT if self.quick else COUNT

    @property
    def runs_folder(self) -> Path:
        """Where the runs are."""
        return self.runs or self.out / "runs"

    @property
    def kept(self) -> Path:
        """Where outcomes are kept."""
        return self.out / ROWS_FOLDER

    @property
    def read(self) -> tuple[str, ...]:
        """The corpus and, where it was told, its layout: what outcomes are kept under."""
        return (self.corpus,) if self.layout is None else (self.corpus, self.layout)

    def asks_for(self, name: str) -> bool:
        """Whether this row, or the voice's, is to be made."""
        return not self.only or name in self.only

    def run_of(self, row: Row) -> Path:
        """The folder of a row's run."""
        return self.runs_folder / (row.run or row.name)


def make_study(request: StudyRequest) -> Study:
    """Train and measure what has not been yet. A row that fails is kept with its reason.

    What the folder keeps of other rows, made with the same settings, is in the study too.

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
    files.make_folder(request.kept)
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
    """What a study's folder keeps, whatever it was made with: for its figures, not to go on with it."""
    names = (*ROWS, VOICE)
    found = {name: read_outcome(folder / ROWS_FOLDER / f"{name}.json") for name in names}
    outcomes = {name: outcome for name, outcome in found.items() if outcome is not None}
    return Study(folder, "", False, 0, outcomes, speeds=read_speeds(folder / SPEEDS))


def measure_rows(request: StudyRequest, rows: tuple[Row, ...]) -> dict[str, Outcome]:
    """Outcomes of these rows by name: kept ones, and those asked for that are missing or failed before."""
    outcomes: dict[str, Outcome] = {}
    bar = tqdm(rows, unit="row", desc="study", disable=None, leave=False)
    for row in bar:
        bar.set_postfix_str(row.name)
        key = digest_of(asdict(row), *request.read, request.clips)
        found = recall(request.kept, row.name, key)
        if request.asks_for(row.name) and (found is None or found.error is not None):
            found = attempt(
                row, request.corpus, request.clips, request.run_of(row), key, layout=request.layout
            )
            keep(request.kept, found)
        if found is not None:
            outcomes[row.name] = found
    return outcomes


def succeeded(outcome: Outcome | None) -> bool:
    """Whether a row was made, and did not fail."""
    return outcome is not None and outcome.error is None


def measure_voice(request: StudyRequest, voice: str) -> Outcome | None:
    """The scorecard of a voice, beside the rows, or the one that was kept. It has no loss that compares.

    None where the row is not asked for and none was kept.
    """
    title, asked = f"voice {Path(voice).stem}", request.asks_for(VOICE)
    try:
        file = read_voice(find_voice(voice))
        key = digest_of(file.digest, *request.read, request.clips)
        found = recall(request.kept, VOICE, key)
        if found is None and not asked:
            return None
        speaker = Voice(file)
        write_samples(request.out / VOICE, speaker)
        if found is None:
            figures = figures_of(
                speaker, open_reference(request.corpus, layout=request.layout), request.clips, full=True
            )
            found = Outcome(VOICE, title, figures=figures, key=key)
            keep(request.kept, found)
    except VoxletError as error:
        return Outcome(VOICE, title, error=str(error)) if asked else None
    return replace(found, labels=tuple(speaker.labels))


def samples_of(
    request: StudyRequest, rows: tuple[Row, ...], outcomes: dict[str, Outcome]
) -> dict[str, dict[str, str]]:
    """WAV files of each row that has some, by label."""
    folders = {row.name: request.run_of(row) / "samples" for row in rows} | {VOICE: request.out / VOICE}
    return {
        name: {path.stem: str(path) for path in sorted(folders[name].glob("*.wav"))}
        for name, outcome in outcomes.items()
        if succeeded(outcome)
    }
