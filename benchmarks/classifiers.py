"""How accurate the classifiers are on real recordings: official test set, unknown speakers, other corpora.

    python benchmarks/classifiers.py [--corpus fsdd] [--speakers]

`--speakers` trains one more classifier for each speaker, on all the others: some minutes each.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from voxlet.evaluation.classifiers.config import IN_CORPUS, ClassifierConfig
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.opened import Classifiers, in_corpus_inputs, open_classifiers
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metric import CLASSIFIERS
from voxlet.evaluation.metrics.recognition import accuracy
from voxlet.evaluation.reference import Reference, open_reference


def line(name: str, share: Interval, seconds: float) -> str:
    percent = [f"{100 * value:.1f}" for value in (share.value, share.low, share.high)]
    return f"{name:<44} {percent[0]:>6} % [{percent[1]}, {percent[2]}] of {share.count}, {seconds:.0f} s"


def measure(reference: Reference, classifiers: Classifiers) -> list[str]:
    """A line for each classifier: its accuracy on the reference's test clips."""
    test, lines = reference.test, []
    for kind, name in CLASSIFIERS.items():
        start = time.perf_counter()
        said = classifiers.ask(kind, test)
        if isinstance(said, str):
            lines.append(f"{name}: {said}")
            continue
        lines.append(line(name, accuracy(test.labels, said.labels), time.perf_counter() - start))
        if said.speaker_log_probabilities is not None:
            lines.append(line(f"{name}, speakers", accuracy(test.speakers, said.speakers), 0))
    return lines


def unknown_speakers(reference: Reference, config: ClassifierConfig = IN_CORPUS) -> list[str]:
    """A line for each speaker, by a classifier trained on all the others; then all speakers together."""
    train, test, lines = reference.train, reference.test, []
    inputs, right = in_corpus_inputs(reference, train.rate), []
    for number, name in enumerate(train.speaker_names):
        start = time.perf_counter()
        others = train.take(train.speakers != number)
        classifier = in_corpus_classifier(others, inputs=inputs, config=config)
        alone = test.take(test.speakers == number)
        said = classifier.predict(alone.sounds, alone.rate).labels
        right.append(said == alone.labels)
        seconds = time.perf_counter() - start
        lines.append(line(f"trained without {name}, tested on {name}", accuracy(alone.labels, said), seconds))
    together = np.concatenate(right)
    return [*lines, line("unknown speakers, all together", wilson(int(together.sum()), len(together)), 0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="fsdd")
    parser.add_argument("--speakers", action="store_true")
    asked = parser.parse_args()
    reference = open_reference(asked.corpus)
    print("\n".join(measure(reference, open_classifiers(reference, reference.train.rate))), flush=True)
    if asked.speakers:
        print("\n".join(unknown_speakers(reference)))


if __name__ == "__main__":
    main()
