"""A page in Chromium, driven through its debugging pipe: asked, pressed, photographed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


class Browser:
    """One page at `address`; its console's errors are kept in `errors`."""

    def __init__(self, address: str, profile: Path, width: int = 1280, height: int = 900) -> None:
        down, self._down = os.pipe()
        self._up, up = os.pipe()
        # The browser reads from descriptor 3 and writes to 4: moved there by the shell, whatever these are.
        command = f'exec "$0" "$@" 3<&{down} 4>&{up}'
        size, own = f"--window-size={width},{height}", f"--user-data-dir={profile}"
        flags = [*FLAGS, size, own, "--autoplay-policy=no-user-gesture-required", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", command, str(CHROMIUM), *flags], pass_fds=(down, up), stderr=subprocess.DEVNULL
        )
        os.close(down)
        os.close(up)
        self._numbers, self._rest = itertools.count(1), b""
        self.errors: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Runtime.enable")
        self.call("Page.enable")
        self.call("Page.navigate", url=address)

    session: str | None = None

    def call(self, method: str, **parameters: Any) -> Any:
        """One command's answer."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self._down, json.dumps(message).encode() + b"\0")
        while True:
            found = self._read()
            if found.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(found["params"])[:500])
            if found.get("id") == number:
                assert "error" not in found, found
                return found["result"]

    def _read(self, seconds: float = 60.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            assert select.select([self._up], [], [], max(0.0, end - time.monotonic()))[0], "no answer"
            self._rest += os.read(self._up, 1 << 20)
        line, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(line))

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page, promises awaited."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str, seconds: float = 60.0) -> Any:
        """The value of an expression, once it is true; a page that is not there yet has none."""
        end = time.monotonic() + seconds
        while not (value := self.ask(f"document.body && ({expression})")):
            assert time.monotonic() < end, f"never true: {expression}; {self.errors}"
            time.sleep(0.1)
        return value

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """An event of the mouse, such as `mouseMoved`."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key: str) -> None:
        """A key pressed and let go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def photograph(self, path: Path) -> None:
        """What is seen, as a PNG file."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(10)
        os.close(self._up)
        os.close(self._down)
