"""Sound files in folders, with tables that list them: `manifest.csv`, and `metadata.csv` in each split."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.datasets.plan import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voxlet.datasets.formats.interface import Encoded, Object
    from voxlet.datasets.plan import Plan, Shard

ROWS = "rows"  # the folder with a file of table rows for each shard


@dataclass(frozen=True)
class SoundFolder:
    """Files like `train/00012/000012345.wav`.

    `datasets` opens each split as an audio folder, and voxlet opens the data set as a corpus.
    """

    sound: str
    loader = "audiofolder"
    reader = 'datasets.load_dataset("{place}")'

    def objects(self, plan: Plan, shard: Shard, clips: Sequence[Encoded]) -> Iterator[Object]:
        """The file of each clip, then the table rows about them."""
        rows = []
        for clip in clips:
            path = self.path_of(plan, shard, clip)
            rows.append({"path": path, "split": shard.split, **clip.facts})
            yield path, clip.sound
        yield f"{ROWS}/{shard.name}.csv", table(rows)

    def path_of(self, plan: Plan, shard: Shard, clip: Encoded) -> str:  # noqa: ARG002
        """The path of a clip's file in the data set."""
        return f"{shard.split}/{shard.number:05d}/{clip.facts['index']:09d}.{self.sound}"

    def clips(self, names: Iterable[str], get: Callable[[str], bytes]) -> Iterator[bytes]:
        """The objects that are sound files."""
        return (get(name) for name in names if name.endswith(f".{self.sound}"))

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:
        """The tables: all rows, and the rows of each split with paths relative to its folder."""
        rows = list(all_rows(plan, get))
        yield "manifest.csv", table(rows)
        for split in SPLITS:
            own = [
                {"file_name": row["path"].removeprefix(f"{split}/"), **without_path(row)}
                for row in rows
                if row["split"] == split
            ]
            if own:
                yield f"{split}/metadata.csv", table(own)


def all_rows(plan: Plan, get: Callable[[str], bytes]) -> Iterator[dict[str, str]]:
    """The rows of all shards, in order."""
    for shard in plan.shards():
        yield from csv.DictReader(io.StringIO(get(f"{ROWS}/{shard.name}.csv").decode()))


def without_path(row: Mapping[str, str]) -> dict[str, str]:
    """A row without its path and split."""
    return {key: value for key, value in row.items() if key not in ("path", "split")}


def table(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Rows as CSV; empty if there are none."""
    if not rows:
        return b""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()
