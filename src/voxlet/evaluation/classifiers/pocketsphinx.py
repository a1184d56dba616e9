"""The off-the-shelf classifier: PocketSphinx, trained by others on other speech."""

from __future__ import annotations

import functools
from difflib import SequenceMatcher
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

    from numpy.typing import NDArray

    from voxlet.audio import Samples

RATE = 16_000  # Hz, what its models expect
MIRROR = 0.5  # amplitude of the mirror image above the old band limit
NOISE_LEVELS = (0.001, 0.002, 0.004)  # standard deviation of the noise, for a clip at level 0.08
PAD_SECONDS = 0.3  # of silence before and after a clip, or a string
VOTE_FLOOR = 1e-3  # votes added to every label
WORDS, GAP_SECONDS = 4, 0.15  # words in a string and pause between two, as when people read digits aloud
MOST_IN_STRINGS = 300  # clips that are tested within strings, at most


class PocketSphinx:
    """PocketSphinx (Huggins-Daines et al. 2006): hidden Markov models of English phones, trained by others.

    A grammar restricts it to the labels. Its models expect 16 kHz. If `wide`, clips are passed at 16 kHz.
    Otherwise they are limited to 4 kHz, and a faint mirror image of their spectrum is added above, since
    wide-band recordings have energy there. Each clip is decoded with several levels of added noise; the
    shares of votes are its probabilities. All these settings were chosen on real training clips.

    Raises:
        ScoreError: PocketSphinx does not know the word of a label.
        MissingExtraError: PocketSphinx is not installed.
    """

    def __init__(
        self, label_names: tuple[str, ...], dictionary: Path | None = None, *, wide: bool = False
    ) -> None:
        sphinx = import_extra("pocketsphinx", "study")
        sphinx.set_loglevel("FATAL")
        folder = sphinx.get_model_path("en-us/en-us")
        words = dictionary or sphinx.get_model_path("en-us/cmudict-en-us.dict")
        self.label_names = label_names
        self.wide, self._dictionary = wide, dictionary
        self.digest = f"pocketsphinx, mirror {MIRROR}, noise {NOISE_LEVELS}, wide {wide}, strings of {WORDS}"
        self._decoder = sphinx.Decoder(
            sphinx.Config(hmm=str(folder), dict=str(words), lm=None, cmn="batch", loglevel="FATAL")
        )
        for label in label_names:
            if self._decoder.lookup_word(label) is None:
                raise ScoreError(f"the off-the-shelf classifier does not know the word {label!r}")
        choice = f"#JSGF V1.0; grammar labels; <label> = {' | '.join(label_names)}; public"
        self._decoder.add_jsgf_string("one", f"{choice} <word> = <label>;")
        self._decoder.add_jsgf_string("string", f"{choice} <words> = <label>+;")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the arguments only: the decoder is opened anew in the other process."""
        return functools.partial(PocketSphinx, wide=self.wide), (self.label_names, self._dictionary)

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify clips by votes; if nothing is recognised in a clip, all labels are equally probable."""
        rng = np.random.default_rng(0)
        self._decoder.activate_search("one")
        rows = [self._votes(self._heard(sound, rate), rng) for sound in sounds]
        shares = np.array(rows, dtype=np.float64) + VOTE_FLOOR
        return Prediction(np.log(shares / shares.sum(axis=1, keepdims=True)), None, None)

    def found_in_strings(
        self, sounds: Sequence[Samples], rate: int, labels: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of at most 300 clips drawn at random, and whether each was recognised within a string of four.

        The decoder does not know the number of words. Its output is aligned with the words asked for by
        longest matching blocks; a word without a counterpart was not recognised.
        """
        rng = np.random.default_rng(0)
        self._decoder.activate_search("string")
        found = np.zeros(len(sounds), np.bool_)
        order = rng.permutation(len(sounds))[:MOST_IN_STRINGS]
        for start in range(0, len(order), WORDS):
            rows = order[start : start + WORDS]
            string = audio.join([self._heard(sounds[row], rate) for row in rows], RATE, GAP_SECONDS)
            said = self._decode(string, NOISE_LEVELS[1], rng).split()
            asked = [self.label_names[labels[row]] for row in rows]
            for match in SequenceMatcher(None, asked, said, autojunk=False).get_matching_blocks():
                found[rows[match.a : match.a + match.size]] = True
        return order, found[order]

    def _heard(self, sound: Samples, rate: int) -> Samples:
        """A clip at 16 kHz, preprocessed for the decoder."""
        if self.wide:
            return normalise(sound, rate, InputConfig(rate=RATE))
        return widen(normalise(sound, rate, InputConfig()))

    def _votes(self, sound: Samples, rng: np.random.Generator) -> list[int]:
        votes = [0] * len(self.label_names)
        for level in NOISE_LEVELS:
            answer = self._decode(sound, level, rng)
            if answer in self.label_names:
                votes[self.label_names.index(answer)] += 1
            if max(votes) > len(NOISE_LEVELS) // 2:
                break  # another vote would change nothing
        return votes

    def _decode(self, sound: Samples, level: float, rng: np.random.Generator) -> str:
        """Words recognised in a sound at 16 kHz with added noise of this level; empty if there are none."""
        padded = np.pad(sound, round(PAD_SECONDS * RATE))
        noisy = padded + level * rng.standard_normal(len(padded))
        self._decoder.start_utt()
        self._decoder.process_raw((np.clip(noisy, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        answer = self._decoder.hyp()
        return "" if answer is None else str(answer.hypstr)


def widen(samples: Samples) -> Samples:
    """Double the rate of a clip (T,), and add a faint mirror image of its spectrum above the old limit."""
    # Zeros between the samples make a mirror image as strong as the original; resampling removes it.
    both = np.zeros(2 * len(samples), np.float32)
    both[::2] = 2 * samples
    original = audio.resample(samples, 1, 2)[: len(both)]
    original = np.pad(original, (0, len(both) - len(original)))
    return original + np.float32(MIRROR) * (both - original)
