"""Make the gallery: unselected clips of every digit that each model generates, to hear and to see.

    python benchmarks/gallery.py --run mlp=runs/mlp [--run cnn=runs/cnn] [--voice digits]
    python benchmarks/gallery.py --voice digits      # the voice's column alone; the others stay

The study's own models are rows of the study (`voxlet study --only mlp-100,cnn-50`), or are trained here:

    python benchmarks/gallery.py --train mlp-100=runs/mlp --minutes 30

A column takes about ten seconds, and training `--minutes`. `gallery.json` describes the columns; page and
table are written from it.
"""

from __future__ import annotations

import argparse
import html
import json
import time
from pathlib import Path

import voxlet
from voxlet import audio
from voxlet.exploring.sprite import RATES, opus
from voxlet.exploring.walks import Walk
from voxlet.recipes.opened import ClipRun, Opened
from voxlet.recipes.train import train
from voxlet.study.plan import ROWS
from voxlet.training.hardware import set_up
from voxlet.words.digits import DIGIT_WORDS

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
RECORDING = (
    "https://github.com/Jakobovski/free-spoken-digit-dataset/blob/v1.0.10/recordings/{digit}_george_0.wav"
)
BITS = 24_000  # per second
SEED = 0
TITLES = {
    "mlp": "the study's MLP",
    "cnn": "the study's CNN",
    "cnn-light": "cnn-light-digits",
    "voice": "the voice",
}
STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { padding: .4rem .7rem; text-align: start; }
audio { width: 12rem; } img { max-width: 100%; } .scroll { overflow-x: auto; }"""
INTRODUCTION = "What each model generates of every digit: the first clip of its seed, none chosen."
CREDIT = "Recordings, and what learned from them: Z. Jackson et al., Free Spoken Digit Dataset, CC BY-SA 4.0."


def column(name: str, opened: Opened, note: str) -> None:
    """Generate ten clips, the first of the seed, and store them with a strip of their spectrograms."""
    began = time.process_time()
    sounds = opened.sample(DIGIT_WORDS, seed=SEED)
    rate = next((one for one in RATES if one >= opened.rate), RATES[-1])
    for digit, sound in enumerate(sounds):
        heard = audio.resample(audio.level(sound, audio.SPEECH_RMS), opened.rate, rate)
        (GALLERY / f"{name}-{digit}.opus").write_bytes(opus(heard, rate, BITS))
    Walk(tuple(DIGIT_WORDS), tuple(sounds), opened.rate).write(GALLERY / name)
    (GALLERY / f"{name}.wav").unlink()
    kept = read()
    kept[name] = {"title": TITLES.get(name, name), "seed": SEED, "note": note}
    (GALLERY / "gallery.json").write_text(f"{json.dumps(kept, indent=1)}\n")
    print(f"{name}: {time.process_time() - began:.0f} s of processor time")


def read() -> dict[str, dict[str, object]]:
    """The stored columns, in the order of the titles."""
    path = GALLERY / "gallery.json"
    kept = json.loads(path.read_text()) if path.is_file() else {}
    return {name: kept[name] for name in (*TITLES, *kept) if name in kept}


def note_of(run: ClipRun) -> str:
    """A note on how a run was trained."""
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    last = max((line for line in lines if "epoch" in line), key=lambda line: line["epoch"])
    told = f"{run.config.model.latent_size} latent numbers, {last['epoch']:.0f} epochs of FSDD"
    return f"{run.run.record['preset']}, {told}, {last['seconds'] / 60:.0f} minutes"


def write() -> None:
    """Write the page and the Markdown table of all columns."""
    kept = read()
    heads = ["digit", "a recording", *(str(one["title"]) for one in kept.values())]
    (GALLERY / "README.md").write_text(markdown(kept, heads))
    (GALLERY / "index.html").write_text(page(kept, heads))


def markdown(kept: dict[str, dict[str, object]], heads: list[str]) -> str:
    """The Markdown table with links, for readers of the repository."""
    table = [heads, ["---"] * len(heads)]
    for digit, word in enumerate(DIGIT_WORDS):
        hear = [f"[hear]({name}-{digit}.opus)" for name in kept]
        table.append([f"{digit} {word}", f"[FSDD]({RECORDING.format(digit=digit)})", *hear])
    lines = ["# Gallery", "", f"{INTRODUCTION} `index.html` has players.", ""]
    lines += [f"| {' | '.join(row)} |" for row in table]
    lines += ["", *(f"- {one['title']}: {one['note']}; seed {one['seed']}." for one in kept.values())]
    missing = [f"- {title} is not here yet." for name, title in TITLES.items() if name not in kept]
    lines += [*missing, "", *(f"![{one['title']}]({name}.png)" for name, one in kept.items())]
    lines += ["", "```sh", "python benchmarks/gallery.py --voice digits    # the voice's column anew", "```"]
    return "\n".join([*lines, "", CREDIT]) + "\n"


def page(kept: dict[str, dict[str, object]], heads: list[str]) -> str:
    """The HTML page with players."""
    rows = []
    for digit, word in enumerate(DIGIT_WORDS):
        players = "".join(
            f'<td><audio controls preload="none" src="{name}-{digit}.opus" '
            f'aria-label="{word}, {html.escape(str(one["title"]))}"></audio></td>'
            for name, one in kept.items()
        )
        link = f'<a href="{RECORDING.format(digit=digit)}">{word} in FSDD</a>'
        rows.append(f'<tr><th scope="row">{digit} {word}</th><td>{link}</td>{players}</tr>')
    strips = "".join(
        f"<h2>{html.escape(str(one['title']))}</h2>"
        f"<p>{html.escape(str(one['note']))}; seed {one['seed']}.</p>"
        f'<img src="{name}.png" alt="spectrograms of ten generated digits">'
        for name, one in kept.items()
    )
    top = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in heads)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>voxlet: gallery</title>'
        f"<style>{STYLE}</style></head><body><main><h1>Gallery</h1><p>{INTRODUCTION}</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="players"><table><tr>{top}</tr>'
        f"{''.join(rows)}</table></div>{strips}<p>{CREDIT}</p></main></body></html>\n"
    )


def pair(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    return name, Path(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=pair, action="append", default=[], metavar="NAME=RUN")
    parser.add_argument("--train", type=pair, action="append", default=[], metavar="ROW=RUN")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--voice", metavar="NAME|FILE")
    parser.add_argument("--light", action="store_true", help="the column of cnn-light-digits")
    asked = parser.parse_args()
    for row, path in asked.train:
        set_up()
        train(ROWS[row].preset, "fsdd", path, config=ROWS[row].config(), minutes=asked.minutes)
    GALLERY.mkdir(exist_ok=True)
    runs = [*asked.run, *([("cnn-light", Path("cnn-light-digits"))] if asked.light else [])]
    for name, path in runs:
        run = voxlet.load(path)
        assert isinstance(run, ClipRun)
        column(name, run, note_of(run))
    if asked.voice:
        voice = voxlet.load(asked.voice)
        column("voice", voice, f"`voxlet say` with {asked.voice}, its first speaker")
    write()
