"""Data sets of the tiny voice, made in a moment, and the contents of a folder."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import tiny_voice
from voxlet.datasets.plan import Plan
from voxlet.datasets.request import Request
from voxlet.datasets.stores import Folder
from voxlet.speak.voice import Voice
from voxlet.speak.voice_file import VoiceFile, parse_info

VOICE = tiny_voice.voice_bytes()


def voice_file(data: bytes = VOICE) -> VoiceFile:
    return VoiceFile(Path("tiny.voice"), parse_info(tiny_voice.info().to_json()), data, None)


def plan(count: int = 60, *, shard: int = 10, **changes) -> Plan:
    file = voice_file()
    return Request(count=count, shard=shard, **changes).plan(file, Voice(file, threads=1))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class DiesOnce:
    """A task whose worker is killed at one item, the first time or every time."""

    folder: Path
    item: int
    always: bool = False

    def __call__(self, item: int) -> int:
        mark = self.folder / "died"
        if item == self.item and (self.always or not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@dataclass(frozen=True)
class KillsOnce(Folder):
    """A folder whose writer is killed in the middle of a shard, the first time."""

    mark: Path = Path()

    def put(self, name: str, data: bytes) -> None:
        if name == "train/00002/000000025.wav" and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        super().put(name, data)
