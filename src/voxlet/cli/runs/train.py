"""`voxlet train`: train a preset on a corpus. Each preset has settings of its own, which tyro parses."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import textwrap
from typing import TYPE_CHECKING, Any

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, number, whole_number
from voxlet.errors import ConfigError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.recipes.presets import Training

SUMMARY = "train a preset on a corpus, or continue a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that all presets share; the settings of a preset are left for `run`."""
    from voxlet.recipes.presets import SUMMARIES

    rows = [f"{name:<16} {summary}" for name, summary in SUMMARIES.items()]
    presets = "\n".join(
        textwrap.fill(row, 78, initial_indent="  ", subsequent_indent=" " * 19) for row in rows
    )
    parser.epilog = f"presets:\n{presets}\n\n`voxlet train PRESET --help` also lists the settings of PRESET."
    parser.usage = """%(prog)s PRESET --corpus NAME|PATH --run DIR
                    (--epochs N | --minutes M) [--SETTING VALUE ...]"""
    parser.set_defaults(settings=())
    add = parser.add_argument
    add("-h", "--help", action=_Help, nargs=0, help="show this help; after a PRESET, its settings, too")
    add("preset", type=_preset, metavar="PRESET", help="model and settings to train; see below")
    add(
        "--corpus",
        required=True,
        metavar="NAME|PATH",
        help="a known corpus, or your own folder or manifest",
    )
    add(
        "--layout",
        metavar="LAYOUT",
        help="how its files are named, if `voxlet corpus inspect` gets it wrong, such as "
        "'{label}/{speaker}_NO_{take}'",
    )
    add(
        "--language",
        metavar="TAG",
        help="language of its words, such as en or ar; not needed for known corpora",
    )
    add(
        "--base",
        type=a_path,
        metavar="FILE",
        help="begin with the weights of a base, as `voxlet export RUN -o NAME.safetensors` writes them",
    )
    add("--run", type=a_path, required=True, metavar="DIR", help="the run's folder: new, or one to continue")
    add("--epochs", type=whole_number, metavar="N", help="how long to train: passes over the clips")
    add("--minutes", type=number, metavar="M", help="or minutes of training and validation")
    add("--tensorboard", action="store_true", help="also write the metrics as TensorBoard events")
    add(
        "--allow-rejected",
        action="store_true",
        help="train even if over a tenth of the recordings are unusable",
    )
    add(
        "--ray", metavar="ADDRESS", help="prepare the clips on a running Ray cluster; `local` starts one here"
    )


def run(arguments: argparse.Namespace) -> None:
    """Train, and print the run's folder."""
    from voxlet.training.config import Budget

    config = read_settings(arguments.preset, arguments.settings)
    Budget(epochs=arguments.epochs, minutes=arguments.minutes)  # is checked before PyTorch is loaded
    from voxlet.engines.cluster import RayCluster
    from voxlet.engines.threads import THREADS
    from voxlet.recipes.train import train
    from voxlet.training import hardware

    hardware.set_up()
    trained = train(
        arguments.preset,
        arguments.corpus,
        arguments.run,
        epochs=arguments.epochs,
        minutes=arguments.minutes,
        config=config,
        tensorboard=arguments.tensorboard,
        allow_rejected=arguments.allow_rejected,
        layout=arguments.layout,
        language=arguments.language,
        base=arguments.base,
        engine=THREADS if arguments.ray is None else RayCluster(arguments.ray),
    )
    print_answer(trained.path)


def read_settings(preset: str, settings: Sequence[str]) -> Training:
    """The preset's configuration, changed by `settings` such as `--beta 4`.

    Raises:
        ConfigError: There is no such setting, or a value is invalid.
        MissingExtraError: tyro is not installed.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return _tyro(preset, settings)
    except SystemExit as error:
        raise ConfigError(
            _reason(printed.getvalue()), remedy=f"see `voxlet train {preset} --help`"
        ) from error


def describe_settings(preset: str) -> str:
    """Help for all settings of a preset."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        _tyro(preset, ["--help"])
    text = printed.getvalue().partition("\n\n")[2]  # what follows tyro's own usage
    text = re.sub(r" *-h, --help\s+show this help message and exit *\n", "", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def _tyro(preset: str, arguments: Sequence[str]) -> Training:
    from voxlet.recipes.presets import find_preset

    tyro: Any = import_extra("tyro", "train")
    default = find_preset(preset)
    found: Training = tyro.cli(
        type(default),
        prog="voxlet train",
        description=f"settings of {preset}, each with its default:",
        args=list(arguments),
        default=default,
        config=(tyro.conf.AvoidSubcommands,),
    )
    return found


def _reason(printed: str) -> str:
    """What is wrong, from the block that tyro prints: the text between its first rule and the next one."""
    lines = [line.strip() for line in printed.splitlines()]
    first = next((number for number, line in enumerate(lines) if set(line) == {"-"}), -1) + 1
    last = next((number for number in range(first, len(lines)) if not lines[number].strip("-")), len(lines))
    return " ".join(lines[first:last])


def _preset(name: str) -> str:
    from voxlet.recipes.presets import find_preset

    find_preset(name)
    return name


class _Help(argparse.Action):
    """Prints the command's help and, if a preset comes before the option, the help of its settings."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        """Print the help and exit."""
        text = parser.format_help().rstrip()
        if preset := getattr(namespace, "preset", None):
            text += f"\n\n{describe_settings(preset)}"
        print_answer(*text.splitlines())
        parser.exit()
