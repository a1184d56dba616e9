"""The off-the-shelf classifier: PocketSphinx, trained by others on other speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import InputConfig, normalise
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlet.audio import Samples


MIRROR = 0.5  # of the image above the old limit
NOISE_LEVELS = (0.001, 0.002, 0.004)  # standard deviation of the noise, for a clip at level 0.08
PAD_SECONDS = 0.3  # of silence before and after a clip
VOTE_FLOOR = 1e-3  # votes that every label has


class PocketSphinx:
    """PocketSphinx (Huggins-Daines et al. 2006): hidden Markov models of English phones, trained by others.

    It chooses among the labels by a grammar. Its models expect 16 kHz: above 4 kHz each clip gets a faint
    mirror image of what lies below and faint noise, as wide-band recordings have something there. Each clip
    is decoded at several levels of noise; the shares of votes are its probabilities.
    All this was chosen on real training clips.

    Raises:
        ScoreError: It does not know a label's word.
        MissingExtraError: PocketSphinx is not installed.
    """

    digest = f"pocketsphinx, mirror {MIRROR}, noise {NOISE_LEVELS}"

    def __init__(self, label_names: tuple[str, ...], dictionary: Path | None = None) -> None:
        sphinx = import_extra("pocketsphinx", "study")
        sphinx.set_loglevel("FATAL")
        folder = sphinx.get_model_path("en-us/en-us")
        words = dictionary or sphinx.get_model_path("en-us/cmudict-en-us.dict")
        self.label_names = label_names
        self._decoder = sphinx.Decoder(
            sphinx.Config(hmm=str(folder), dict=str(words), lm=None, cmn="batch", loglevel="FATAL")
        )
        for label in label_names:
            if self._decoder.lookup_word(label) is None:
                raise ScoreError(f"the off-the-shelf classifier does not know the word {label!r}")
        grammar = f"#JSGF V1.0; grammar labels; public <label> = {' | '.join(label_names)};"
        self._decoder.add_jsgf_string("labels", grammar)
        self._decoder.activate_search("labels")

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Votes as probabilities; a clip that it makes nothing of has all labels alike."""
        rng = np.random.default_rng(0)
        rows = [self._votes(normalise(sound, rate, InputConfig()), rng) for sound in sounds]
        shares = np.array(rows, dtype=np.float64) + VOTE_FLOOR
        return Prediction(np.log(shares / shares.sum(axis=1, keepdims=True)), None, None)

    def _votes(self, sound: Samples, rng: np.random.Generator) -> list[int]:
        votes = [0] * len(self.label_names)
        wide = np.pad(widen(sound), round(PAD_SECONDS * 2 * InputConfig().rate))
        for level in NOISE_LEVELS:
            noisy = wide + level * rng.standard_normal(len(wide))
            self._decoder.start_utt()
            self._decoder.process_raw((np.clip(noisy, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
            self._decoder.end_utt()
            answer = self._decoder.hyp()
            if answer is not None and answer.hypstr in self.label_names:
                votes[self.label_names.index(answer.hypstr)] += 1
        return votes


def widen(samples: Samples) -> Samples:
    """Double the rate of (T,); what lies below the old limit also appears faintly above it, mirrored."""
    # Zeros between the samples make a mirror image as strong as the original; resampling leaves it out.
    both = np.zeros(2 * len(samples), np.float32)
    both[::2] = 2 * samples
    original = audio.resample(samples, 1, 2)[: len(both)]
    original = np.pad(original, (0, len(both) - len(original)))
    return original + np.float32(MIRROR) * (both - original)
