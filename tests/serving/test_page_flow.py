"""The page as people use it, in Chromium: press, drag, drop, link, download; and its errors."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper

import tiny_voice
from browser import chromium, opened, served, until
from voxlet import audio
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.serving.static.page import write_page
from voxlet.speak.voice import load_voice
from voxlet.words.digits import DIGIT_WORDS

pytestmark = pytest.mark.slow

ARABIC = ("نعم", "لا", "قف", "يمين", "يسار")


def with_attributes() -> bytes:
    """Return a tiny voice with Arabic words and the attributes speed and pitch, which its graph ignores."""
    of = tiny_voice.info(
        ARABIC,
        name="kalimat",
        language="ar",
        attributes=("speed", "pitch"),
        spellings={"نعم": ("yes", "naam"), "قف": ("stop",)},
    )
    graph = tiny_voice.graph(len(ARABIC))
    graph.input.append(helper.make_tensor_value_info("attributes", TensorProto.FLOAT, ["B", 2]))
    return tiny_voice.voice_bytes(of, graph_of=graph)


def crowd() -> bytes:
    """Return a tiny voice of twelve speakers with long names, four of them alike."""
    angles = [*np.linspace(0, 6, 8), 0.1, 0.12, 3.0, 3.02]
    styles = {f"speaker-number-{n}": np.array([np.cos(at), np.sin(at)]) for n, at in enumerate(angles)}
    return tiny_voice.voice_bytes(tiny_voice.info(name="crowd", styles=styles))


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    (folder / "kalimat.voice").write_bytes(with_attributes())
    (folder / "crowd.voice").write_bytes(crowd())
    own = [folder / f"{name}.voice" for name in ("tiny", "kalimat", "crowd")]
    write_page(folder / "page", ["digits", *own])
    return folder / "page"


@pytest.fixture(scope="module")
def address(site):
    with served(site) as found:
        yield found


@pytest.fixture(scope="module")
def digits(browser, address):
    """Open the page with the shipped voice; tests leave a text behind, and clear it first.

    `lucas` speaks, the default speaker.
    """
    with opened(browser, f"{address}#speaker=lucas", viewport={"width": 1280, "height": 1000}) as page:
        page.get_by_role("button", name="say four").wait_for()
        yield page


@pytest.fixture(scope="module")
def tiny(browser, address):
    with opened(browser, f"{address}#voice=tiny") as page:
        page.get_by_role("button", name="say four").wait_for()
        yield page


def played(page, count: int) -> list[dict]:
    """Wait until some sounds were played; return the first ones."""
    until(page, f"played.length >= {count}")
    return page.evaluate("played")


def clear(page) -> None:
    page.get_by_role("textbox", name="Text to say").fill("")
    page.evaluate("played.length = 0")


def test_four_keys_are_heard_as_what_they_say(digits):
    clear(digits)
    for index, label in enumerate(("four", "zero", "nine", "one"), start=1):
        digits.get_by_role("button", name=f"say {label}", exact=True).click()
        sounds = played(digits, index)
    voice = load_voice("digits", threads=1)
    heard = PocketSphinx(DIGIT_WORDS).predict([np.float32(sound["samples"]) for sound in sounds], voice.rate)
    assert [DIGIT_WORDS[number] for number in heard.labels] == ["four", "zero", "nine", "one"]
    assert digits.get_by_role("textbox", name="Text to say").input_value() == "4091"
    # And all together are what Python says: the same words at the same places.
    digits.get_by_role("button", name="hear one again").wait_for()
    said = voice.say("4091", speaker="lucas")
    for sound, word in zip(sounds, said.words, strict=True):
        wanted = said.samples[round(word.start * voice.rate) : round(word.end * voice.rate)]
        assert len(sound["samples"]) == len(wanted)
        assert np.abs(np.float32(sound["samples"]) - wanted).max() < 1e-2


def test_what_is_downloaded_is_what_python_writes(digits, tmp_path):
    clear(digits)
    digits.get_by_role("textbox", name="Text to say").fill("555-01, 2")
    digits.get_by_role("textbox", name="Text to say").press("Enter")
    played(digits, 6)
    with digits.expect_download() as waited:
        digits.get_by_role("button", name="Download").click()
    assert waited.value.suggested_filename == "555-01-2.wav"
    waited.value.save_as(tmp_path / "page.wav")
    said = load_voice("digits", threads=1).say("555-01, 2", speaker="lucas")
    sound = audio.read(tmp_path / "page.wav")
    assert (len(sound.samples), sound.rate) == (len(said.samples), said.rate)
    assert np.abs(sound.samples - said.samples).max() < 1e-2
    with soundfile.SoundFile(tmp_path / "page.wav") as file:
        assert json.loads(file.comment) == {**said.metadata}


def test_a_link_says_exactly_this(browser, tiny, address):
    clear(tiny)
    tiny.get_by_role("textbox", name="Text to say").fill("40, 9")
    tiny.get_by_role("spinbutton", name="Seed").fill("12")
    tiny.get_by_role("spinbutton", name="Seed").press("Tab")
    tiny.get_by_role("button", name="bob").click()
    tiny.get_by_role("button", name="hear nine again").wait_for()
    tiny.get_by_role("button", name="Copy a link").click()
    until(tiny, "location.hash.includes('bob')")
    assert "voxlet say '40, 9' --voice tiny --speaker bob --seed 12" in tiny.locator("code").inner_text()
    with opened(browser, tiny.url) as other:
        other.get_by_role("button", name="hear nine again").wait_for()
        other.get_by_role("button", name="Speak", exact=True).last.click()
        again = played(other, 3)
    tiny.evaluate("played.length = 0")
    tiny.get_by_role("button", name="Speak", exact=True).last.click()
    first = played(tiny, 3)
    assert [sound["samples"] for sound in again] == [sound["samples"] for sound in first]


def test_the_point_is_dragged_and_the_voice_changes(digits):
    clear(digits)
    digits.get_by_role("textbox", name="Text to say").fill("7")
    digits.get_by_role("button", name="hear seven again").wait_for()  # the picture moves what lies below it
    handle = digits.get_by_role("slider", name="Who speaks")
    handle.scroll_into_view_if_needed()  # the previous test may have scrolled down
    start, goal = (
        found.bounding_box() for found in (handle, digits.get_by_role("button", name="nicolas", exact=True))
    )
    digits.evaluate("played.length = 0")
    digits.mouse.move(start["x"] + 22, start["y"] + 22)
    digits.mouse.down()
    digits.mouse.move((start["x"] + goal["x"]) / 2 + 22, (start["y"] + goal["y"]) / 2 + 22, steps=4)
    played(digits, 1)  # heard while it is dragged
    assert "between" in handle.get_attribute("aria-valuetext")
    digits.mouse.move(goal["x"] + 22, goal["y"] + 22, steps=4)
    digits.mouse.up()
    assert handle.get_attribute("aria-valuetext").startswith("nicolas")
    # The last may have sounded before this line is reached.
    until(digits, "JSON.stringify(played.at(-1).samples) !== JSON.stringify(played[0].samples)")
    handle.focus()
    middle = digits.viewport_size["width"] / 2
    for _ in range(3):  # away from him, and not out of the map
        digits.keyboard.press("ArrowLeft" if handle.bounding_box()["x"] > middle else "ArrowRight")
    assert "between nicolas" in handle.get_attribute("aria-valuetext")


def test_a_recording_gives_a_voice_like_it(digits, tmp_path):
    voice = load_voice("digits", threads=1)
    audio.write(tmp_path / "theo.wav", voice.say("407", speaker="theo").samples, voice.rate)
    clear(digits)
    digits.get_by_role("textbox", name="Text to say").fill("1")
    digits.locator("input[type=file]").set_input_files(tmp_path / "theo.wav")
    digits.get_by_text("like theo.wav", exact=True).wait_for()
    shown = re.search(r"--style[ =]'?([-\d.,e]+)", digits.locator("code").inner_text())
    assert shown
    found, wanted = np.float32(shown[1].split(",")), voice.like(tmp_path / "theo.wav")
    assert np.abs(found - wanted).max() < 0.02
    (tmp_path / "letter.wav").write_text("dear")
    digits.locator("input[type=file]").set_input_files(tmp_path / "letter.wav")
    digits.get_by_text("cannot read that file as sound").wait_for()
    audio.write(tmp_path / "silence.wav", np.zeros(8000, np.float32), 8000)
    digits.locator("input[type=file]").set_input_files(tmp_path / "silence.wav")
    digits.get_by_text("too short or too quiet").wait_for()


def test_somebody_new_is_somebody_else_and_stays_for_another_take(tiny):
    clear(tiny)
    tiny.get_by_role("textbox", name="Text to say").fill("1")
    tiny.get_by_role("button", name="Somebody new").click()
    tiny.get_by_text("--speaker random").wait_for()
    tiny.get_by_role("button", name="Another take").click()
    tiny.get_by_text("a style of its own").wait_for()


def test_what_cannot_be_said_is_told_with_what_can(tiny):
    clear(tiny)
    tiny.get_by_role("textbox", name="Text to say").fill("4 % 1")
    alert = tiny.get_by_role("alert")
    alert.get_by_text("cannot say “%” (character 3)").wait_for()
    assert "zero, one, two" in alert.inner_text()
    tiny.get_by_role("textbox", name="Text to say").fill("41")
    until(tiny, "!document.querySelector('.refusal').innerText")


def test_the_keyboard_alone_is_enough(tiny):
    clear(tiny)
    tiny.get_by_role("heading", name="Who speaks").click()
    tiny.evaluate("document.activeElement.blur()")
    tiny.keyboard.press("4")
    tiny.keyboard.press("2")
    played(tiny, 2)
    tiny.get_by_role("button", name="hear two again").wait_for()
    tiny.keyboard.press("Backspace")
    tiny.get_by_role("button", name="hear two again").wait_for(state="detached")
    reached = []
    for _ in range(60):
        tiny.keyboard.press("Tab")
        reached.append(tiny.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText"))
    wanted = ("say five", "Speak", "ann", "Who speaks", "Somebody new", "hear four again", "Another take")
    assert all(any(name in (one or "") for one in reached) for name in wanted), reached


def test_a_key_sounds_once_as_a_mouse_presses_it_as_a_finger_lifts_or_as_enter_is_pressed(browser, address):
    with opened(browser, f"{address}#voice=tiny", has_touch=True) as page:
        key = page.get_by_role("button", name="say four")
        key.hover()
        page.mouse.down()
        played(page, 1)  # before the handle is released
        page.mouse.up()
        key.tap()
        played(page, 2)
        key.focus()
        page.keyboard.press("Enter")
        played(page, 3)
        page.get_by_role("button", name="hear four again").nth(2).wait_for()
        assert page.get_by_role("textbox", name="Text to say").input_value() == "444"
        assert page.evaluate("played.length") == 3


def test_who_waits_hears_the_next_key_at_once(tiny):
    press = """(() => { document.querySelector(".key[aria-label='say nine']").click();
    return played.length; })()"""  # played within the press: nothing had to be made
    for _ in range(20):  # a busy machine takes its time
        clear(tiny)
        tiny.wait_for_timeout(1000)  # longer than the page waits until it makes words ahead
        if tiny.evaluate(press) == 1:
            return
    pytest.fail("no word was made ahead")


def test_a_voice_that_came_meanwhile_is_listed(browser, site, tmp_path):
    folder = copied(site, tmp_path)
    listing = folder / "voices.json"
    whole = json.loads(listing.read_text())
    listing.write_text(json.dumps({"voices": whole["voices"][1:2]}))
    with served(folder) as address, opened(browser, address) as page:
        page.get_by_role("button", name="say four").wait_for()
        assert page.get_by_role("combobox", name="Voice").count() == 0
        listing.write_text(json.dumps(whole))
        page.evaluate("dispatchEvent(new Event('focus'))")  # as when the user returns to the page
        page.get_by_role("combobox", name="Voice").wait_for()
        assert page.get_by_role("combobox", name="Voice").input_value() == "tiny"


def test_a_link_leads_to_its_view_on_a_page_that_is_open(browser, address):
    with opened(browser, f"{address}#voice=tiny&view=toString") as page:  # a name that every object has
        page.get_by_role("button", name="say four").wait_for()
        page.evaluate("location.hash = 'voice=tiny&view=map'")
        page.locator("canvas.map").wait_for()
        page.evaluate("location.hash = 'voice=tiny&view=speak&text=4'")
        page.get_by_role("button", name="say four").wait_for()


def test_the_map_by_the_keyboard_alone(browser, address):
    with opened(browser, f"{address}#voice=tiny&view=map") as page:
        page.locator("canvas.map").wait_for()
        page.get_by_role("heading", name="Doubtful recordings").wait_for()
        page.get_by_text("voxlet explore cnn-light-digits --out map").wait_for()
        page.evaluate("document.activeElement.blur()")
        reached = []
        while not reached or reached[-1] != "BODY":  # nothing holds the focus, and where it is can be seen
            assert len(reached) < 60, reached
            page.keyboard.press("Tab")
            name, seen = page.evaluate(
                """(() => { const one = document.activeElement;
                return [one.tagName, parseFloat(getComputedStyle(one).outlineWidth) >= 2]; })()"""
            )
            reached.append(name)
            assert seen or name == "BODY"
        assert reached.count("CANVAS") == 1
        page.locator("canvas.map").focus()
        page.keyboard.press("ArrowRight")
        page.get_by_role("heading", name="What is heard").wait_for()
        until(page, "document.querySelector('.big').innerText !== '–'")
        first = page.evaluate("location.hash")
        page.keyboard.press("ArrowLeft")
        until(page, f"location.hash !== {json.dumps(first)}")
        page.keyboard.press("Enter")
        assert page.locator(".clips li").count() == 1
        for _ in range(5):
            page.keyboard.press("c")  # through all colourings of this map
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "map-find"
        page.keyboard.type("no such clip")
        page.get_by_text("0 clips are shown").wait_for()


def test_a_finger_moves_the_page_over_a_whole_map_and_the_map_when_it_is_near(browser, address):
    telephone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 700}}
    with opened(browser, f"{address}#voice=tiny&view=map", **telephone) as page:
        chart = page.locator("canvas.map")
        chart.wait_for()
        box = chart.bounding_box()
        place = {"x": box["x"] + box["width"] / 2, "y": min(box["y"] + box["height"] / 2, 600)}
        hand = page.context.new_cdp_session(page)

        def swipe() -> None:
            touch = "Input.dispatchTouchEvent"
            hand.send(touch, {"type": "touchStart", "touchPoints": [place]})
            for moved in range(10, 160, 10):
                hand.send(touch, {"type": "touchMove", "touchPoints": [{**place, "y": place["y"] - moved}]})
            page.wait_for_timeout(300)  # a resting finger stops momentum scrolling
            hand.send(touch, {"type": "touchMove", "touchPoints": [{**place, "y": place["y"] - moved}]})
            hand.send(touch, {"type": "touchEnd", "touchPoints": []})

        def rested() -> int:
            """Return the page's scroll position once it has been the same for ten drawn frames."""
            return page.evaluate(
                """async () => {
                  for (let still = 0, last = -1; still < 10; still += 1) {
                    await new Promise(requestAnimationFrame);
                    if (scrollY !== last) [still, last] = [0, scrollY];
                  }
                  return scrollY;
                }"""
            )

        swipe()
        until(page, "scrollY > 50")
        rested()  # momentum would scroll the page away
        page.evaluate("scrollTo(0, 0)")
        chart.focus()
        page.keyboard.press("+")
        until(page, "document.querySelector('canvas.map.near') && !location.hash.endsWith('_1')")
        near = page.evaluate("location.hash")
        before = rested()  # this also lets the browser notice that the map now handles touches
        swipe()
        until(page, f"location.hash !== {json.dumps(near)}")
        assert rested() == before


@pytest.mark.parametrize(("voice", "text"), [("tiny", "4091"), ("kalimat", " ".join(ARABIC[:3]))])
def test_it_fits_and_axe_finds_nothing(browser, address, voice, text):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, f"{address}#voice={voice}&text={text}", reduced_motion="reduce") as page:
        page.locator(".word").first.wait_for()
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("header").bounding_box()["height"] < 125  # so the keys are visible
            assert page.get_by_text("It speaks Arabic.").count() == (voice == "kalimat")
            small = page.evaluate(
                """[...document.querySelectorAll('button, input:not([type=file]), select')]
                  .filter((one) => one.offsetHeight < 44 || one.offsetWidth < 24)
                  .map((one) => one.outerHTML)"""
            )
            assert small == [], width
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                found = Axe().run(page)
                assert found.violations_count == 0, (width, scheme, found.generate_report())


SHOWN_NAMES = """[...document.querySelectorAll('.plane bdi')]
  .filter((name) => getComputedStyle(name).visibility === 'visible')
  .map((name) => ({ text: name.textContent, ...name.getBoundingClientRect().toJSON() }))"""


def test_names_of_speakers_do_not_lie_on_each_other_at_any_width(browser, address):
    with opened(browser, f"{address}#voice=crowd") as page:
        page.locator(".point").first.wait_for()
        for width in (360, 768, 1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            shown = page.evaluate(SHOWN_NAMES)
            plane = page.locator(".plane").bounding_box()
            assert 4 <= len(shown) < 12
            for number, one in enumerate(shown):
                assert plane["x"] <= one["left"], width
                assert one["right"] <= plane["x"] + plane["width"], width
                for other in shown[:number]:
                    beside = one["right"] <= other["left"] or other["right"] <= one["left"]
                    above = one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
                    assert beside or above, (width, one["text"], other["text"])
        (hidden, *_) = {f"speaker-number-{n}" for n in range(12)} - {one["text"] for one in shown}
        page.get_by_role("button", name=hidden, exact=True).focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        assert hidden in {one["text"] for one in page.evaluate(SHOWN_NAMES)}


def test_sliders_ask_for_what_the_voice_has_learned(browser, address):
    with opened(browser, f"{address}#voice=kalimat") as page:
        page.get_by_role("button", name="say لا").click()
        played(page, 1)
        page.get_by_role("slider", name="Speed").fill("1.25")
        page.get_by_text("--speed 1.25").wait_for()
        assert page.get_by_role("slider", name="Clarity").count() == 0
        assert page.get_by_role("textbox", name="Text to say").input_value() == "لا"
        page.get_by_role("button", name="say نعم").click()
        assert page.get_by_role("textbox", name="Text to say").input_value() == "لا نعم"


def test_words_are_written_in_any_of_their_spellings(browser, address):
    with opened(browser, f"{address}#voice=kalimat") as page:
        key = page.get_by_role("button", name="say نعم")
        assert key.locator(".under").inner_text() == "yes"
        page.get_by_role("textbox", name="Text to say").fill("Naam, stop")
        page.keyboard.press("Enter")
        played(page, 1)
        assert [word.strip() for word in page.locator(".word bdi").all_inner_texts()] == ["نعم", "قف"]


def test_the_scores_of_the_card_stand_beside_real_takes(digits):
    digits.get_by_role("button", name="Scores").click()
    digits.get_by_text("Generated words are recognised as often as real ones").wait_for()
    row = digits.get_by_role("row", name="accuracy, cross-corpus classifier")
    scores = load_voice("digits", threads=1).info.card["scores"]
    figure = scores["figures"]["recognition.cross_corpus.accuracy"]
    for share, low, high in (figure["generated"], figure["real"]):
        assert f"{100 * share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]" in row.inner_text()
    digits.get_by_role("button", name="Speak", exact=True).first.click()


# What goes wrong


def copied(site: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(site, tmp_path / "copy"))


def trouble(browser, address: str) -> str:
    """Return what the page says in place of its keys."""
    with opened(browser, address, provoked="status of 404") as page:
        alert = page.locator(".waiting[role=alert]")
        alert.wait_for()
        return alert.inner_text()


def test_a_voice_that_is_gone_or_damaged_is_told(browser, site, tmp_path):
    folder = copied(site, tmp_path)
    (folder / "voices" / "tiny.voice").unlink()
    damaged = bytearray((folder / "voices" / "kalimat.voice").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / "voices" / "kalimat.voice").write_bytes(damaged)
    with served(folder) as address:
        assert "not on the server any more (status 404)" in trouble(browser, f"{address}#voice=tiny")
        assert "damaged" in trouble(browser, f"{address}#voice=kalimat")
        (folder / "voices.json").write_text('{"voices": []}')
        assert "no voice beside this page" in trouble(browser, address)


def test_a_browser_without_webassembly_is_told(browser, address):
    # A policy that forbids WebAssembly to the worker stands for a browser that lacks it.
    with opened(browser, f"{address}#voice=tiny", provoked="Content Security Policy") as page:
        policy = "default-src 'self'; script-src 'self'"
        page.route("**/worker.js", lambda route: _with_policy(route, policy))
        page.reload()
        page.get_by_text("has no WebAssembly").wait_for()


def _with_policy(route, policy: str) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})


def test_a_server_that_went_away_is_told_and_asked_again(browser, site):
    with served(site) as address, opened(browser, f"{address}#voice=tiny") as page:
        page.get_by_role("button", name="say four").wait_for()
        page.route("**/*.voice", lambda route: route.abort())
        page.get_by_role("combobox", name="Voice").select_option("kalimat")
        page.get_by_text("The server does not answer").wait_for()
        page.unroute("**/*.voice")
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="say لا").wait_for()


def test_a_voice_that_cannot_be_opened_leaves_no_thread_behind(browser, site, tmp_path):
    folder = copied(site, tmp_path)
    (folder / "voices" / "tiny.voice").unlink()
    missing = "status of 404"
    with served(folder) as address, opened(browser, f"{address}#voice=tiny", provoked=missing) as page:
        page.get_by_role("button", name="Try again").click()
        page.locator(".waiting[role=alert]").wait_for()
        deadline = time.monotonic() + 20
        while page.workers:
            assert time.monotonic() < deadline
            page.wait_for_timeout(20)


def test_a_voice_chosen_twice_that_fails_once_can_be_tried_again(browser, address):
    """The requests wait for one thread, which ends with the first failure: that failure is told, no other."""
    with opened(browser, f"{address}#voice=tiny") as page:
        page.get_by_role("button", name="say four").wait_for()
        page.route("**/kalimat.voice", lambda route: route.abort(), times=1)
        page.get_by_role("combobox", name="Voice").evaluate(
            """(choice) => {
              for (const name of ['kalimat', 'crowd', 'kalimat']) {
                choice.value = name;
                choice.dispatchEvent(new Event('change'));
              }
            }"""
        )
        page.get_by_text("The server does not answer").wait_for()
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="say لا").wait_for()


def test_the_tiny_voice_with_attributes_is_a_voice_to_python_too(tmp_path):
    (tmp_path / "kalimat.voice").write_bytes(with_attributes())
    assert load_voice(tmp_path / "kalimat.voice").info.attributes == ("speed", "pitch")
    assert onnx.load_from_string(with_attributes()).graph.input[-1].name == "attributes"
