"""Take the screenshots of the page in `docs/`: three widths, light and dark, few colours.

python tools/page_pictures.py [page] [map]     # needs the extra `dev` and Chromium
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # how tests open the page

from browser import chromium, opened, served
from voxlet.files import make_folder
from voxlet.serving.static.page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
LINKS = {
    "page": "#text=4091&speaker=george:0.5,theo:0.3,yweweler:0.2&seed=7",
    "map": "#view=map&map=cnn-light-digits&clip=0.31",
}
SIZES = {
    "page": ((1280, 960), (768, 1010), (360, 1600)),
    "map": ((1280, 1080), (768, 1280), (360, 1400)),
}
COLOURS = {"page": 96, "map": 256}  # with fewer, labels of a map would look alike
KMEANS = 4  # rounds of k-means that refine the colours


def wait(page: Page, name: str) -> None:
    """Wait until there is something to see: a text, or a walk over the map."""
    if name == "page":
        page.locator(".word").nth(3).wait_for()
        return
    page.locator("canvas.map").wait_for()
    page.get_by_role("button", name="Hear the walk").click()
    page.get_by_role("button", name="Download the walk").wait_for()
    page.mouse.move(0, 0)


def main(names: list[str]) -> None:
    """Write the screenshots of these views."""
    folder = make_folder(ROOT / "docs" / "pictures")
    with tempfile.TemporaryDirectory() as place:
        write_page(Path(place) / "page", ["digits"])
        with chromium() as browser, served(Path(place) / "page") as address:
            for name in names:
                with opened(browser, f"{address}{LINKS[name]}") as page:
                    page.set_viewport_size({"width": SIZES[name][0][0], "height": SIZES[name][0][1]})
                    wait(page, name)
                    for width, height in SIZES[name]:
                        for scheme in ("light", "dark"):
                            page.emulate_media(color_scheme=scheme)
                            page.set_viewport_size({"width": width, "height": height})
                            page.wait_for_timeout(2000)  # until it is drawn, even on a busy machine
                            taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                            few = taken.quantize(COLOURS[name], kmeans=KMEANS, dither=Image.Dither.NONE)
                            few.save(folder / f"{name}-{width}-{scheme}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(LINKS))
