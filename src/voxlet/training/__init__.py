"""The training engine: loop, stages, runs, checkpoints, distributed processes. It is independent of audio."""
