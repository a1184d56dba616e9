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
MIRROR = 0.5  # of the image above the old limit
NOISE_LEVELS = (0.001, 0.002, 0.004)  # standard deviation of the noise, for a clip at level 0.08
PAD_SECONDS = 0.3  # of silence before and after a clip, or a string
VOTE_FLOOR = 1e-3  # votes that every label has
WORDS, GAP_SECONDS = 4, 0.15  # of a string, as people read digits aloud
MOST_IN_STRINGS = 300  # clips


class PocketSphinx:
    """PocketSphinx (Huggins-Daines et al. 2006): hidden Markov models of English phones, trained by others.

    It chooses among the labels by a grammar. Its models expect 16 kHz. Narrow, a clip gets above 4 kHz a
    faint mirror image of what lies below and faint noise, as wide-band recordings have something there; wide,
    it is heard as it is. Each clip is decoded at several levels of noise; the shares of votes are its
    probabilities. All this was chosen on real training clips.

    Raises:
        ScoreError: It does not know a label's word.
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
        """How it travels to other processes: its decoder is opened there anew."""
        return functools.partial(PocketSphinx, wide=self.wide), (self.label_names, self._dictionary)

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Votes as probabilities; a clip that it makes nothing of has all labels alike."""
        rng = np.random.default_rng(0)
        self._decoder.activate_search("one")
        rows = [self._votes(self._heard(sound, rate), rng) for sound in sounds]
        shares = np.array(rows, dtype=np.float64) + VOTE_FLOOR
        return Prediction(np.log(shares / shares.sum(axis=1, keepdims=True)), None, None)

    def found_in_strings(
        self, sounds: Sequence[Samples], rate: int, labels: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of at most 300 clips that were drawn, and whether each was recognised within a string of four.

        It is not told how many words there are. What it says is aligned with what was asked for by the
        longest common stretches; a word that has no counterpart was not recognised.
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
        """A clip as the decoder is given it, at 16 kHz."""
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
        """What it makes of a sound at 16 kHz with noise of this level; empty: nothing."""
        padded = np.pad(sound, round(PAD_SECONDS * RATE))
        noisy = padded + level * rng.standard_normal(len(padded))
        self._decoder.start_utt()
        self._decoder.process_raw((np.clip(noisy, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        answer = self._decoder.hyp()
        return "" if answer is None else str(answer.hypstr)


def widen(samples: Samples) -> Samples:
    """Double the rate of (T,); what lies below the old limit also appears faintly above it, mirrored."""
    # Zeros between the samples make a mirror image as strong as the original; resampling leaves it out.
    both = np.zeros(2 * len(samples), np.float32)
    both[::2] = 2 * samples
    original = audio.resample(samples, 1, 2)[: len(both)]
    original = np.pad(original, (0, len(both) - len(original)))
    return original + np.float32(MIRROR) * (both - original)
