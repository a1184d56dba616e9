"""Advice: figures in, sentences out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxlet.corpus.look.advise import KINDS, Figures, advise, listed

GOOD = Figures(takes={"no": 100, "yes": 100}, pairs=(50, 50, 50, 50), speakers=2, rate=8000, contrast=45.0)


def test_good_recordings_get_one_sentence():
    assert advise(GOOD)[1:] == [
        "by `voxlet train voice`, from nothing: 100 takes of a word, 50 by one speaker: enough for a voice "
        "as clear as its recordings, given an hour of training"
    ]


@pytest.mark.parametrize(
    ("takes", "pairs", "speakers", "expected"),
    [
        (10, (10, 10), 1, "understood, not natural (ten takes by one speaker: 96 % of words)"),
        (3, (3, 3), 1, "mostly understood, not natural"),
        (2, (2, 2), 1, "enough to try it out; record ten of each word"),
        (500, (1,) * 1000, 500, "a voice of many people, understood in about 9 of 10 words"),
        (9, (1,) * 18, 9, "too few to be understood (nine takes by nine speakers gave nothing)"),
        (50, (1,) * 100, 50, "mostly understood"),
    ],
)
def test_the_kind_of_voice(takes, pairs, speakers, expected):
    _, found, *_ = advise(replace(GOOD, takes={"no": takes, "yes": takes}, pairs=pairs, speakers=speakers))
    assert expected in found
    assert found.startswith(f"by `voxlet train voice`, from nothing: {takes} takes of a word")


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        (10, "as natural and as well understood as the takes"),
        (3, "as well understood and a little less natural"),
        (2, "something to try"),
    ],
)
def test_what_a_base_comes_to(takes, expected):
    few = replace(GOOD, takes={"no": takes}, pairs=(takes,), speakers=1, rate=48_000)
    first, *others = advise(few, adapting=True)
    assert first.startswith(
        f"{takes} takes of a word by a speaker: words that the base knows become {expected}"
    )
    assert not any("--preparation.rate" in line for line in others)  # the base's rate is the voice's
    assert f"by `voxlet adapt`: {first}" in advise(few)


def test_words_that_lack_takes():
    few = replace(GOOD, takes={"no": 100, "stop": 30, "yes": 100})
    assert "words with too few takes, where others have 100: stop (30)" in advise(few)
    assert not any("lack" in line for line in advise(replace(few, takes={"no": 100, "stop": 40, "yes": 100})))
    alike = replace(GOOD, takes={"no": 3, "stop": 3, "yes": 1})
    assert "words with too few takes, where others have 3: yes (1)" in advise(alike)
    lost = replace(GOOD, lost=("left",), outliers={"no": 2})
    said = advise(lost)
    assert "labels without a usable recording: left; training does not start with them" in said
    assert "left out of training because the length is unusual for their label: no (2)" in said
    assert any("one label alone" in line for line in advise(replace(GOOD, takes={"no": 100})))


def test_one_speaker_noise_and_bandwidth():
    said = advise(replace(GOOD, speakers=1, rate=48_000, contrast=15.0))
    assert any(line.startswith("one speaker") for line in said)
    assert any("15 dB above the background: the voice will have this noise" in line for line in said)
    assert any("recorded at 48,000 Hz" in line and "--preparation.rate 16000" in line for line in said)
    assert any("a little noise" in line for line in advise(replace(GOOD, contrast=25.0)))
    assert len(advise(replace(GOOD, contrast=float("inf")))) == 2


def test_recordings_that_have_less_than_their_rate_says():
    one = replace(GOOD, rate=44_100, speakers=2, narrow={"ann": 3880.0})
    assert (
        "recorded at 44,100 Hz, but as if by telephone or headset, with nothing above 3.9 kHz (ann); "
        "`voxlet adapt` guesses what lies there"
    ) in advise(one)
    assert any("--preparation.rate" in line for line in advise(one))
    both = replace(one, narrow={"ann": 3880.0, "bob": 3400.0})
    assert any("3.9 kHz (ann), 3.4 kHz (bob)" in line for line in advise(both, adapting=True))
    assert not any("--preparation.rate" in line for line in advise(both))
    alone = advise(replace(one, speakers=1))
    assert any("nothing above 3.9 kHz; `voxlet adapt`" in line for line in alone)


def test_clips_are_named():
    names = tuple(f"yes/{take}.wav" for take in range(12))
    said = advise(replace(GOOD, found={"doubtful": names[:1], "noisy": names, "cut": ()}))
    assert said[2] == f"1 clip {KINDS['doubtful']}: yes/0.wav"
    assert said[3] == f"12 clips {KINDS['noisy']}: {', '.join(names[:10])} and 2 more"
    assert len(said) == 4
    assert listed(["a", "b"]) == "a, b"
