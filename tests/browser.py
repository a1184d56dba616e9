"""The page in a real, headless Chromium, from a folder or an application served on the loopback."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from playwright.sync_api import Browser, Page

    from voxlet.serving.limits import Limits

# Keeps each sound that is played: its samples, rate, and start in milliseconds of the page, which is known
# once the audio context runs.
KEEP_PLAYED = """
window.played = [];
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when) {
  const { context } = this;
  const wait = () => Math.max(0, when - context.currentTime) + context.baseLatency;
  const begins = () => performance.now() + 1000 * wait();
  const one = { samples: Array.from(this.buffer.getChannelData(0)), rate: this.buffer.sampleRate, at: null };
  if (context.state === 'running') one.at = begins();
  else context.addEventListener('statechange', () => { one.at ??= begins(); });
  window.played.push(one);
  return begin.call(this, when);
};
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder, and yield its address."""
    handler = functools.partial(_Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Yield a browser with these arguments; skip the test if no Chromium is installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for the root user of a container.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser: Browser, address: str, *, provoked: str = "ERR_", **options: object) -> Iterator[Page]:
    """Yield a new page whose errors fail the test, and which may send requests only to its own server.

    Errors that contain `provoked` are expected.
    """
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.add_init_script(KEEP_PLAYED)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.on("request", lambda request: _is_own(request.url, address) or wrong.append(request.url))
    page.set_default_timeout(60_000)
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    unexpected = [line for line in wrong if provoked not in line]
    assert not unexpected, unexpected


def microphone(sound: Path) -> tuple[str, ...]:
    """Arguments for a browser whose microphone may be used, and hears a sound file again and again."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
    )


@contextlib.contextmanager
def running(app: FastAPI, limits: Limits) -> Iterator[str]:
    """Serve an application in this process as `voxlet serve` does, and yield its address."""
    from voxlet.serving.server import bind, make_server

    listening, ready = bind("127.0.0.1", 0), threading.Event()
    server = make_server(app, limits, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(60)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()  # no watching client holds it up


def until(page: Page, condition: str, seconds: float = 60.0) -> None:
    """Wait until an expression holds; the page's security policy forbids Playwright's own way of waiting."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def _is_own(url: str, address: str) -> bool:
    return url.startswith((address.split("#", maxsplit=1)[0].rpartition("/")[0], "blob:", "data:"))
