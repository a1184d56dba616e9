"""Play a sound file with whatever player the machine has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from voxlet.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

# Programs that play the file named by their last argument and then end; the first that works is used.
PLAYERS = (
    ("afplay",),
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("mpv", "--no-video", "--really-quiet"),
    ("play", "-q"),
)
UNHEARD = "audio open failed"  # ffplay prints this without a sound device, and exits with status 0

TO_A_FILE = "write a file instead: -o NAME.wav"


def play(path: Path) -> None:
    """Play the WAV file at `path` and return when it has ended.

    Raises:
        AudioError: No player is installed, or none works, as without a sound device.
    """
    if sys.platform == "win32":
        import winsound

        try:
            winsound.PlaySound(str(path), winsound.SND_FILENAME | winsound.SND_NODEFAULT)
        except RuntimeError as error:  # winsound raises nothing more specific
            raise AudioError(f"cannot play here ({error})", remedy=TO_A_FILE) from error
        return
    failures = []
    for name, *options in PLAYERS:
        program = shutil.which(name)
        if program is None:
            continue
        done = subprocess.run(
            [program, *options, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        unheard = [line for line in lines if UNHEARD in line]
        if done.returncode == 0 and not unheard:
            return
        reason = next(iter([*unheard, *lines]), f"status {done.returncode}")
        failures.append(f"{name}: {reason[:100]}")
    if failures:
        raise AudioError(f"cannot play here ({'; '.join(failures)})", remedy=TO_A_FILE)
    raise AudioError(
        "there is no program here that plays sound",
        remedy=f"install one of {', '.join(name for name, *_ in PLAYERS)}, or write a file: -o NAME.wav",
    )
