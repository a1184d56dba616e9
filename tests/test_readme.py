"""The README's commands as they stand: each block after a comment `<!-- run -->`, in order, in one folder.

`<!-- run: A -> B -->` runs the block with A replaced by B: the same command with less training.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(
    r"<!-- run(?:: (?P<old>.+?) -> (?P<new>.+?))? -->\n```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL
)


def blocks() -> list[tuple[str, str]]:
    """(kind, code) of each block that is to be run."""
    found = []
    for match in BLOCK.finditer(README.read_text()):
        code = match["code"]
        if match["old"]:
            assert match["old"] in code, f"{match['old']!r} is not in the block"
            code = code.replace(match["old"], match["new"])
        found.append((match["kind"], code))
    return found


def test_the_readme_has_blocks_to_run() -> None:
    assert len(blocks()) >= 4


@pytest.mark.slow
def test_every_block_runs(tmp_path: Path, voxlet_data: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VOXLET_DATA": str(voxlet_data),
    }
    for kind, code in blocks():
        command = (
            [sys.executable, "-c", code] if kind == "python" else ["bash", "-euo", "pipefail", "-c", code]
        )
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stderr[-3000:]}"
    for name in ("4091.wav", "phone.wav", "blend.wav", "new.wav", "alike.wav", "out.wav"):
        assert (tmp_path / name).stat().st_size > 8000, name
    assert len(list((tmp_path / "out" / "light").glob("*.wav"))) == 3
    assert list((tmp_path / "out" / "fsdd").glob("*.html"))


def test_every_link_in_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    assert links
    for link in links:
        assert (README.parent / link).exists(), link
