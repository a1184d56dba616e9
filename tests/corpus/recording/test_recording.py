"""Recording words one after another: takes checked at once, resumed sessions, a simulated microphone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from synthetic import word
from voxlet import audio
from voxlet.cli.corpus import record as command
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.recording import microphone
from voxlet.corpus.recording.check import (
    CUT,
    DISTORTED,
    LENGTH,
    NOISY,
    NOTHING,
    PAUSED,
    QUIET,
    UNLIKE,
    WHAT_TO_DO,
    Heard,
    check_take,
)
from voxlet.corpus.recording.session import Session
from voxlet.errors import AudioError, ConfigError

RATE = 8000
WORDS = ("no", "yes", "stop")


def said(label: int, take: int = 0, noise: float = 1e-4) -> np.ndarray:
    """Return a word with silence around it."""
    silence = np.zeros(RATE // 2, np.float32)
    samples = np.concatenate([silence, word(label, 0, take), silence])
    rng = np.random.default_rng(label * 100 + take)
    return (samples + noise * rng.standard_normal(len(samples))).astype(np.float32)


def kept(takes: int) -> dict[str, list[Heard]]:
    return {
        name: [check_take(said(label, take), RATE, name, {}) for take in range(takes)]
        for label, name in enumerate(WORDS)
    }


def twice(samples: np.ndarray) -> np.ndarray:
    return np.concatenate([samples, samples])


def longer(samples: np.ndarray) -> np.ndarray:
    return np.interp(np.arange(3 * len(samples)) / 3, np.arange(len(samples)), samples).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda samples: samples, None),
        (np.zeros_like, NOTHING),
        (lambda samples: 1e-3 * samples, QUIET),
        (lambda samples: np.clip(20 * samples, -1, 1), DISTORTED),
        (lambda samples: samples[np.flatnonzero(np.abs(samples) > 0.1)[0] + 400 :], CUT),
        (lambda samples: samples + 0.05 * np.random.default_rng(0).standard_normal(len(samples)), NOISY),
        (twice, PAUSED),
        (longer, LENGTH),
        (lambda samples: said(1, 7), UNLIKE),
    ],
)
def test_what_is_wrong_with_a_take_is_said(
    change: Callable[[np.ndarray], np.ndarray], problem: str | None
) -> None:
    others = kept(6)
    heard = check_take(change(said(0, 9)).astype(np.float32), RATE, "no", others)
    assert (problem in heard.problems) if problem else heard.problems == ()
    assert all(WHAT_TO_DO[found] for found in heard.problems)


@pytest.mark.parametrize("takes", [1, 2, 3, 4, 5])
def test_a_take_said_in_another_word_s_place_is_found_from_the_second_of_a_word_on(takes: int) -> None:
    others = kept(takes)
    for number, name in enumerate(WORDS):
        assert check_take(said(number, 9), RATE, name, others).problems == ()
        for wrong in {0, 1, 2} - {number}:
            assert check_take(said(wrong, 9), RATE, name, others).problems == (UNLIKE,)
    del others["no"]
    assert check_take(said(1, 9), RATE, "no", others).problems == ()  # there is nothing to compare with
    assert check_take(said(1, 9), RATE, "no", {"no": kept(takes)["no"]}).problems == ()


def test_a_session_asks_for_what_is_missing_and_goes_on(tmp_path: Path) -> None:
    session = Session(tmp_path, WORDS, 3, speaker="ann")
    asked = []
    while (name := session.next_word()) is not None:
        samples = said(WORDS.index(name), session.numbers[name])
        session.keep(name, samples, RATE, session.check(name, samples, RATE))
        asked.append(name)
        if len(asked) == 5:
            break
    assert all(one != other for one, other in itertools.pairwise(asked))
    again = Session(tmp_path, WORDS, 3, speaker="ann", seed=1)
    assert sum(again.missing.values()) == 4
    while (name := again.next_word()) is not None:
        samples = said(WORDS.index(name), again.numbers[name])
        again.keep(name, samples, RATE, again.check(name, samples, RATE))
    corpus = open_corpus(tmp_path)
    assert (corpus.labels, corpus.speakers, len(corpus.clips)) == (tuple(sorted(WORDS)), ("ann",), 9)
    assert Session(tmp_path, WORDS, 3, speaker="bob").missing == dict.fromkeys(WORDS, 3)


def test_nothing_is_overwritten_and_the_last_take_can_be_taken_back(tmp_path: Path) -> None:
    session = Session(tmp_path, ["no"], 2)
    foreign = tmp_path / "no_me_0.wav"
    foreign.write_bytes(b"somebody's")  # created during the session
    samples = said(0)
    path = session.keep("no", samples, RATE, session.check("no", samples, RATE))
    assert (path.name, foreign.read_bytes()) == ("no_me_1.wav", b"somebody's")
    assert session.take_back() == path
    assert not path.exists()
    assert session.take_back() is None
    assert session.missing == {"no": 2}


def test_two_sessions_in_one_folder_lose_nothing(tmp_path: Path) -> None:
    sessions = [Session(tmp_path, ["no"], 20) for _ in range(2)]
    samples = said(0)
    heard = sessions[0].check("no", samples, RATE)
    with ThreadPoolExecutor(2) as threads:
        kept = threads.map(lambda one: [one.keep("no", samples, RATE, heard) for _ in range(20)], sessions)
        paths = {path for paths in kept for path in paths}
    assert len(paths) == 40
    assert all(len(audio.read(path).samples) == len(samples) for path in paths)


@pytest.mark.follows("corpus/recording/session.py: use letters, digits, spaces and hyphens")
@pytest.mark.follows("corpus/recording/session.py: give each once: voxlet record yes no stop --out my_words")
def test_words_that_cannot_be_file_names_are_refused(tmp_path: Path) -> None:
    for words, speaker in ((["a/b"], "me"), (["turn_left"], "me"), ([" "], "me"), (["no"], "a:b")):
        with pytest.raises(ConfigError, match="cannot be part of a file name"):
            Session(tmp_path, words, 1, speaker=speaker)
    for words in ([], ["no", "NO"]):
        with pytest.raises(ConfigError, match="give each once"):
            Session(tmp_path, words, 1)
    with pytest.raises(ConfigError, match="--takes: 0 is less than 1"):
        Session(tmp_path, ["no"], 0)
    assert Session(tmp_path, ["turn left", "r-2", "لا"], 1, speaker="Ann B").next_word()


def blocks_of(samples: np.ndarray, rate: int = RATE) -> Iterator[np.ndarray]:
    step = round(microphone.BLOCK * rate)
    for start in range(0, len(samples), step):
        yield samples[start : start + step]
    while True:  # a microphone never ends
        yield np.zeros(step, np.float32)


def test_a_word_is_heard_from_before_it_to_after_it() -> None:
    lead = np.zeros(2 * RATE, np.float32)
    samples = np.concatenate([lead, said(0)])
    levels: list[float] = []
    heard = microphone.hear(blocks_of(samples), RATE, levels.append)
    inside = np.flatnonzero(np.abs(samples) > 0.02)
    own = np.flatnonzero(np.abs(heard) > 0.02)
    assert own[-1] - own[0] == inside[-1] - inside[0]
    assert own[0] / RATE == pytest.approx(microphone.BEFORE, abs=2 * microphone.BLOCK)
    assert (len(heard) - own[-1]) / RATE == pytest.approx(microphone.AFTER, abs=2 * microphone.BLOCK)
    assert max(levels) > -30 > min(levels)
    silence = microphone.hear(blocks_of(np.zeros(0, np.float32)), RATE)
    assert len(silence) == pytest.approx(microphone.WAIT * RATE, abs=RATE // 10)
    endless = microphone.hear(itertools.repeat(np.full(400, 0.1, np.float32)), RATE)
    assert len(endless) <= (microphone.WAIT + microphone.MOST) * RATE + 400


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.4])
def test_zeros_of_a_device_that_starts_are_no_noise_floor(seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 12 * RATE).astype(np.float32)  # -40 dB
    noise[RATE : RATE + len(said(0))] += said(0)
    starting = np.zeros(round(seconds * RATE), np.float32)
    blocks = microphone.running(blocks_of(np.concatenate([starting, noise])), RATE)
    heard = microphone.hear(blocks, RATE)
    spoken = np.ptp(np.flatnonzero(np.abs(said(0)) > 0.02)) / RATE
    assert len(heard) / RATE == pytest.approx(spoken + microphone.BEFORE + microphone.AFTER, abs=0.3)


def test_zeros_that_last_are_silence() -> None:
    blocks = microphone.running(blocks_of(np.zeros(0, np.float32)), RATE)
    assert len(microphone.hear(blocks, RATE)) == pytest.approx(microphone.WAIT * RATE, abs=RATE // 10)
    gated = np.concatenate([np.zeros(RATE, np.float32), said(0)])  # a noise gate opens at speech
    dropped = microphone.hear(microphone.running(blocks_of(gated), RATE), RATE)
    assert np.array_equal(dropped, microphone.hear(blocks_of(gated), RATE))


def played(session_words: list[str], mistakes: dict[int, np.ndarray]) -> Iterator[np.ndarray]:
    """Simulate a microphone into which each word is said when it is shown."""
    for turn in itertools.count():
        samples = mistakes.get(turn)
        if samples is None:
            samples = said(WORDS.index(session_words[-1]), turn)
        yield from itertools.islice(blocks_of(samples), len(samples) // 400 + 14)


def test_the_command_records_what_is_said_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stand-in speaks the words that are shown; the third time, it says nothing."""
    shown: list[str] = []
    next_word = Session.next_word

    def watched(session: Session) -> str | None:
        name = next_word(session)
        shown.append(name or "")
        return name

    @contextmanager
    def stand_in(rate: int) -> Iterator[Iterator[np.ndarray]]:
        yield played(shown, {2: np.zeros(6 * RATE, np.float32)})

    monkeypatch.setattr(Session, "next_word", watched)
    monkeypatch.setattr(microphone, "RATE", RATE)
    monkeypatch.setattr(microphone, "microphone", stand_in)
    monkeypatch.setattr(command, "COUNTDOWN", 0)
    monkeypatch.setattr(command, "PAUSE", 0.0)
    monkeypatch.setattr(command, "drop", lambda *_: None)
    folder = tmp_path / "mine"
    asked = ["record", *WORDS, "--takes", "2", "--out", str(folder), "--consent", "own"]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert out == f"{folder}: 6 takes of 3 words\n"
    assert "again, please: nothing was heard - say the word when it is shown" in err
    assert re.search(r"1 of 6 +say: +(no|yes|stop)", err)
    corpus = open_corpus(folder)
    assert {label: sum(clip.label == label for clip in corpus.clips) for label in corpus.labels} == (
        dict.fromkeys(sorted(WORDS), 2)
    )
    for clip in corpus.clips:
        assert check_take(audio.read(clip.path).samples, RATE, clip.label, {}).problems == ()
    assert (folder / "consent.txt").read_text() == "own\n"
    assert main(["record", *WORDS, "--takes", "2", "--out", str(folder)]) == 0  # nothing is asked again

    def interrupted(session: Session) -> str | None:
        if len(shown) == 2:
            raise KeyboardInterrupt
        return watched(session)

    shown.clear()
    monkeypatch.setattr(Session, "next_word", interrupted)
    capsys.readouterr()
    assert (
        main(["record", *WORDS, "--takes", "2", "--consent", "own", "--out", str(tmp_path / "other")]) == 130
    )
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'other'}: 2 takes of 3 words; 4 to go: the same command continues\n"
    assert err.endswith("ok\nvoxlet: interrupted\n")


def test_keys_stop_and_take_back(tmp_path: Path) -> None:
    shown: list[str] = []
    session = Session(tmp_path, WORDS, 5)
    original = session.next_word

    def watched() -> str | None:
        shown.append(original() or "")
        return shown[-1]

    session.next_word = watched  # type: ignore[method-assign]
    pressed = iter(["", "r", "", "x", "", "q", ""])
    command.record(session, played(shown, {}), RATE, pressed)
    assert len(shown) == 4
    assert len(list(tmp_path.glob("*.wav"))) == 3


@pytest.mark.follows(
    "corpus/recording/microphone.py: plug one in and allow its use; or record elsewhere, and cut that with "
    "`voxlet split`"
)
@pytest.mark.follows("corpus/recording/microphone.py: plug it in again, and continue")
def test_a_machine_without_a_microphone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    miniaudio = pytest.importorskip("miniaudio")

    def none(**_: object) -> object:
        raise miniaudio.MiniaudioError("failed to init device", -401)

    capture = miniaudio.CaptureDevice
    monkeypatch.setattr(miniaudio, "CaptureDevice", none)
    with pytest.raises(AudioError, match="microphone: cannot be used"), microphone.microphone():
        pass
    # A device that exists but is silent.
    monkeypatch.setattr(
        miniaudio,
        "CaptureDevice",
        lambda **given: capture(**given, backends=[miniaudio.Backend.NULL]),
    )
    with microphone.microphone(16_000) as blocks:
        assert next(blocks).shape == (800,)
    monkeypatch.setattr(microphone, "SILENT", 0.01)
    with pytest.raises(AudioError, match="no longer gives any sound"):
        next(microphone.arriving(microphone.queue.SimpleQueue()))
