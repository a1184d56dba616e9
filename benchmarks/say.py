"""Speed and memory of speaking: the whole process, the first word, long texts, clips in bulk.

    python benchmarks/say.py [VOICE] [--runs N] [--json FILE]

Times are the best of several runs: other programs on the machine can only make them worse.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from voxlet.speak.voice import load_voice

PROGRAM = (
    "import sys, resource; from voxlet.cli.main import main; status = main(sys.argv[1:]);"
    "used = resource.getrusage(resource.RUSAGE_SELF);"
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr); sys.exit(status)"
)


def process(voice: str, runs: int) -> dict[str, float]:
    """`voxlet say 4091` as a whole process: wall and processor seconds, peak megabytes."""
    walls, used, peaks = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PROGRAM, "say", "4091", "--voice", voice, "-o", f"{folder}/a.wav"]
        for _ in range(runs):
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            walls.append(time.perf_counter() - start)
            seconds, peak = map(float, done.stderr.split())
            used.append(seconds)
            peaks.append(peak)
    return {"process_s": min(walls), "process_cpu_s": min(used), "process_peak_mb": max(peaks)}


def speaking(name: str, runs: int) -> dict[str, float]:
    """A voice in this process: loading, first word, processor time per second of speech, clips per second."""
    start = time.perf_counter()
    voice = load_voice(name)
    loading = time.perf_counter() - start
    firsts = []
    for seed in range(runs):
        start = time.perf_counter()
        next(iter(voice.stream("4091", seed=seed)))
        firsts.append(time.perf_counter() - start)
    text = "4091, 555-0102\n" * 8
    costs = []
    for seed in range(min(runs, 3)):
        start = time.process_time()
        spoken = voice.say(text, seed=seed)
        costs.append((time.process_time() - start) / sum(word.end - word.start for word in spoken.words))
    labels = [voice.labels[index % len(voice.labels)] for index in range(256)]
    rates = []
    for seed in range(min(runs, 3)):
        start = time.perf_counter()
        voice.sample(labels, seed=seed)
        rates.append(len(labels) / (time.perf_counter() - start))
    return {
        "load_s": loading,
        "first_word_s": min(firsts),
        "cpu_s_per_speech_s": min(costs),
        "clips_per_s": max(rates),
    }


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("voice", nargs="?", default="digits")
    parser.add_argument(
        "--runs", type=int, default=10, help="of the process and of the first word (%(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures = {**process(arguments.voice, arguments.runs), **speaking(arguments.voice, arguments.runs)}
    figures |= {"cores": os.cpu_count() or 0, "load_average": os.getloadavg()[0]}
    for name, value in figures.items():
        print(f"{name:<20} {value:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
