"""The page in Chromium: delay from a press to its sound, loading time, and agreement with Python's sound.

    python benchmarks/page.py [VOICE] [--presses N] [--words N] [--json FILE]

A press is timed from the browser's event to the scheduled start of its sound, including the delay that the
sound device reports. The pointer reaches a key only when it presses it, not before. Needs the extra `dev` and
Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # how tests open the page

from browser import chromium, opened, served, until
from voxlet.serving.static.page import write_page
from voxlet.speak.manner import Manner
from voxlet.speak.speech import shape
from voxlet.speak.voice import load_voice

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Seconds from a sound to the next press: after the whole word, as people dial, as fast as the page answers.
PACES = {"heard": 1.0, "dialled": 0.4, "rushed": 0.0}
WHO = ("{0}", "{0}:0.61,{1}:0.39", "random")  # who speaks the compared words, in turn
PRESSED = "addEventListener('pointerdown', (event) => { window.pressedAt = event.timeStamp; }, true)"
SAMPLE = """async (asked) => {
  const { VoiceClient } = await import('/voice/client.js');
  const { blend, randomStyle, readBlend } = await import('/voice/styles.js');
  if (!window.client) {
    window.client = new VoiceClient();
    const { voices } = await (await fetch('/voices.json')).json();
    window.info = await window.client.open({ ...voices[0], file: '/' + voices[0].file });
  }
  const usual = { speed: 0, pitch: 0, clarity: 1 }; // as the network is told of them
  const wishes = window.info.attributes.map((name) => usual[name]);
  const clips = [];
  for (const [label, who, seed] of asked) {
    const parts = readBlend(who, window.info.speakers);
    const style = parts ? blend(parts, window.info.speakers) : randomStyle(seed, window.info);
    clips.push(Array.from(await window.client.sample({ label, style, wishes, seed, index: 0 })));
  }
  return clips;
}"""


def latencies(page: Page, presses: int, pause: float) -> list[float]:
    """Milliseconds from each press to its sound, with `pause` seconds from a sound to the next press."""
    page.evaluate(PRESSED)
    keys = page.locator(".key[aria-label^='say ']")
    found = []
    for press, key in enumerate(np.random.default_rng(0).integers(keys.count(), size=presses)):
        page.evaluate("played.length = 0")
        keys.nth(int(key)).click()
        until(page, "played[0]?.at")
        found.append(page.evaluate("played[0].at - pressedAt"))
        if press % 10 == 9:  # ten digits, then a new number
            page.get_by_role("textbox", name="Text to say").fill("")
            page.get_by_role("button", name="Another take").click()
        page.wait_for_timeout(1000 * pause)
    return found


def differences(page: Page, name: str, words: int) -> tuple[int, float]:
    """How many words of the page and of Python differ in length, and the largest difference of a sample."""
    voice = load_voice(name, threads=1)
    first, second = (*voice.speakers, *voice.speakers)[:2]
    asked = [
        (voice.labels[i % len(voice.labels)], WHO[i % len(WHO)].format(first, second), i)
        for i in range(words)
    ]
    lengths, most = 0, 0.0
    for label, who, seed in asked:
        (clip,) = page.evaluate(SAMPLE, [(label, who, seed)])
        (raw,) = voice.sample([label], speaker=who, manner=Manner(variation=0.0), seed=seed)
        wanted = shape(raw, voice.rate, voice.rate, label)
        if len(clip) != len(wanted):
            lengths += 1
        else:
            most = max(most, float(np.abs(np.float32(clip) - wanted).max()))
    return lengths, most


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", nargs="?", default="digits")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_page(Path(folder) / "page", [arguments.voice])
        with chromium() as browser, served(Path(folder) / "page") as address:
            start = time.perf_counter()
            with opened(browser, address) as page:
                page.locator(".key").first.wait_for()
                found: dict[str, float] = {"load_s": time.perf_counter() - start}
                for name, pause in PACES.items():
                    times = latencies(page, arguments.presses, pause)
                    median, slow = np.percentile(times, [50, 99])
                    found |= {f"{name}_ms_p50": median, f"{name}_ms_p99": slow, f"{name}_ms_first": times[0]}
            with opened(browser, f"{address}style.css", provoked="404") as page:
                lengths, most = differences(page, arguments.voice, arguments.words)
                found |= {"words": arguments.words, "other_length": lengths, "largest_difference": most}
    found |= {"presses": arguments.presses, "load": os.getloadavg()[0]}
    for name, value in found.items():
        print(f"{name:<20} {value:.5g}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
