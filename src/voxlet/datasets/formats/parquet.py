"""Parquet files with sounds, which `datasets` opens as `Audio`, and labels, opened as `ClassLabel`."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlet.datasets.formats.interface import Encoded, Object
    from voxlet.datasets.plan import Plan, Shard

COLUMNS = {  # each fact's name, and its type in Arrow and `datasets`
    "index": "int64",
    "word": "string",
    "speaker": "string",
    "speed": "float32",
    "pitch": "float32",
    "clarity": "float32",
    "seconds": "float32",
    "effects": "string",
    "voice": "string",
    "synthetic": "bool",
}
GROUP = 100  # rows in a row group, which are read together


@dataclass(frozen=True)
class Parquet:
    """Files like `train/train-00012.parquet` with the columns audio, label and the facts."""

    sound = "flac"
    loader = "parquet"
    reader = 'datasets.load_dataset("{place}")'

    def objects(self, plan: Plan, shard: Shard, clips: Sequence[Encoded]) -> Iterator[Object]:
        """The Parquet file of a shard."""
        arrow: Any = import_extra("pyarrow", "dataset")
        parquet: Any = import_extra("pyarrow.parquet", "dataset")
        sounds = [{"bytes": clip.sound, "path": f"{clip.facts['index']:09d}.{self.sound}"} for clip in clips]
        labels = [plan.classes.index(str(clip.facts["label"])) for clip in clips]
        audio = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        columns = {
            "audio": arrow.array(sounds, audio),
            "label": arrow.array(labels, arrow.int64()),
            **{
                name: arrow.array([clip.facts[name] for clip in clips], arrow.type_for_alias(kind))
                for name, kind in COLUMNS.items()
            },
        }
        table = arrow.table(columns).replace_schema_metadata({"huggingface": features(plan)})
        buffer = io.BytesIO()
        parquet.write_table(table, buffer, row_group_size=GROUP, use_dictionary=["word", "speaker", "voice"])
        yield f"{shard.split}/{shard.name}.parquet", buffer.getvalue()

    def clips(self, names: Iterable[str], get: Callable[[str], bytes]) -> Iterator[bytes]:
        """The sounds in the Parquet files."""
        parquet: Any = import_extra("pyarrow.parquet", "dataset")
        for name in names:
            file = parquet.ParquetFile(io.BytesIO(get(name)))
            for batch in file.iter_batches(GROUP, columns=["audio"]):
                yield from (row["audio"]["bytes"] for row in batch.to_pylist())

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:  # noqa: ARG002
        """No further objects."""
        return iter(())


def features(plan: Plan) -> str:
    """The types of the columns, as `datasets` stores them in a Parquet file."""
    found: dict[str, object] = {
        "audio": {"sampling_rate": plan.rate, "_type": "Audio"},
        "label": {"names": list(plan.classes), "_type": "ClassLabel"},
        **{name: {"dtype": kind, "_type": "Value"} for name, kind in COLUMNS.items()},
    }
    return json.dumps({"info": {"features": found}})
