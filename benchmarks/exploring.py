"""How well doubtful recordings are found, and what moving a speaker does.

python benchmarks/exploring.py doubt      # labels planted wrongly
python benchmarks/exploring.py elbo       # the same by a clip VAE's loss, which knows no labels
python benchmarks/exploring.py faults     # clips cut, silenced, doubled
python benchmarks/exploring.py voices     # real clips said again in other speakers' voices
python benchmarks/exploring.py walks      # what a classifier says along walks
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import voxlet
from voxlet import audio, speech_likeness
from voxlet.corpus.attributes.pitch import median_pitch, semitones
from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.look.inspection import measure_clip
from voxlet.engines.threads import in_order
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Examples, embedded, fit
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mels
from voxlet.evaluation.encoders import speech_embedding
from voxlet.exploring.clips import gather
from voxlet.exploring.directions import find_directions, in_voice_of, properties
from voxlet.exploring.doubt import features_of, find_doubts, groups_of, label_odds
from voxlet.exploring.tour import ends_of
from voxlet.exploring.walks import between, render

CORPORA = {"fsdd": 3000, "speech_commands": 3000, "arabic_speech_commands": 3200}
PLANTED, LOOKED_AT, SEEDS = 20, 40, range(5)


def some(name: str, most: int) -> list[Clip]:
    """Clips spread evenly over a corpus."""
    clips = open_corpus(name, allow_rejected=True).clips
    return [clips[row] for row in np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int)]


def doubt() -> None:
    """Planted labels among the worst 40 of each corpus, by either witness and both."""
    print("corpus, clips: of 20 planted labels in the worst 40, mean and worst of five plantings")
    for name, most in CORPORA.items():
        clips = some(name, most)
        kept = [row for row, clip in enumerate(clips) if name != "fsdd" or int(clip.take) >= 5]
        features = features_of(clips)[kept]
        clips = [clips[row] for row in kept]
        names = sorted({clip.label for clip in clips})
        truth = np.array([names.index(clip.label) for clip in clips])
        pictures = np.array([picture for _, picture in in_order(measure_clip, clips)])
        counts: dict[str, list[int]] = {"classifiers": [], "likeness": [], "both": []}
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            bad = rng.choice(len(clips), PLANTED, replace=False)
            labels = truth.copy()
            labels[bad] = (truth[bad] + rng.integers(1, len(names), PLANTED)) % len(names)
            given = labels, groups_of(clips)
            alike = np.zeros_like(pictures)  # of which likeness says nothing
            with np.errstate(invalid="ignore"):
                alone = label_odds(features, alike, *given)[0]
            scores = {
                "classifiers": alone,
                "likeness": np.nan_to_num(speech_likeness.unlikeness(pictures, labels), nan=0.0),
                "both": label_odds(features, pictures, *given)[0],
            }
            for who, score in scores.items():
                worst = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:LOOKED_AT]
                counts[who].append(len(set(worst) & set(bad)))
        told = ", ".join(f"{who} {np.mean(found):.1f} ({min(found)})" for who, found in counts.items())
        print(f"{name}, {len(clips):,}: {told}", flush=True)


def elbo() -> None:
    """Planted labels among the worst 40 by the shipped clip VAE's loss, against the label's median.

    The model is not given the label: a wrong one shows only where the loss is unusual among its new label's.
    """
    run = voxlet.load("cnn-light-digits")
    rows = [row for row, clip in enumerate(run.prepared.clips) if int(clip.take) >= 5]
    losses = np.array([run.explain(np.array([row])).loss for row in rows])
    truth = run.prepared.labels[rows]
    counts = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        bad = rng.choice(len(rows), PLANTED, replace=False)
        labels = truth.copy()
        labels[bad] = (truth[bad] + rng.integers(1, len(run.labels), PLANTED)) % len(run.labels)
        middles = np.array([np.median(losses[labels == label]) for label in range(len(run.labels))])
        worst = np.argsort(middles[labels] - losses, kind="stable")[:LOOKED_AT]
        counts.append(len(set(worst) & set(bad)))
    told = f"{np.mean(counts):.1f} ({min(counts)}); {PLANTED * LOOKED_AT / len(rows):.1f} by chance"
    print(f"fsdd, {len(rows):,}: of {PLANTED} planted labels in the worst {LOOKED_AT} by the loss {told}")


def faults() -> None:
    """Of FSDD's test takes: 20 cut in their middle, 20 at -55 dB, 20 doubled; how many are named as such."""
    clips = [clip for clip in open_corpus("fsdd").clips if int(clip.take) < 5]
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(clips))[: 3 * PLANTED].reshape(3, PLANTED)
    with tempfile.TemporaryDirectory() as folder:
        for row, clip in enumerate(clips):
            sound = audio.read(clip.path)
            samples = sound.samples
            if row in chosen[0]:
                samples = samples[: len(samples) // 2]
            elif row in chosen[1]:
                samples = audio.level(samples, 10 ** (-55 / 20))
            elif row in chosen[2]:
                audio.write(
                    Path(folder, f"{clip.label}_{clip.speaker}_{10_000 + row}.wav"), samples, sound.rate
                )
            audio.write(Path(folder, f"{clip.label}_{clip.speaker}_{row}.wav"), samples, sound.rate)
        corpus = open_corpus(folder, allow_rejected=True)
        found = find_doubts(corpus.clips, progress=False)
        said = {int(clip.take): reasons for clip, reasons in zip(found.clips, found.reasons, strict=True)}
        rejected = {int(item.path.stem.rpartition("_")[2]) for item in corpus.rejected}
        for kind, rows, words in zip(
            ("cut", "silenced", "doubled"), chosen, (("cut",), ("silent",), ("times", "copy")), strict=True
        ):
            named = [row for row in rows if any(word in one for word in words for one in said.get(row, ()))]
            others = set(range(len(clips))) - set(rows)
            false = [row for row in others if any(word in one for word in words for one in said.get(row, ()))]
            lost = len(rejected & set(rows))
            print(f"{kind}: {len(named)} of {len(rows)} named, {lost} left out; of others {len(false)}")


def timbre(sounds: list[audio.Samples], rate: int) -> np.ndarray:
    """What tells speakers apart in clips, (B, D): the mean log-mel spectrum of the speech, and its pitch."""
    spectra = log_mels(sounds, rate, InputConfig())
    heard = spectra.mean(axis=1, keepdims=True) > np.log(FLOOR) + 1
    mean = (spectra * heard).sum(axis=2) / np.maximum(heard.sum(axis=2), 1)
    pitch = semitones(median_pitch(sounds, rate))
    return np.column_stack([mean, np.nan_to_num(pitch, nan=float(np.nanmedian(pitch)))])


def voices() -> None:
    """Real test clips of the shipped model's corpus, reconstructed, and in each other speaker's voice.

    By linear classifiers on real training clips: labels from the speech embedding, speakers from the timbre.
    """
    run = voxlet.load("cnn-light-digits")
    clips = gather(run, 1500)
    directions = find_directions(clips, properties(clips))
    tested = np.isin(clips.rows, run.split.test)
    trained = np.flatnonzero((clips.rows >= 0) & ~tested)
    rows = np.flatnonzero(tested)[:200]
    real = [clips.sounds[row] for row in trained]
    embedding = embedded(speech_embedding.log_mels(real, clips.rate))
    words = fit(Examples(embedding, clips.labels[trained], np.arange(len(real))), 10, EmbeddedConfig())
    who = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    who.fit(timbre(real, clips.rate), clips.speakers[trained])

    def accuracy(sounds: list[audio.Samples], speakers: np.ndarray) -> str:
        found = words.log_probabilities(embedded(speech_embedding.log_mels(sounds, clips.rate))).argmax(
            axis=1
        )
        kept = np.mean(found == clips.labels[rows])
        return f"label {kept:.1%}, speaker {np.mean(who.predict(timbre(sounds, clips.rate)) == speakers):.1%}"

    said = [clips.label_names[clips.labels[row]] for row in rows]
    own = clips.speakers[rows]
    print(f"{len(rows)} real test clips: {accuracy([clips.sounds[row] for row in rows], own)}")
    print(f"reconstructed: {accuracy(render(run, clips.latents[rows], said), own)}", flush=True)
    for number, name in enumerate(clips.speaker_names):
        moved = render(run, in_voice_of(clips, rows, directions, name), said)
        print(f"moved to {name}: {accuracy(moved, np.full(len(rows), number))}", flush=True)


def walks() -> None:
    """What a classifier that has learned FSDD's takes says along three walks, straight and spherical."""
    run = voxlet.load("cnn-light-digits")
    clips = gather(run, 400)
    found = find_doubts([*run.prepared.clips, *run.prepared.dropped])
    for first, second in (("three", "seven"), ("four", "eight"), ("five", "nine")):
        ends, labels = ends_of(run, clips, first, second)
        for way in ("straight", "spherical"):
            made = render(run, between(*ends, len(labels), way), labels)
            print(f"{first} to {second}, {way}: {' '.join(found.says(made, run.rate))}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("doubt", "elbo", "faults", "voices", "walks"))
    {"doubt": doubt, "elbo": elbo, "faults": faults, "voices": voices, "walks": walks}[
        parser.parse_args().part
    ]()
