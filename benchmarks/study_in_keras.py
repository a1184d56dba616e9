"""The study's two kinds of model in Keras, as in the study, compared with voxlet's: seconds, memory, losses.

    pip install tensorflow-cpu
    VOXLET_DATA=... python benchmarks/study_in_keras.py [--models mlp,cnn] [--rounds 3] [--clips 2430]

Both get the same spectrograms of FSDD (2,430 training clips, 257 x 69), batches of 128, Adam, float32; voxlet
also runs in bfloat16 where the processor has it. The rows take turns, each time in a process of its own.
Times are medians over all rounds: only ratios within one run mean anything. Memory is the largest peak of all
rounds. The first two steps, which compile and allocate, are not timed. Losses are means over the last quarter
of the last round's steps, in nats per clip.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from presets import precisions
from voxlet.machine import peak_memory

BATCH = 128
EPOCH_CLIPS = 2430
SKIPPED = 2
CNN_CLIPS = 640  # a step of the CNN takes seconds


def in_keras(model: str, spectrograms: Path, clips: int) -> dict[str, object]:
    """Train in Keras for about `clips` clips."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np
    import tensorflow as tf
    from keras import layers, ops

    data = np.load(spectrograms)
    bands, frames = data.shape[1:]
    data = data[..., None]

    image = keras.Input((bands, frames, 1))
    code = keras.Input((2,))
    if model == "mlp":
        hidden = layers.Flatten()(image)
        for width in (1024, 512, 256):
            hidden = layers.Dense(width, activation="relu")(hidden)
        made = code
        for width in (256, 512, 1024):
            made = layers.Dense(width, activation="relu")(made)
        made = layers.Dense(bands * frames, activation="sigmoid")(made)
        made = layers.Reshape((bands, frames, 1))(made)
    else:
        hidden = image
        for channels in (32, 64):
            hidden = layers.Conv2D(channels, 3, padding="same", activation="relu")(hidden)
        hidden = layers.Dense(256, activation="relu")(layers.Flatten()(hidden))
        made = layers.Dense(256, activation="relu")(code)
        made = layers.Dense(bands * frames, activation="relu")(made)
        made = layers.Reshape((bands, frames, 1))(made)
        for channels in (64, 32):
            made = layers.Conv2DTranspose(channels, 3, padding="same", activation="relu")(made)
        made = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(made)
    encoder = keras.Model(image, [layers.Dense(2)(hidden), layers.Dense(2)(hidden)])
    decoder = keras.Model(code, made)
    weights = [*encoder.trainable_weights, *decoder.trainable_weights]
    adam = keras.optimizers.Adam()
    adam.build(weights)

    @tf.function
    def step(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            mean, log_variance = encoder(batch, training=True)
            noise = tf.random.normal(tf.shape(mean))
            output = decoder(mean + ops.exp(0.5 * log_variance) * noise, training=True)
            crossed = ops.sum(ops.binary_crossentropy(batch, output), axis=(1, 2, 3))
            apart = 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - 1 - log_variance, axis=1)
            loss = ops.mean(crossed + apart)
        adam.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return timed(lambda rows: float(step(data[rows])), len(data), clips)


def in_voxlet(model: str, precision: str, clips: int) -> dict[str, object]:
    """Train the preset for about `clips` clips."""
    task, count = clip_task(model, precision)
    import torch

    return timed(lambda rows: float(task.train_step(torch.from_numpy(rows), 0.0)["loss"]), count, clips)


def clip_task(model: str, precision: str):
    """The preset's task on the training clips alone, and their number."""
    import torch

    from voxlet.corpus.dataset import open_dataset
    from voxlet.recipes.clip.data import InMemory, spectrograms_of
    from voxlet.recipes.clip.task import ClipTask
    from voxlet.study.plan import on_study_clips
    from voxlet.training import hardware

    hardware.set_up()
    torch.manual_seed(0)
    config = replace(on_study_clips(model), precision=precision)
    dataset = open_dataset("fsdd", config.preparation, split=config.split, progress=False)
    prepared, split = dataset.prepared, dataset.split
    count = len(split.train)
    order = torch.from_numpy(split.train)
    spectrograms = InMemory(spectrograms_of(prepared, config.spectrogram).read(order))
    labels = torch.from_numpy(prepared.labels)[order]
    rest = replace(split, train=torch.arange(count).numpy())
    return ClipTask(config, spectrograms, labels, len(prepared.label_names), rest), count


def timed(step, count: int, clips: int) -> dict[str, object]:
    """Run steps over rows in random order: the median step, the last quarter's mean loss, peak memory."""
    import numpy as np

    rng = np.random.default_rng(0)
    seconds, losses = [], []
    order = rng.permutation(count)
    for number in range(SKIPPED + max(2, clips // BATCH)):
        start = number * BATCH % (count - BATCH + 1)
        rows = order[start : start + BATCH]
        began = time.perf_counter()
        losses.append(step(rows))
        seconds.append(time.perf_counter() - began)
    last = losses[-max(1, len(losses) // 4) :]
    return {
        "seconds": statistics.median(seconds[SKIPPED:]),
        "loss": statistics.fmean(last),
        "gigabytes": (peak_memory() or math.nan) / 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="mlp,cnn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=EPOCH_CLIPS)
    parser.add_argument("--one", nargs=3, metavar=("MODEL", "SYSTEM", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        model, system, file = asked.one
        if system == "keras":
            print(json.dumps(in_keras(model, Path(file), asked.clips)))
        else:
            print(json.dumps(in_voxlet(model, system, asked.clips)))
        return
    import numpy as np

    print("model  system              ms/clip  s/epoch  of Keras   peak GB     loss", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spectrograms.npy"
        task, _ = clip_task("mlp", "float32")
        np.save(file, task.spectrograms.values.numpy())
        del task
        for model in asked.models.split(","):
            clips = min(asked.clips, CNN_CLIPS) if model == "cnn" else asked.clips
            found: dict[str, list[dict[str, float]]] = {name: [] for name in ("keras", *precisions())}
            for _ in range(asked.rounds):
                for system, rows in found.items():
                    command = [sys.executable, __file__, "--clips", str(clips), "--one", model, system]
                    done = subprocess.run([*command, str(file)], check=True, capture_output=True, text=True)
                    rows.append(json.loads(done.stdout.splitlines()[-1]))
            usual = statistics.median(row["seconds"] for row in found["keras"])
            for system, rows in found.items():
                seconds = statistics.median(row["seconds"] for row in rows)
                print(
                    f"{model:<6} {system if system == 'keras' else 'voxlet ' + system:<17} "
                    f"{1e3 * seconds / BATCH:>9.2f} {EPOCH_CLIPS * seconds / BATCH:>8.2f} "
                    f"{seconds / usual:>9.2f} {max(row['gigabytes'] for row in rows):>9.1f} "
                    f"{rows[-1]['loss']:>8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
