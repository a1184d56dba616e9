"""What a clip VAE's run holds besides weights, written at the end of training.

RUN/sampler.safetensors   the posterior of each label in the latent space, and what else speaking needs
    test.json             the ELBO on the test clips; without any, on other clips, which it names
    plots/                loss, KL divergence, the latent space by label, spectrograms
    samples/              a clip of each label
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet import audio, files
from voxlet.errors import AudioError, FileError, RunError
from voxlet.recipes.clip.clip_run import ClipRun
from voxlet.recipes.clip.figures import illustrate
from voxlet.recipes.clip.label_posterior import fit_posterior
from voxlet.recipes.clip.sampler import Speech, load_posterior, load_speech, save_speech
from voxlet.run_files import SAMPLES, TEST
from voxlet.speak.speech import describe, wav_metadata
from voxlet.spectral.log_spectrogram import analyse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.corpus.dataset import Dataset
    from voxlet.corpus.prepare import Prepared
    from voxlet.recipes.clip.config import ClipTraining
    from voxlet.recipes.clip.encode import Explained
    from voxlet.recipes.clip.label_posterior import LabelPosterior
    from voxlet.speak.speech import Sampler
    from voxlet.spectral.config import SpectrogramConfig
    from voxlet.training.run import Run

SEED = 0  # the same weights give the same samples
RANGE_CLIPS = 200  # enough for a median
LONGEST_STEM = 60  # characters of a label in a file's name


def finish_run(run: Run, config: ClipTraining, dataset: Dataset) -> Explained:
    """Save what speaking needs, measure the test loss, draw the plots, write a clip of each label.

    Args:
        run: The trained run.
        config: The settings that it was trained with.
        dataset: Its clips. The loss is measured on the test clips; without any, on the validation clips;
            without those, on the training clips.

    Raises:
        RunError: The run holds no weights, or cannot be written.
    """
    opened = ClipRun(run, config, dataset, speech=speech_of(dataset, config.spectrogram))
    posterior = None if config.model.conditional else posterior_of(opened)
    split = dataset.split
    parts = {"test": split.test, "validation": split.validation, "training": split.train}
    part, rows = next((part, rows) for part, rows in parts.items() if len(rows))
    found = opened.explain(rows)
    try:
        save_speech(run, opened.speech, posterior)
        illustrate(opened, part, rows)
        write_samples(run.path / SAMPLES, opened)
        measured = json.dumps({"part": part, **asdict(found)}, indent=2)
        files.write_atomically(run.path / TEST, f"{measured}\n".encode())
    except (AudioError, FileError, OSError) as error:
        raise RunError(
            f"its pictures and samples cannot be written ({error})",
            where=run.path,
            remedy="check the folder and its free space, then run the same command again",
        ) from error
    return found


def is_finished(run: Run) -> bool:
    """Whether `finish_run` has completed, and the file that speaking needs is undamaged."""
    if not (run.path / TEST).exists():
        return False
    try:
        load_speech(run)
        load_posterior(run)
    except RunError:
        return False
    return True


def speech_of(dataset: Dataset, config: SpectrogramConfig) -> Speech:
    """What speaking needs to know of the clips."""
    prepared = dataset.prepared
    samples = prepared.rows.shape[1]
    low, high = ranges(prepared, dataset.split.train, config)
    return Speech(prepared.label_names, (config.bands, config.frames(samples)), samples, low, high)


def posterior_of(opened: ClipRun) -> LabelPosterior:
    """The aggregated posterior of each label in the latent space, fitted on the training clips."""
    rows = opened.split.train
    found = opened.encode(rows)
    drawn = found.mean + found.deviation * np.random.default_rng(SEED).standard_normal(found.mean.shape)
    return fit_posterior(drawn, opened.prepared.labels[rows], len(opened.labels), seed=SEED)


def ranges(prepared: Prepared, rows: NDArray[np.int64], config: SpectrogramConfig) -> tuple[float, float]:
    """The dB that 0 and 1 stand for in a typical clip's spectrogram: medians over some of `rows`."""
    some = np.sort(np.random.default_rng(SEED).permutation(rows)[:RANGE_CLIPS])
    analysed = analyse(torch.from_numpy(prepared.rows.read(some)), config)
    return float(analysed.low.median()), float(analysed.high.median())


def write_samples(folder: Path, sampler: Sampler) -> None:
    """Write a WAV file of each label: the first clip that the seed gives, unselected."""
    files.make_folder(folder)
    paths = sample_paths(folder, sampler.labels)
    for label, clip in zip(sampler.labels, sampler.sample(sampler.labels, seed=SEED), strict=True):
        metadata = wav_metadata(describe(sampler, label, None, None, SEED))
        audio.write(paths[label], clip, sampler.rate, metadata)


def sample_paths(folder: Path, labels: Sequence[str]) -> dict[str, Path]:
    """The WAV file of each label in a folder that `write_samples` writes."""
    stems = files.safe_names(labels, LONGEST_STEM, "clip")
    return {label: folder / f"{stem}.wav" for label, stem in stems.items()}
