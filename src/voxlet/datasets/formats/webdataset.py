"""WebDataset: tar files in which each clip is a sound, a class and JSON under one name."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlet.datasets.formats.interface import Encoded, Object
    from voxlet.datasets.plan import Plan, Shard


@dataclass(frozen=True)
class WebDataset:
    """Files like `train/train-00012.tar` with `000012345.flac`, `.cls` (its class number) and `.json`."""

    sound = "flac"
    loader = "webdataset"
    reader = 'webdataset.WebDataset("{place}/train/train-{{00000..{last:05d}}}.tar", shardshuffle=False)'

    def objects(self, plan: Plan, shard: Shard, clips: Sequence[Encoded]) -> Iterator[Object]:
        """The tar file of a shard."""
        buffer = io.BytesIO()
        # USTAR without times, so that the same clips give the same bytes.
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for clip in clips:
                number = plan.classes.index(str(clip.facts["label"]))
                parts = {
                    self.sound: clip.sound,
                    "cls": str(number).encode(),
                    "json": json.dumps(clip.facts).encode(),
                }
                for ending, content in parts.items():
                    member = tarfile.TarInfo(f"{clip.facts['index']:09d}.{ending}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        yield f"{shard.split}/{shard.name}.tar", buffer.getvalue()

    def clips(self, names: Iterable[str], get: Callable[[str], bytes]) -> Iterator[bytes]:
        """The sounds in the tar files."""
        for name in names:
            with tarfile.open(fileobj=io.BytesIO(get(name))) as archive:
                for member in archive:
                    file = archive.extractfile(member)
                    if file is not None and member.name.endswith(f".{self.sound}"):
                        yield file.read()

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:  # noqa: ARG002
        """The names of the classes, by number."""
        yield "classes.json", json.dumps(list(plan.classes)).encode()
