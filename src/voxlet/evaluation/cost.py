"""The cost of generating clips: time and memory, and the model's size and training time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from voxlet.evaluation.clipset import sample_clips
from voxlet.machine import peak_memory
from voxlet.recipes.opened import ClipRun, VoiceRun
from voxlet.recipes.voice.export import count_parameters
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.recipes.opened import Opened


def sample_and_time(model: Opened, count: int, seed: int) -> tuple[ClipSet, dict[str, float]]:
    """Generate `count` clips of a model, and measure the cost."""
    model.sample(model.labels[:1], seed=seed)  # loading and warming up are not counted
    start, used = time.perf_counter(), time.process_time()
    clips = sample_clips(model, count, seed=seed, progress=True)
    took, used = time.perf_counter() - start, time.process_time() - used
    seconds = sum(len(sound) for sound in clips.sounds) / clips.rate
    cost = {
        "clips_per_second": count / took,
        "processor_seconds_per_second_of_audio": used / max(seconds, 1e-9),
        "mean_clip_seconds": seconds / count,
    }
    if (memory := peak_memory()) is not None:
        cost["peak_memory_megabytes"] = memory
    return clips, cost | size_of(model)


def size_of(model: Opened) -> dict[str, float]:
    """Size and training time of a model."""
    if isinstance(model, ClipRun):
        return {"parameters": model.parameters, "training_minutes": model.training_seconds / 60}
    path = model.voice_path if isinstance(model, VoiceRun) else model.path
    found: dict[str, float] = {"megabytes": path.stat().st_size / 1e6}
    file = read_voice(path)
    found["parameters"] = count_parameters(file)
    minutes = model.training_seconds / 60 if isinstance(model, VoiceRun) else card_minutes(file.info.card)
    return found | ({"training_minutes": minutes} if minutes else {})


def card_minutes(card: Mapping[str, object]) -> float:
    """Training time of a voice in minutes, from its model card; 0 if the card does not say."""
    training = card.get("training")
    stages = training.get("stages") if isinstance(training, dict) else None
    told = stages.values() if isinstance(stages, dict) else ()
    seconds = (stage.get("seconds") for stage in told if isinstance(stage, dict))
    return sum(value for value in seconds if isinstance(value, int | float)) / 60
