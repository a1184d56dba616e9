"""The voices on this machine: shipped, installed, or any file."""

from __future__ import annotations

import os
from pathlib import Path

from voxlet.errors import VoiceError
from voxlet.speak.voice_file import SUFFIX

SHIPPED = Path(__file__).parent / "voices"


def folders() -> list[Path]:
    """Where voices are looked for: `VOXLET_VOICES` or the user's data folder, then what voxlet ships."""
    if listed := os.environ.get("VOXLET_VOICES"):
        own = [Path(folder) for folder in listed.split(os.pathsep) if folder]
    else:
        own = [Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "voxlet", "voices")]
    try:
        return [*(folder.expanduser() for folder in own), SHIPPED]
    except RuntimeError:  # a user without a home folder
        return [SHIPPED]


def available() -> dict[str, Path]:
    """Voices that can be asked for by name; an installed one hides a shipped one of its name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_voice(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a shipped or installed voice, or the path itself.

    Raises:
        VoiceError: There is none.
    """
    path = Path(name_or_path)
    named = str(name_or_path)
    if path.name == named and path.suffix not in (SUFFIX, ".onnx"):
        voices = available()
        if named in voices:
            return voices[named]
        if not _is_file(path):
            raise VoiceError(
                f"there is no voice {named!r}",
                remedy=f"there is: {', '.join(voices)}" if voices else "give the path of a .voice file",
            )
    if not _is_file(path):
        raise VoiceError("no such voice file", where=path, remedy="`voxlet voices` lists what there is")
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
