"""How fast data sets are made, and whether memory grows with them.

    python benchmarks/datasets.py [--clips 2000] [--workers 2] [--voice digits] [--format webdataset]
    python benchmarks/datasets.py --clips 100000 --workers 1 --kills 2
    python benchmarks/datasets.py --memory 1000,10000,100000 --tiny
    python benchmarks/datasets.py --piper .venv/piper/bin/python --model en_US-joe-medium.onnx

The first makes one data set and prints clips a second, and clips for each second of processor time of all
processes, which a busy machine changes little. `--kills` kills the command (SIGKILL) so many times on the
way, and gives the same one again; then `voxlet dataset verify` looks at all, and WebDataset and `datasets`
open it and count what they find. `--memory` makes several, each in a process of its own, and prints the peak
of resident memory of the largest process; `--tiny` takes the tests' voice, whose clips cost next to nothing.
`--piper` has Piper say the same words with an interpreter that has it installed, in turn with the data set,
both on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PIPER = """
import sys, time, wave, io
from piper import PiperVoice
import onnxruntime
options = onnxruntime.SessionOptions()
voice = PiperVoice.load(sys.argv[1])
options.intra_op_num_threads = options.inter_op_num_threads = 1
voice.session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
words = sys.argv[3].split(",")
list(voice.synthesize(words[0]))
began, worked = time.perf_counter(), time.process_time()
seconds = 0.0
for number in range(int(sys.argv[2])):
    for chunk in voice.synthesize(words[number % len(words)]):
        seconds += len(chunk.audio_int16_array) / chunk.sample_rate
print(time.perf_counter() - began, time.process_time() - worked, seconds)
"""


@dataclass(frozen=True)
class Cost:
    """What a number of clips took: seconds, of which processor time; megabytes; seconds of sound."""

    clips: int
    wall: float
    processor: float
    peak: float
    sound: float

    def __str__(self) -> str:
        return (
            f"{self.clips:,} clips: {self.clips / self.wall:.1f} a second, "
            f"{self.clips / self.processor:.1f} a second of processor time, peak {self.peak:.0f} MB, "
            f"{self.sound / self.processor:.1f} s of sound a second of processor time"
        )


def made(voice: str, clips: int, workers: int, format_: str, more: list[str], *, kills: int = 0) -> Cost:
    """The cost of one data set, whole processes with their start; what was killed counts as well."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("VOXLET_SCRATCH")) as folder:
        command = [
            sys.executable,
            "-m",
            "voxlet",
            "dataset",
            voice,
            "--count",
            str(clips),
            "--out",
            f"{folder}/words",
        ]
        command += ["--workers", str(workers), "--format", format_, *more]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for kill in range(kills):
            killed(command, Path(folder, "words", "shards"), (kill + 1) * clips // (1000 * (kills + 1)))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        card = json.loads(Path(folder, "words", "dataset.json").read_text())
        if kills:
            subprocess.run(
                [sys.executable, "-m", "voxlet", "dataset", "verify", f"{folder}/words"], check=True
            )
            opened(Path(folder, "words"))
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sound = sum(split["seconds"] for split in card["splits"].values())
    return Cost(clips, wall, worked, after.ru_maxrss / 1000, sound)


def killed(command: list[str], records: Path, shards: int) -> None:
    """Start the command, and kill it in the middle of a shard when so many have been made."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(records.glob("*.json"))) < shards:
        time.sleep(1)
    time.sleep(1)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
    print(f"killed with {len(list(records.glob('*.json')))} shards made", flush=True)


def opened(folder: Path) -> None:
    """Count the clips of WebDataset shards, and of them the words, as the real libraries open them."""
    sys.path.remove(str(Path(__file__).parent))  # this file has the library's name
    import webdataset

    import datasets

    shards = sorted(map(str, folder.rglob("*.tar")))
    classes = Counter(clip["cls"] for clip in webdataset.WebDataset(shards, shardshuffle=False))
    print(f"webdataset: {sum(classes.values()):,} clips of {len(classes)} words", flush=True)
    streamed = datasets.load_dataset("webdataset", data_files=shards, split="train", streaming=True)
    classes = Counter(clip["cls"] for clip in streamed.select_columns(["cls"]))
    print(f"datasets: {sum(classes.values()):,} clips of {len(classes)} words", flush=True)


def alone(arguments: argparse.Namespace, clips: int, voice: str) -> str:
    """A data set in a benchmark of its own, so that its peak of memory is its own."""
    command = [sys.executable, __file__, "--clips", str(clips), "--workers", str(arguments.workers)]
    command += ["--voice", voice, "--format", arguments.format]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def piper(interpreter: str, model: str, clips: int, words: str) -> Cost:
    """The cost of as many words said by Piper, without its start."""
    done = subprocess.run(
        [interpreter, "-c", PIPER, model, str(clips), words], check=True, capture_output=True, text=True
    )
    wall, worked, sound = map(float, done.stdout.split())
    return Cost(clips, wall, worked, 0.0, sound)


def tiny_voice(folder: str) -> str:
    """The file of the tests' voice."""
    sys.path.insert(0, str(ROOT / "tests"))
    from tiny_voice import voice_bytes

    path = Path(folder, "tiny.voice")
    path.write_bytes(voice_bytes())
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voice", default="digits")
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", default="webdataset")
    parser.add_argument("--effects", default="")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--memory", default="")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--piper")
    parser.add_argument("--model")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp()
    try:
        voice = tiny_voice(folder) if arguments.tiny else arguments.voice
        if arguments.memory:
            for count in map(int, arguments.memory.split(",")):
                print(alone(arguments, count, voice), flush=True)
            return
        more = ["--effects", arguments.effects] if arguments.effects else []
        cost = made(voice, arguments.clips, arguments.workers, arguments.format, more, kills=arguments.kills)
        print(cost, flush=True)
        if arguments.piper:
            words = "zero,one,two,three,four,five,six,seven,eight,nine"
            for _ in range(2):
                print("Piper", piper(arguments.piper, arguments.model, arguments.clips, words), flush=True)
                print("voxlet", made(voice, arguments.clips, 1, arguments.format, more), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
