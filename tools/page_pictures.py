"""Take the pictures of the page in `docs/page.md`: three widths, light and dark, few colours.

python tools/page_pictures.py     # needs the extra `dev` and Chromium
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # how tests open the page

from browser import chromium, opened, served
from voxlet.files import make_folder
from voxlet.serving.static.page import write_page

ROOT = Path(__file__).parent.parent
LINK = "#text=4091&speaker=george:0.5,theo:0.3,yweweler:0.2&seed=7"
SIZES = ((1280, 960), (768, 1010), (360, 1600))
COLOURS = 96


def main() -> None:
    """Write them all."""
    folder = make_folder(ROOT / "docs" / "pictures")
    with tempfile.TemporaryDirectory() as place:
        write_page(Path(place) / "page", ["digits"])
        with (
            chromium() as browser,
            served(Path(place) / "page") as address,
            opened(browser, f"{address}{LINK}") as page,
        ):
            page.locator(".word").nth(3).wait_for()
            for width, height in SIZES:
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    page.set_viewport_size({"width": width, "height": height})
                    page.wait_for_timeout(300)  # until it is drawn
                    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                    few = taken.quantize(COLOURS, dither=Image.Dither.NONE)
                    few.save(folder / f"page-{width}-{scheme}.png", optimize=True)


if __name__ == "__main__":
    main()
