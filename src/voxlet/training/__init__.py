"""The engine alone: the loop, stages, runs, checkpoints, several processes. It knows nothing of sound."""
