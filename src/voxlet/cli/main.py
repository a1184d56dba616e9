"""The command line: one function per command; `tyro` turns their signatures into parsers.

Only the asked command's function is parsed for and only it imports its stage, so `voxlet say` never pays for
PyTorch, nor, where its arguments are plain, for tyro. Progress and errors go to standard error, answers to
standard output.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from voxlet.cli.plain import read_plainly
from voxlet.errors import VoxletError
from voxlet.version import __version__

if TYPE_CHECKING:
    import tyro

USER_ERROR = 2
INTERRUPTED = 130
SHORT = {"-o": "--out"}


@dataclass(frozen=True)
class OwnParser:
    """A command whose flags depend on its first argument; it is given its arguments as they are."""

    run: Callable[[list[str]], None]


def train(arguments: list[str]) -> None:
    """`voxlet train PRESET`: the preset decides which fields there are to set."""
    from voxlet.recipes.presets import SUMMARIES, find_preset

    if not arguments or arguments[0].startswith("-"):
        print("usage: voxlet train PRESET --corpus NAME_OR_PATH --run DIR (--epochs N | --minutes M) [...]\n")
        print("\n".join(f"  {name:<16} {summary}" for name, summary in SUMMARIES.items()))
        print("\n`voxlet train PRESET --help` lists the settings of each.")
        return

    preset, rest = arguments[0], arguments[1:]
    default = find_preset(preset)
    argument = tyro.conf.arg
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (
            "corpus",
            Annotated[str, argument(help="A known corpus's name, or a folder or manifest of your own.")],
        ),
        ("run", Annotated[Path, argument(help="The run's folder: new, or one to go on with.")]),
        ("epochs", Annotated[int | None, argument(help="Passes over the clips.")], None),
        (
            "minutes",
            Annotated[float | None, argument(help="Or a time to train, validations included.")],
            None,
        ),
        (
            "tensorboard",
            Annotated[bool, argument(help="Write the metrics as TensorBoard events, too.")],
            False,
        ),
        (
            "allow_rejected",
            Annotated[bool, argument(help="Go on where more than a tenth of the recordings is unusable.")],
            False,
        ),
        ("config", Annotated[type(default), argument(name="")], default),
    ]
    asked: Any = tyro.cli(
        make_dataclass("Train", fields),
        prog=f"voxlet train {preset}",
        description=f"Train {preset}: {SUMMARIES[preset]}.",
        args=rest,
        config=(tyro.conf.AvoidSubcommands,),
    )
    from voxlet.training.config import Budget

    Budget(epochs=asked.epochs, minutes=asked.minutes)  # before PyTorch is loaded
    from voxlet.recipes.train import train as train_run

    run = train_run(
        preset,
        asked.corpus,
        asked.run,
        epochs=asked.epochs,
        minutes=asked.minutes,
        config=asked.config,
        tensorboard=asked.tensorboard,
        allow_rejected=asked.allow_rejected,
    )
    print(run.path)


def say(
    text: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TEXT")],
    /,
    *,
    out: Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None,
    voice: str = "digits",
    speaker: str | None = None,
    style: str | None = None,
    like: Path | None = None,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
    play: bool = False,
    json: bool = False,
) -> None:
    """Say digits or any words that the voice has, and write them as a WAV file.

    Args:
        text: What to say: 4091, "four zero", "+1 (555) 010-2345"; - reads it from standard input.
        out: The file to write, - for standard output. Without it and without --play, a file named after the
            text in this folder, such as 4091.wav.
        voice: A shipped or installed voice (see `voxlet voices`), or the path of a voice file.
        speaker: Who speaks: a name, a blend (george,theo or george:0.7,theo:0.3), or random.
        style: In place of a speaker, a point in the space of styles: 0.3,-1.2,...
        like: In place of a speaker, a recording whose speaker is to be resembled.
        seed: The same seed, voice and text make the same sound.
        rate: Samples per second of the result; the voice's own without it.
        gap: Seconds between the words of a group (0.08 without it).
        play: Play it on the sound device.
        json: Print what was said, with the times of its words, as JSON.
    """

    from voxlet.cli import say as command

    asked = command.Asked(out=out, voice=voice, speaker=speaker, style=style, like=like, seed=seed)
    if line := command.say(text, asked, rate=rate, gap=gap, play=play, as_json=json):
        print(line)


def voices(*, json: bool = False) -> None:
    """List the voices that are shipped or installed: who speaks, which words, licence and credit.

    Args:
        json: Print it as JSON.
    """

    from voxlet.cli import voices as command

    print(command.voices(as_json=json))


def corpus_list(*, json: bool = False) -> None:
    """List the known corpora: what they hold, licence, source, and whether they are on this machine.

    Args:
        json: Print it as JSON.
    """
    from voxlet.cli import corpus

    print(corpus.list_known(as_json=json))


def corpus_get(
    name: Annotated[str, tyro.conf.arg(metavar="NAME")],
    /,
    *,
    source: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS|FILE")] = None,
    json: bool = False,
) -> None:
    """Download, verify and unpack a known corpus; a download that was broken off goes on where it stopped.

    Args:
        name: Its name in `voxlet corpus list`.
        source: A mirror's address or a local archive (.tar.gz, .tar, .zip), in place of the listed source.
        json: Print where it lies as JSON.
    """
    from voxlet.cli import corpus

    print(corpus.get(name, source, as_json=json))


def corpus_inspect(
    path: Annotated[str, tyro.conf.arg(metavar="NAME|PATH")],
    /,
    *,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = None,
    layout: Literal["names", "folders", "manifest"] | None = None,
    json: bool = False,
) -> None:
    """Look at recordings: counts, lengths, levels, silence, duplicates, outliers, what is unusable and why.

    Args:
        path: A known corpus's name, a folder, or a manifest.
        out: A folder for a page with pictures.
        layout: How the files say their label; found out without it.
        json: Print the figures as JSON.
    """
    from voxlet.cli import corpus

    print(corpus.look(path, out, layout, as_json=json))


def generate(
    model: str,
    text: str,
    /,
    *,
    out: Path,
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1,
    seed: int = 0,
    speaker: str | None = None,
    rate: int | None = None,
    gap: float | None = None,
) -> None:
    """Say a text many times, each time another way, with a trained run or a voice.

    Args:
        model: A run's folder, or a voice.
        text: What to say, such as 4091.
        out: The folder for the WAV files; made if it is not there.
        count: How many files.
        seed: Of the first file; the next ones have the next seeds.
        speaker: Who speaks, where a voice has speakers.
        rate: Samples per second of the files; the model's own without it.
        gap: Seconds between the words of a group (0.08 without it).
    """
    from voxlet.recipes.generate import generate as write_files
    from voxlet.recipes.opened import load

    write_files(load(model), text, out, count=count, seed=seed, speaker=speaker, rate=rate, gap=gap)
    print(out)


def parsed(name: str) -> Callable[[list[str]], None]:
    """A command whose module has its own arguments."""

    def run(arguments: list[str]) -> None:
        import argparse

        command = importlib.import_module(f"voxlet.cli.{name}")
        parser = argparse.ArgumentParser(prog=f"voxlet {name}", description=command.__doc__)
        command.add_arguments(parser)
        command.run(parser.parse_args(arguments))

    return run


def export(
    run: Path,
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")],
) -> None:
    """Write the voice of a finished `voice` run as a single file that speaks without PyTorch.

    Args:
        run: The run's folder.
        out: The file, such as my.voice; its name is the voice's.
    """
    from voxlet.recipes.train import export as write_file

    print(write_file(run, out))


# name -> (function, or a dict of sub-commands; one line of help)
COMMANDS: dict[str, tuple[Callable[..., None] | dict[str, Callable[..., None]] | OwnParser, str]] = {
    "say": (say, "say digits or words with a voice"),
    "voices": (voices, "what is shipped or installed, who speaks, which words"),
    "corpus": (
        {"list": corpus_list, "get": corpus_get, "inspect": corpus_inspect},
        "recordings: list the known sets, get one, inspect any",
    ),
    "train": (OwnParser(train), "train a preset on a corpus"),
    "generate": (generate, "say a text many times with a trained run"),
    "export": (export, "write a trained voice as one file"),
    "study": (OwnParser(parsed("study")), "train and compare the study's models, as a report"),
    "score": (OwnParser(parsed("score")), "measure a run, a voice or any clips beside real recordings"),
}


def usage() -> str:
    """The list of commands."""
    lines = [
        f"voxlet {__version__}: a voice from a folder of short recordings",
        "",
        "usage: voxlet COMMAND ...",
        "",
    ]
    lines += [f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join([*lines, "", "`voxlet COMMAND --help` describes each."])


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 2 for a user's error, 130 for an interruption."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(__version__)
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(f"voxlet: unknown command {name!r}; the commands are: {', '.join(COMMANDS)}", file=sys.stderr)
        return USER_ERROR
    command, _ = COMMANDS[name]
    try:
        plain = read_plainly(command, rest, SHORT) if callable(command) else None
        if plain is not None and callable(command):
            command(*plain.words, **plain.options)
            return 0
        # Where the annotations of this module, which are text until tyro reads them, can see it.
        globals()["tyro"] = importlib.import_module("tyro")
        config = (tyro.conf.FlagCreatePairsOff,)  # a switch is `--json`, without a `--no-json` beside it
        if isinstance(command, OwnParser):
            command.run(rest)
        elif isinstance(command, dict):
            tyro.extras.subcommand_cli_from_dict(command, prog=f"voxlet {name}", args=rest, config=config)
        else:
            tyro.cli(command, prog=f"voxlet {name}", args=rest, config=config)
    except VoxletError as error:
        print(f"voxlet: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("voxlet: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`voxlet ... | head`): point stdout elsewhere so that the exit stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
