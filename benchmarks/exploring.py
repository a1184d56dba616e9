"""How well doubtful recordings are found, and what moving clips to another speaker or along a direction does.

python benchmarks/exploring.py doubt      # labels planted wrongly
python benchmarks/exploring.py elbo       # the same by a clip VAE's loss, which knows no labels
python benchmarks/exploring.py faults     # clips cut, silenced, doubled
python benchmarks/exploring.py voices     # real clips moved to other speakers by a clip VAE
python benchmarks/exploring.py again      # real clips said again by the voice, as its other speakers
python benchmarks/exploring.py directions --model RUN    # gender and the like: read, and moved along
python benchmarks/exploring.py walks      # what a classifier says along walks
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import voxlet
from voxlet import audio
from voxlet.corpus.attributes.pitch import median_pitch, semitones
from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.look import likeness
from voxlet.corpus.look.inspection import measure_clip
from voxlet.engines.threads import in_order
from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, reserving_corpora
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Examples, embedded, fit
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mels
from voxlet.evaluation.encoders import speech_embedding
from voxlet.evaluation.intervals import wilson
from voxlet.exploring.clips import Clips, gather
from voxlet.exploring.directions import find_directions, in_voice_of, properties, steered
from voxlet.exploring.doubt import features_of, find_doubts, folds_of, groups_of, label_odds
from voxlet.exploring.reconstruct import learn_words, recognised_words
from voxlet.exploring.tour import ends_of
from voxlet.exploring.walks import between, render
from voxlet.recipes.opened import Opened, Voice
from voxlet.speak.manner import Manner

CORPORA = {"fsdd": 3000, "speech_commands": 3000, "arabic_speech_commands": 3200}
PLANTED, LOOKED_AT, SEEDS = 20, 40, range(5)
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
MOVED_OF_EACH = 12  # clips of each speaker that are moved along a direction


def some(name: str, most: int) -> list[Clip]:
    """At most `most` clips, spread evenly over a corpus."""
    clips = open_corpus(name, allow_rejected=True).clips
    return [clips[row] for row in np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int)]


def doubt() -> None:
    """Planted labels among the worst 40 of each corpus: by classifiers, by likeness, and by both."""
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
            alike = np.zeros_like(pictures)  # so that likeness has no influence
            with np.errstate(invalid="ignore"):
                alone = label_odds(features, alike, *given)[0]
            scores = {
                "classifiers": alone,
                "likeness": np.nan_to_num(likeness.unlikeness(pictures, labels), nan=0.0),
                "both": label_odds(features, pictures, *given)[0],
            }
            for who, score in scores.items():
                worst = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:LOOKED_AT]
                counts[who].append(len(set(worst) & set(bad)))
        told = ", ".join(f"{who} {np.mean(found):.1f} ({min(found)})" for who, found in counts.items())
        print(f"{name}, {len(clips):,}: {told}", flush=True)


def elbo() -> None:
    """Planted labels among the worst 40 by the shipped clip VAE's loss, relative to the label's median loss.

    The model is not given the label: a wrong one shows only if the loss is unusual among clips of that label.
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
    """How many faults are named in FSDD's test takes: 20 cut in half, 20 at -55 dB, 20 doubled."""
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
    """Features (B, D) that tell speakers apart: the mean log-mel spectrum of the speech, and its pitch."""
    spectra = log_mels(sounds, rate, InputConfig())
    heard = spectra.mean(axis=1, keepdims=True) > np.log(FLOOR) + 1
    mean = (spectra * heard).sum(axis=2) / np.maximum(heard.sum(axis=2), 1)
    pitch = semitones(median_pitch(sounds, rate))
    return np.column_stack([mean, np.nan_to_num(pitch, nan=float(np.nanmedian(pitch)))])


def voices() -> None:
    """Accuracies of the shipped model's test clips: real, reconstructed, and moved to each speaker.

    Linear classifiers, trained on real training clips, recognise labels by the speech embedding and speakers
    by the timbre.
    """
    run = voxlet.load("cnn-light-digits")
    clips = gather(run, 1500)
    tested = np.isin(clips.rows, run.split.test)
    learned = replace(clips, generated=clips.generated | tested)  # speakers' places are found without these
    trained = np.flatnonzero((clips.rows >= 0) & ~tested)
    rows = np.flatnonzero(tested)[:200]
    real = [clips.sounds[row] for row in trained]
    embedding = embedded(speech_embedding.log_mels(real, clips.rate))
    words = fit(Examples(embedding, clips.labels[trained], np.arange(len(real))), 10, EmbeddedConfig())
    who = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    who.fit(timbre(real, clips.rate), clips.speakers[trained])

    def accuracy(sounds: list[audio.Samples], of: np.ndarray, speakers: np.ndarray) -> str:
        said = words.log_probabilities(embedded(speech_embedding.log_mels(sounds, clips.rate))).argmax(axis=1)
        return (
            share(said == clips.labels[of])
            + " | "
            + share(who.predict(timbre(sounds, clips.rate)) == speakers)
        )

    said = [clips.label_names[clips.labels[row]] for row in rows]
    own = clips.speakers[rows]
    print("| clips | word as asked | speaker as asked |\n|---|---|---|")
    print(f"| {len(rows)} real test clips | {accuracy([clips.sounds[row] for row in rows], rows, own)} |")
    made = render(run, clips.latents[rows], said)
    print(f"| reconstructed | {accuracy(made, rows, own)} |", flush=True)
    for number, name in enumerate(clips.speaker_names):
        of_them = np.flatnonzero(own == number)
        told = accuracy([made[place] for place in of_them], rows[of_them], own[of_them])
        print(f"| {name}'s own, reconstructed | {told} |")
    for number, name in enumerate(clips.speaker_names):
        moved = render(run, in_voice_of(learned, rows, name), said)
        print(f"| moved to {name} | {accuracy(moved, rows, np.full(len(rows), number))} |", flush=True)


def share(right: np.ndarray) -> str:
    """The share of right answers, with its interval."""
    found = wilson(int(right.sum()), len(right))
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"


def again() -> None:
    """Accuracies of FSDD's test takes, said again by the voice `digits` as another speaker: 50 for each.

    The word in the file is recognised by a classifier that was trained on the voice's own clips, never on
    recordings. The style is a named speaker's, or is encoded from one test take of that speaker. The results
    are measured by the cross-corpus classifier for words, and by timbre, as in training takes, for speakers.
    """
    voice = voxlet.load("digits")
    assert isinstance(voice, Voice)
    clips = gather(voice, 600)
    words = learn_words(clips)
    classifier = cross_corpus_classifier(reserving_corpora(voice.labels, voice.language), voice.labels)
    corpus = open_corpus("fsdd")
    who = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    known = [clip for clip in corpus.clips if int(clip.take) >= 5][::3]
    known_sounds = [audio.read(clip.path).samples for clip in known]
    rate = audio.read(known[0].path).rate
    who.fit(timbre(known_sounds, rate), [clip.speaker for clip in known])
    takes = {(clip.label, clip.speaker, int(clip.take)): clip for clip in corpus.clips}

    def told(sounds: list[audio.Samples], rate: int, labels: list[str], speakers: list[str]) -> str:
        said = classifier.predict(sounds, rate).labels == [voice.labels.index(label) for label in labels]
        own = who.predict(timbre(sounds, rate)) == np.array(speakers)
        return f"{share(said)} | {share(own)}"

    asked = [
        (label, own, to, take)
        for label in voice.labels
        for own in corpus.speakers
        for take, to in enumerate(one for one in corpus.speakers if one != own)
    ]
    labels, owns, targets = ([one[part] for one in asked] for part in range(3))
    given = [audio.read(takes[label, own, take].path).samples for label, own, _, take in asked]
    found = recognised_words(given, rate, clips, words)
    right = np.mean([one == label for one, label in zip(found, labels, strict=True)])
    print(f"word heard in the file: {right:.1%} of {len(asked)}")
    print("| clips | word as asked | speaker as asked |\n|---|---|---|")
    print(f"| real | {told(given, rate, labels, owns)} |", flush=True)
    styles = np.stack([voice.like(takes[label, to, (take + 1) % 5].path) for label, _, to, take in asked])
    ways = {
        "as named": voice.sample(found, speaker=targets),
        "as named, clarity 0": voice.sample(found, speaker=targets, manner=Manner(clarity=0)),
        "as heard in one take": voice.sample(found, style=styles),
    }
    for way, made in ways.items():
        print(f"| {way} | {told(made, voice.rate, labels, targets)} |", flush=True)
        for name in corpus.speakers:
            rows = [row for row, to in enumerate(targets) if to == name]
            of_them = [[all_of[row] for row in rows] for all_of in (made, labels, targets)]
            print(f"| {way}: {name} | {told(of_them[0], voice.rate, *of_them[1:])} |", flush=True)


def directions(model: str) -> None:
    """What a linear probe reads of AudioMNIST's speakers, and how clips change when moved along gender.

    Clips of a fifth of the speakers at a time are moved; the direction, and the probe that recognises a
    woman's timbre, are learned from the other speakers.
    """
    opened = voxlet.load(model)
    clips = gather(opened, 700, corpus="audiomnist" if isinstance(opened, Voice) else None)
    known = properties(clips, clips.metadata)
    ungrouped = [replace(one, groups=None, is_of_groups=False) for one in known]
    heard_of = {one.name: one for one in find_directions(clips, ungrouped)}
    print("| direction | read of others | chance | read of speakers it was fitted on |\n|---|---|---|---|")
    for one in find_directions(clips, known):
        if not one.name.startswith("speaker "):
            print(f"| {one.name} | {one.read:.2f} | {one.chance:.2f} | {heard_of[one.name].read:.2f} |")
    print(
        "| strength of female | clips | pitch, semitones | heard as a woman's | label |\n" + "|---" * 5 + "|"
    )
    rows, moved, women = moved_along(opened, clips, "gender female")
    was_woman = np.array([gender_of(clips, row) == "female" for row in rows])
    classifier = cross_corpus_classifier(reserving_corpora(opened.labels, "en"), opened.labels)
    asked = [opened.labels.index(clips.label_names[clips.labels[row]]) for row in rows]
    usual = semitones(median_pitch(moved[STRENGTHS.index(0.0)], opened.rate))
    for strength, sounds, share in zip(STRENGTHS, moved, women, strict=True):
        right = classifier.predict(sounds, opened.rate).labels == asked
        change = semitones(median_pitch(sounds, opened.rate)) - usual
        for name, own in (("men's", ~was_woman), ("women's", was_woman)):
            told = f"{np.nanmedian(change[own]):+.1f} | {share[own].mean():.0%} | {right[own].mean():.0%}"
            print(f"| {strength:+.0f} | {own.sum()} {name} | {told} |", flush=True)


def moved_along(
    opened: Opened, clips: Clips, name: str
) -> tuple[np.ndarray, list[list[audio.Samples]], np.ndarray]:
    """The moved rows, their sounds at each strength, whether a probe hears a woman (strengths, clips)."""
    real = np.flatnonzero(~clips.generated)
    women = np.array([gender_of(clips, row) == "female" for row in real])
    folds = folds_of(women.astype(np.int64), clips.speakers[real])
    rows: list[int] = []
    moved: list[list[audio.Samples]] = [[] for _ in STRENGTHS]
    said: list[list[bool]] = [[] for _ in STRENGTHS]
    for fold in np.unique(folds):
        others = real[folds != fold]
        learned = replace(clips, generated=~np.isin(np.arange(len(clips)), others))
        gender = [one for one in properties(learned, clips.metadata) if one.name == "gender"]
        way = {one.name: one for one in find_directions(learned, gender)}[name]
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced"))
        probe.fit(timbre([clips.sounds[row] for row in others], clips.rate), women[folds != fold])
        own = real[folds == fold]
        chosen = [
            row for who in np.unique(clips.speakers[own]) for row in spread(own[clips.speakers[own] == who])
        ]
        rows += chosen
        for place, strength in enumerate(STRENGTHS):
            words = [clips.label_names[clips.labels[row]] for row in chosen]
            made = render(opened, steered(clips.latents[chosen], way, strength), words)
            moved[place] += made
            said[place] += probe.predict(timbre(made, opened.rate)).tolist()
    return np.array(rows), moved, np.array(said)


def spread(rows: np.ndarray) -> list[int]:
    """At most `MOVED_OF_EACH` of the rows, spread evenly."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, MOVED_OF_EACH).astype(int))].tolist()


def gender_of(clips: Clips, row: int) -> str:
    """The gender of a clip's speaker, as the corpus states it."""
    return clips.metadata[clips.speaker_names[clips.speakers[row]]].gender


def walks() -> None:
    """What a classifier trained on FSDD's takes recognises along three walks, straight and spherical."""
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
    parser.add_argument("part", choices=("doubt", "elbo", "faults", "voices", "again", "directions", "walks"))
    parser.add_argument("--model", default="digits", help="of directions: a run of AudioMNIST, or a voice")
    asked = parser.parse_args()
    if asked.part == "directions":
        directions(asked.model)
    else:
        {"doubt": doubt, "elbo": elbo, "faults": faults, "voices": voices, "again": again, "walks": walks}[
            asked.part
        ]()
