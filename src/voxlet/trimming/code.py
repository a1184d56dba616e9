"""The modules that find speech: what is cached is made again when their code changes."""

from voxlet.trimming import background, evidence, frames, hum, regions, stretches

CODE = (background, evidence, frames, hum, regions, stretches)
