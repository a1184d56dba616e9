"""The tabs Your voice and Train in Chromium: words recorded through a microphone, a voice made of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import stand_in_voxlet
import tiny_voice
from browser import chromium, microphone, opened, running, served, until
from synthetic import word
from voxlet import audio
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.serving.app import create_app
from voxlet.serving.jobs.making import VoiceMaker
from voxlet.serving.jobs.queue import VOXLET
from voxlet.serving.limits import Limits
from voxlet.serving.static.page import write_page
from voxlet.speak.voice import load_voice

pytestmark = pytest.mark.slow

RATE = 48_000
APART = 2.4  # seconds from word to word: the page hears one, has it checked, and shows the next
WIDTHS = (360, 768, 1280)


def said(folder: Path, words: list[tuple[np.ndarray, int]]) -> Path:
    """Make a sound file in which these words are said one after the other, with silence between them."""
    rng = np.random.default_rng(0)
    parts = []
    for samples, rate in words:
        sound = audio.resample(samples, rate, RATE)
        silence = 1e-4 * rng.standard_normal(round(APART * RATE) - len(sound))
        parts += [silence.astype(np.float32), sound]
    soundfile.write(folder / "said.wav", np.concatenate(parts), RATE)
    return folder / "said.wav"


def wanting(page, words: str, takes: int, name: str) -> None:
    """Fill in the form on the tab Your voice."""
    page.get_by_role("button", name="Your voice").click()
    other, form = page.get_by_role("button", name="Other words"), page.get_by_role("textbox", name="Words")
    other.or_(form).first.wait_for()
    if other.count():
        other.click()
    form.fill(words)
    page.get_by_role("textbox", name="What the voice is called").fill(name)
    page.get_by_role("spinbutton", name="Takes of each").fill(str(takes))
    page.get_by_role("textbox", name="Language").fill("en")
    page.get_by_role("button", name="Go on to recording").click()
    asked = page.get_by_role("group", name="Whose voice is it?")
    asked.get_by_text("Say whose voice it is.").wait_for()  # consent is asked for, not assumed
    page.get_by_role("radio", name="It is my own.").check()
    asked.get_by_text("A voice belongs to a person.").wait_for()  # the error is gone
    page.get_by_role("button", name="Go on to recording").click()
    page.get_by_role("button", name="Start recording").wait_for()


def axe_finds_nothing(page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = page.evaluate(
            """[...document.querySelectorAll('button, a.button, textarea, select')]
              .filter((one) => one.offsetHeight < 44 || one.offsetWidth < 24).map((one) => one.outerHTML)"""
        )
        assert small == [], width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, (width, scheme, found.generate_report())


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Start a server whose jobs are stand-ins, and a browser whose microphone hears two words."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    spoken = said(folder, [(word(label, 0, take), 8000) for take in range(8) for label in (0, 5)])
    limits = Limits()
    making = VoiceMaker(folder / "runs", (sys.executable, stand_in_voxlet.__file__))
    app = create_app([load_voice(folder / "tiny.voice", threads=1)], limits=limits, threads=1, making=making)
    with (
        pytest.MonkeyPatch.context() as held,
        chromium(*microphone(spoken)) as browser,
        running(app, limits) as address,
    ):
        held.setenv("STAND_IN_VOICE", str(folder / "tiny.voice"))
        yield browser, address, folder / "runs"


def test_words_are_recorded_and_become_a_voice_that_speaks(site) -> None:
    browser, address, runs = site
    with opened(browser, address) as page:
        page.get_by_role("button", name="say four").wait_for()
        page.get_by_role("button", name="Your voice").click()
        page.get_by_role("heading", name="Which words?").wait_for()
        axe_finds_nothing(page)
        wanting(page, "lumos, nox", 2, "mine")
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Space")
        page.get_by_text("All 4 takes are there.").wait_for()
        assert len(list((runs / "takes" / "mine").glob("*_me_[01].wav"))) == 4
        page.get_by_role("button", name="hear take 2 of nox").click()
        until(page, "played.length >= 1")
        page.get_by_role("button", name="Remove it and say it again").click()
        page.get_by_role("button", name="Start recording").click()
        page.get_by_text("All 4 takes are there.").wait_for()
        assert (runs / "takes" / "mine" / "nox_me_2.wav").exists()
        page.get_by_role("button", name="Make my voice").click()
        page.get_by_text("Your voice mine is ready.").wait_for()
        page.get_by_text("usable: a stand-in").wait_for()
        axe_finds_nothing(page)
        with page.expect_download() as waited:
            page.get_by_role("link", name="mine.voice").click()
        assert Path(waited.value.path()).read_bytes() == tiny_voice.voice_bytes()
        page.get_by_role("button", name="Train").click()
        page.get_by_role("img", name="Loss of prior").wait_for()
        page.evaluate("played.length = 0")
        page.get_by_role("button", name="hear lumos, wave, step 20").or_(
            page.get_by_role("button", name="hear nox, wave, step 20")
        ).click()
        until(page, "played.length >= 1")
        (runs / "mine" / "outcome.json").unlink()  # an outcome of a run whose takes were kept for comparison
        slow = runs / "takes" / "mine" / "slow"
        slow.touch()
        page.get_by_role("button", name="Score it beside real takes").click()
        page.get_by_text("measuring: 40 %, DNSMOS, generated clips, 0:30 left").wait_for()
        assert page.get_by_role("progressbar").evaluate("one => [one.value, one.max]") == [40, 100]
        axe_finds_nothing(page)
        slow.unlink()
        page.get_by_role("button", name="Score it beside real takes").wait_for()
        page.get_by_role("button", name="Speak with it").click()
        page.get_by_text("The voice mine is ready.").wait_for(state="attached")
        assert page.get_by_role("combobox", name="Voice").input_value() == "mine"
        page.evaluate("played.length = 0")
        page.get_by_role("textbox", name="Text to say").fill("40, 9")
        page.get_by_role("textbox", name="Text to say").press("Enter")
        until(page, "played.length >= 3")


def test_what_goes_wrong_says_what_to_do(site) -> None:
    browser, address, runs = site
    with opened(browser, address, provoked="Failed to load resource") as page:
        wanting(page, "accio, nox", 1, "accio")  # the first of all sets: the page opens with it
        page.evaluate(
            """() => { navigator.mediaDevices.getUserMedia =
              () => Promise.reject(new DOMException('', window.refusal)); }"""
        )
        for refusal, sentence in (
            ("NotFoundError", "There is no microphone. Plug one in"),
            ("NotAllowedError", "Allow it in the address bar"),
            ("NotReadableError", "Close other programs that use it"),
        ):
            page.evaluate(f"window.refusal = '{refusal}'")
            page.get_by_role("button", name="Start recording").click()
            page.get_by_text(sentence).wait_for()
        page.reload()
        page.get_by_role("button", name="Your voice").click()
        problem = '{"error": {"message": "cannot be written (No space left on device)"}}'
        page.route("**/takes/accio?**", lambda route: route.fulfill(status=507, body=problem))
        page.get_by_role("button", name="Start recording").click()
        page.get_by_text("The take was not kept: cannot be written (No space left on device)").wait_for()
        page.unroute("**/takes/accio?**")
        page.route("**/takes/accio?**", lambda route: route.abort())
        page.get_by_role("button", name="Try again").click()
        page.get_by_text("The server does not answer. What was kept is safe").wait_for()
        assert not list((runs / "takes" / "accio").glob("*.wav"))
        page.unroute("**/takes/accio?**")
        page.get_by_role("button", name="Try again").click()  # the same take is sent once more
        page.get_by_text("1 of 1").wait_for()
        assert len(list((runs / "takes" / "accio").glob("*.wav"))) == 1


def test_a_static_host_says_how_to_record(site, tmp_path) -> None:
    browser, _, runs = site
    write_page(tmp_path / "page", [runs.parent / "tiny.voice"])
    with served(tmp_path / "page") as address, opened(browser, address) as page:
        page.get_by_role("button", name="Your voice").click()
        page.get_by_text("voxlet serve --runs runs").wait_for()
        assert page.get_by_role("button", name="Train").count() == 0
        axe_finds_nothing(page)


@pytest.mark.trains
def test_a_real_voice_is_made_through_the_page_and_understood(tmp_path, voxlet_data) -> None:
    """Five takes of two words by one speaker, at the smallest budget.

    Of two words, the page asks for the one that was not the last; the first one is chosen by a seed.
    """
    takes = [
        audio.read(voxlet_data / "fsdd" / "recordings" / f"{digit}_theo_{take}.wav")
        for take in range(8)
        for digit in (2, 1)
    ]
    loud = [(0.5 * one.samples / np.abs(one.samples).max(), one.rate) for one in takes]
    limits = Limits()
    making = VoiceMaker(tmp_path / "runs", VOXLET)
    app = create_app([load_voice("digits", threads=1)], limits=limits, threads=1, making=making)
    with (
        chromium(*microphone(said(tmp_path, loud))) as browser,
        running(app, limits) as address,
        opened(browser, address) as page,
    ):
        wanting(page, "one, two", 5, "theo")
        page.get_by_role("button", name="Start recording").click()
        page.get_by_text("All 10 takes are there.").wait_for()
        asked = '{"kind": "adapt", "name": "theo", "minutes": 0.5}'
        page.route("**/jobs", lambda route: route.continue_(**_smallest(route.request, asked)))
        page.get_by_role("button", name="Make my voice").click()
        page.get_by_text("What it sounds like so far").wait_for(timeout=900_000)
        page.get_by_text("Your voice theo is ready.").wait_for(timeout=1_800_000)
        page.get_by_role("button", name="Speak with it").click()
        page.get_by_text("The voice theo is ready.").wait_for(state="attached")
        page.evaluate("played.length = 0")
        page.get_by_role("textbox", name="Text to say").fill("two one two one")
        page.get_by_role("textbox", name="Text to say").press("Enter")
        until(page, "played.length >= 4")
        sounds = page.evaluate("played")
        heard = PocketSphinx(("one", "two")).predict(
            [np.float32(sound["samples"]) for sound in sounds], sounds[0]["rate"]
        )
        assert [("one", "two")[number] for number in heard.labels] == ["two", "one", "two", "one"]


def _smallest(request, asked: str) -> dict:
    return {"post_data": asked} if request.method == "POST" else {}
