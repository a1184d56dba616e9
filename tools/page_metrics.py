"""Write what the page knows of each metric: titles, units and directions stand in one place alone.

`make vendor` runs this; `tests/serving/test_page_files.py` holds the file to the catalogue.
"""

from __future__ import annotations

import json
from pathlib import Path

from voxlet.evaluation.metric import CATALOGUE, PART_TITLES
from voxlet.files import write_atomically

FILE = Path(__file__).parent.parent / "src" / "voxlet" / "serving" / "page" / "metrics.json"


def content() -> bytes:
    """The file's bytes: titles of parts, and of each metric with one value its title, unit and direction."""
    metrics = {
        metric.key: [metric.title, metric.unit, metric.better]
        for metric in CATALOGUE.values()
        if metric.by is None
    }
    return (
        f"{json.dumps({'parts': PART_TITLES, 'metrics': metrics}, indent=1, ensure_ascii=False)}\n".encode()
    )


if __name__ == "__main__":
    write_atomically(FILE, content())
