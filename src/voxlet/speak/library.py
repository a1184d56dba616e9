"""Find, install, remove and rename the voices on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from voxlet.errors import VoiceError
from voxlet.files import fold_name, is_file, make_folder, patiently, safe_name, write_new, writing
from voxlet.speak.voice_file import SUFFIX, read_voice

LONGEST_NAME = 60  # characters of a voice's name
USUAL = "digits"  # the default voice
SHIPPED = Path(__file__).parent / "voices"


def folders() -> list[Path]:
    """The folders searched for voices: `VOXLET_VOICES` or the user's data folder, then voxlet's own."""
    if listed := os.environ.get("VOXLET_VOICES"):
        own = [Path(folder) for folder in listed.split(os.pathsep) if folder]
    else:
        own = [Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "voxlet", "voices")]
    try:
        return [*(folder.expanduser() for folder in own), SHIPPED]
    except RuntimeError:  # a user without a home folder
        return [SHIPPED]


def available() -> dict[str, Path]:
    """The files of all voices by name; an installed voice hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_voice(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a shipped or installed voice given by name, or the given path itself.

    Raises:
        VoiceError: There is no such voice or file.
    """
    path = Path(name_or_path)
    named = str(name_or_path)
    if path.name == named and path.suffix not in (SUFFIX, ".onnx"):
        voices = available()
        if named in voices:
            return voices[named]
        if not is_file(path):
            raise VoiceError(
                f"there is no voice {named!r}",
                remedy=f"the voices are: {', '.join(voices)}" if voices else "give the path of a .voice file",
            )
    if not is_file(path):
        raise VoiceError("no such voice file", where=path, remedy="`voxlet voices` lists what there is")
    return path


def check_name(name: str) -> str:
    """Return `name` if a voice can be installed under it.

    Raises:
        VoiceError: It is not a valid file name on every system.
    """
    if not name or safe_name(name, LONGEST_NAME) != name:
        raise VoiceError("cannot be a file name", where=repr(name), remedy="use letters, digits and hyphens")
    return name


def install(file: str | os.PathLike[str], name: str | None = None) -> Path:
    """Check a voice file and install it; another voice of the same name, in any case, is never replaced.

    Args:
        file: The voice file.
        name: The name to install it under; by default, the name of the file.

    Raises:
        VoiceError: It is not a voice, the name is not a valid file name, or it is taken by another voice.
        FileError: The file cannot be copied.
    """
    voice = read_voice(Path(file))
    target = _installed(name or Path(file).stem)
    make_folder(target.parent)
    if (other := _alike(target)) is not None:
        raise _taken(other.stem)
    try:
        write_new(target, voice.model)
    except FileExistsError as error:
        if target.read_bytes() != voice.model:
            raise _taken(target.stem) from error
    return target


def remove(name: str) -> Path:
    """Delete the file of an installed voice.

    Raises:
        VoiceError: No voice of this name is installed.
        FileError: The file cannot be deleted.
    """
    path = _own(name)
    with writing(path, "cannot be removed", remedy=None):
        path.unlink()
    return path


def rename(name: str, new: str) -> Path:
    """Rename an installed voice; the new name may differ in case alone.

    Raises:
        VoiceError: No voice `name` is installed, or `new` is taken or not a valid file name.
        FileError: The file cannot be written.
    """
    path, target = _own(name), _installed(new)
    if path == target:
        raise VoiceError("already has this name", where=name)
    if (other := _alike(target, besides=path)) is not None:
        raise _taken(other.stem)
    with writing(path, "cannot be read", remedy=None):
        model = path.read_bytes()
    try:
        write_new(target, model)
    except FileExistsError as error:
        if not _is_alike(path, target) or any(one.name == target.name for one in target.parent.iterdir()):
            raise _taken(new) from error
        with writing(path, "cannot be renamed", remedy=None):
            patiently(path.rename, target)  # one file: this file system ignores case
        return target
    with writing(path, "cannot be removed", remedy=None):
        path.unlink()
    return target


def _alike(target: Path, besides: Path | None = None) -> Path | None:
    """Another voice in the target's folder that is one file with it on macOS or Windows; None without one."""
    there = sorted(target.parent.glob(f"*{SUFFIX}"))
    return next((path for path in there if path not in (target, besides) and _is_alike(path, target)), None)


def _is_alike(path: Path, target: Path) -> bool:
    return path.parent == target.parent and fold_name(path.name) == fold_name(target.name)


def _taken(name: str) -> VoiceError:
    return VoiceError(
        "is installed already",
        where=name,
        remedy=f"give another name, or first run: voxlet voices remove {name}",
    )


def _installed(name: str) -> Path:
    """The path under which a voice of this name is installed."""
    return folders()[0] / f"{check_name(name)}{SUFFIX}"


def _own(name: str) -> Path:
    """The file of an installed voice; any name is accepted, as files may have been put there by hand."""
    there = available()
    path = there.get(name)
    if path is None or path.parent == SHIPPED:
        what = (
            "is not installed" if path is None else "is shipped with voxlet and cannot be removed or renamed"
        )
        installed = [found.stem for found in there.values() if found.parent != SHIPPED]
        raise VoiceError(
            what,
            where=name,
            remedy=f"installed are: {', '.join(installed)}"
            if installed
            else "install one first: voxlet voices install FILE",
        )
    return path
