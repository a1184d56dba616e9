"""The modules that decide what of a clip is speech: what was made by others of them is made anew."""

from voxlet.trimming import background, evidence, frames, hum, regions, stretches

CODE = (background, evidence, frames, hum, regions, stretches)
