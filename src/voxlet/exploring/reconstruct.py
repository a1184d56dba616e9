"""Reconstruct any sound file with a model: the output, how far off it is, and its place on the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet import audio
from voxlet.corpus.prepare import fit_clip, prepare_clip
from voxlet.errors import ConfigError
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Examples, embedded, fit
from voxlet.evaluation.encoders import speech_embedding
from voxlet.exploring.clips import styles
from voxlet.exploring.walks import DEPTH_DB, Walk, display_spectrograms, render
from voxlet.recipes.opened import ClipRun
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes, analyse
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.classifiers.embedded import Head
    from voxlet.exploring.clips import Clips
    from voxlet.recipes.opened import Opened

NEIGHBOURS = 5
LEARNED = 600  # clips of a map on which the word classifier is fitted


@dataclass(frozen=True)
class Reconstruction:
    """A sound and its reconstruction by a model.

    Attributes:
        name: Name of the file.
        label: The word, if it was given; else the commonest label of a clip VAE's nearest clips or, since a
            voice's styles hold no words, what a classifier fitted on the map's clips hears.
        latent: (Z,).
        given: The input as the model receives it, (T,).
        made: The output, (T,): a clip VAE's decoded clip, or the word said by a voice in the sound's style.
        rate: Sampling rate in Hz.
        loss: The clip VAE's negative ELBO in nats; NaN for a voice.
        difference_db: Mean absolute difference of the spectrograms, 60 dB deep; NaN for a voice, whose timing
            differs.
    """

    name: str
    label: str
    latent: NDArray[np.float64]
    given: Samples
    made: Samples
    rate: int
    loss: float
    difference_db: float

    def write(self, folder: Path, stem: str) -> None:
        """Write input and output as one sound, and as one picture.

        Raises:
            FileError: A file cannot be written.
        """
        Walk(("given", f"reconstructed: {self.label}"), (self.given, self.made), self.rate).write(
            folder / stem
        )


def reconstruct(
    opened: Opened, path: Path, clips: Clips, *, label: str | None = None, words: Head | None = None
) -> Reconstruction:
    """Reconstruct a sound file with a model.

    Args:
        opened: A clip VAE's run, or a voice with its style encoder.
        path: The file.
        clips: The clips of the model's map, among which the nearest are looked up.
        label: The word in the file, if known.
        words: For a voice, the word classifier from `learn_words`; fitted now if None.

    Raises:
        CorpusError: A clip VAE's file cannot be read.
        AudioError: A voice's file cannot be read.
        ConfigError: The model has no such word.
    """
    told = None if label is None else find(label, clips.label_names)
    if label is not None and told is None:
        raise ConfigError(
            f"there is no word {label!r}",
            where="label",
            remedy=f"the words are: {', '.join(clips.label_names)}",
        )
    if not isinstance(opened, ClipRun):
        sound = audio.read(path)
        given = audio.resample(sound.samples, sound.rate, opened.rate)
        latent = styles(opened, [given])[0]
        said = told or recognised_words([given], opened.rate, clips, words or learn_words(clips))[0]
        (made,) = render(opened, latent[None], [said])
        return Reconstruction(path.name, said, latent, given, made, opened.rate, np.nan, np.nan)
    preparation = opened.config.preparation
    given, _ = fit_clip(prepare_clip(path, preparation), opened.speech.samples, preparation)
    row = torch.from_numpy(np.pad(given, (0, opened.speech.samples - len(given))))[None]
    real = analyse(row, opened.config.spectrogram)
    # A conditional model needs a word; while it is unknown, the clip is encoded with the first label.
    guess = told or clips.label_names[0]
    with torch.inference_mode():
        posterior = opened.model.encode(real.values, number(opened, guess))
        latent = posterior.mean[0].double().numpy()
        said = told or nearest_label(clips, latent)
        noise = torch.zeros_like(posterior.mean)
        loss = float(opened.model.elbo_at(posterior, real.values, number(opened, said), noise=noise).loss)
    decoded = opened.decode_spectrograms(posterior.mean, [said])
    amplitude = amplitudes(Spectrogram(decoded, real.low, real.high, real.reference))
    made = griffin_lim(amplitude, opened.config.spectrogram, samples=row.shape[1])[0].numpy()[: len(given)]
    return Reconstruction(
        path.name, said, latent, given, made, opened.rate, loss, difference_db(given, made, opened.rate)
    )


def learn_words(clips: Clips) -> Head:
    """A linear word classifier on the speech embedding, fitted on clips of a map."""
    rows = np.unique(np.linspace(0, len(clips) - 1, LEARNED).round().astype(np.int64))
    features = embedded(speech_embedding.log_mels([clips.sounds[row] for row in rows], clips.rate))
    learned = Examples(features, clips.labels[rows], np.arange(len(rows)))
    return fit(learned, len(clips.label_names), EmbeddedConfig())


def recognised_words(sounds: Sequence[Samples], rate: int, clips: Clips, words: Head) -> list[str]:
    """The word of the map that the classifier `words` hears in each sound (T,)."""
    said = words.log_probabilities(embedded(speech_embedding.log_mels(sounds, rate))).argmax(axis=1)
    return [clips.label_names[label] for label in said]


def number(opened: ClipRun, label: str) -> torch.Tensor:
    """The index of a label as the model takes it, (1,)."""
    return torch.tensor([opened.labels.index(label)])


def nearest_label(clips: Clips, latent: NDArray[np.float64]) -> str:
    """The commonest label of the nearest clips; the nearest clip breaks ties."""
    order = np.argsort(np.linalg.norm(clips.latents - latent, axis=1), kind="stable")[:NEIGHBOURS]
    near = clips.labels[order]
    return clips.label_names[int(near[(near[:, None] == near).sum(axis=1).argmax()])]


def difference_db(given: Samples, made: Samples, rate: int) -> float:
    """Mean absolute difference, in dB, between the spectrograms of two sounds of the same length."""
    one, other = display_spectrograms([given, made], rate)
    return float(DEPTH_DB * np.abs(one - other).mean())
