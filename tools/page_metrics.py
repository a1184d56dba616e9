"""Write the page's file of metrics from the catalogue, which alone defines titles, units and directions.

`make vendor` runs this; `tests/serving/test_page_files.py` checks the file against the catalogue.
"""

from __future__ import annotations

import json
from pathlib import Path

from voxlet.evaluation.metric import CATALOGUE, PART_TITLES
from voxlet.files import write_atomically

FILE = Path(__file__).parent.parent / "src" / "voxlet" / "serving" / "page" / "metrics.json"


def content() -> bytes:
    """The file's bytes: titles of parts; title, unit and direction of each metric that has a single value.

    Metrics of latent spaces are left out: a clip VAE has no voice card that could show them.
    """
    metrics = {
        metric.key: [metric.title, metric.unit, metric.better]
        for metric in CATALOGUE.values()
        if metric.by is None and metric.part != "latents"
    }
    parts = {name: title for name, title in PART_TITLES.items() if name != "latents"}
    lines = (f"{json.dumps(key)}:{_compact(value)}" for key, value in metrics.items())
    rows = ",\n".join(lines)
    return f'{{"parts":{_compact(parts)},\n"metrics":{{\n{rows}\n}}}}\n'.encode()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    write_atomically(FILE, content())
