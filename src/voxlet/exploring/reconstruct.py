"""Any sound file through a model: what it makes of it, how far off that is, and where it lies on the map."""

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
from voxlet.exploring.walks import DEPTH_DB, Walk, pictures, render
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
LEARNED = 600  # clips of a map, of which words are learned


@dataclass(frozen=True)
class Reconstruction:
    """A sound and what a model makes of it.

    Attributes:
        name: Of the file.
        label: What it is taken to say: what was told; else what most of a clip VAE's nearest clips say. A
            voice's styles hold no words: what a classifier hears that has learned the map's clips.
        latent: (Z,).
        given: As the model is given it, (T,).
        made: What comes out: of a clip VAE the clip decoded, of a voice the word said in its style, (T,).
        rate: Hz.
        loss: The clip VAE's negative ELBO in nats; NaN of a voice.
        difference_db: Mean difference of the spectrograms, 60 dB deep; NaN of a voice, whose times differ.
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
        """Write both as one sound, and as a picture.

        Raises:
            FileError: They cannot be written.
        """
        Walk(("given", f"reconstructed: {self.label}"), (self.given, self.made), self.rate).write(
            folder / stem
        )


def reconstruct(
    opened: Opened, path: Path, clips: Clips, *, label: str | None = None, words: Head | None = None
) -> Reconstruction:
    """What a model makes of a sound file.

    Args:
        opened: A clip VAE's run, or a voice, which has its style encoder.
        path: The file.
        clips: Of the model's map, among which the nearest are looked for.
        label: The word in it, if it is known.
        words: What tells words apart where a voice is asked, of `learn_words`; without, it is learned now.

    Raises:
        CorpusError: The file cannot be read.
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
        said = told or heard([given], opened.rate, clips, words or learn_words(clips))[0]
        (made,) = render(opened, latent[None], [said])
        return Reconstruction(path.name, said, latent, given, made, opened.rate, np.nan, np.nan)
    preparation = opened.config.preparation
    given, _ = fit_clip(prepare_clip(path, preparation), opened.speech.samples, preparation)
    row = torch.from_numpy(np.pad(given, (0, opened.speech.samples - len(given))))[None]
    real = analyse(row, opened.config.spectrogram)
    # A conditional model has to be told the word: it is looked for without, by the first label's place.
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
    """A linear classifier of words on the speech embedding that has learned clips of a map."""
    rows = np.unique(np.linspace(0, len(clips) - 1, LEARNED).round().astype(np.int64))
    features = embedded(speech_embedding.log_mels([clips.sounds[row] for row in rows], clips.rate))
    learned = Examples(features, clips.labels[rows], np.arange(len(rows)))
    return fit(learned, len(clips.label_names), EmbeddedConfig())


def heard(sounds: Sequence[Samples], rate: int, clips: Clips, words: Head) -> list[str]:
    """What sounds, each (T,), are taken to say, of the words of a map."""
    said = words.log_probabilities(embedded(speech_embedding.log_mels(sounds, rate))).argmax(axis=1)
    return [clips.label_names[label] for label in said]


def number(opened: ClipRun, label: str) -> torch.Tensor:
    """A label's number as the model is given it, (1,)."""
    return torch.tensor([opened.labels.index(label)])


def nearest_label(clips: Clips, latent: NDArray[np.float64]) -> str:
    """What most of the nearest clips say; the nearest breaks ties."""
    order = np.argsort(np.linalg.norm(clips.latents - latent, axis=1), kind="stable")[:NEIGHBOURS]
    near = clips.labels[order]
    return clips.label_names[int(near[(near[:, None] == near).sum(axis=1).argmax()])]


def difference_db(given: Samples, made: Samples, rate: int) -> float:
    """Mean absolute difference of the spectrograms of two sounds of one length, in dB."""
    one, other = pictures([given, made], rate)
    return float(DEPTH_DB * np.abs(one - other).mean())
