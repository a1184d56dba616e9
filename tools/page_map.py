"""Make the map that is shipped with the page: generated clips of the clip VAE that is shipped with voxlet.

python tools/page_map.py      # two minutes
"""

from __future__ import annotations

import voxlet
from voxlet.exploring.clips import generated_clips
from voxlet.exploring.explore import Request, map_of
from voxlet.exploring.explorer import model_data
from voxlet.exploring.map_folder import decoding_of, write_map_folder
from voxlet.exploring.sprite import encode
from voxlet.recipes.opened import ClipRun
from voxlet.serving.static.maps import SHIPPED
from voxlet.training.progress import Progress

NAME = "cnn-light-digits"
CLIPS = 800
MOST_BYTES = 800_000  # of the clips' sounds

if __name__ == "__main__":
    run = voxlet.load(NAME)
    assert isinstance(run, ClipRun)
    with Progress(NAME) as shown:
        clips = generated_clips(run, CLIPS, 0, shown)
    sprite = encode(clips.sounds, clips.rate, MOST_BYTES)
    SHIPPED.mkdir(exist_ok=True)
    data = model_data(map_of(run, clips, Request(), None))
    write_map_folder(SHIPPED / NAME, data, sprite, decoding_of(run))
