"""Rules for all commands: help for everything, one line for every mistake, no heavy imports to list them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from voxlet.cli import main
from voxlet.version import __version__

SOURCE = Path(main.__file__).parent
NO_COMMANDS = {"consent.py", "main.py", "output.py", "parser.py", "speaking.py", "__init__.py"}
every_command = pytest.mark.parametrize("name", main.COMMANDS)


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def answers(capsys, *arguments: str) -> str:
    """Run a command that succeeds; return what it prints."""
    assert main.main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def complaint(capsys, *arguments: str) -> str:
    """Run a command that is refused; return its one line of error."""
    assert main.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.removesuffix("\n")


def test_every_file_is_a_command_or_serves_them_all():
    files = {path for path in SOURCE.rglob("*.py") if path.name not in NO_COMMANDS}
    modules = {"voxlet.cli." + ".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in files}
    assert modules == set(main.COMMANDS.values())


@every_command
def test_a_summary_is_one_short_line_and_every_argument_has_help(name):
    command = main.load(name)
    assert 10 <= len(command.SUMMARY) <= 60
    assert not command.SUMMARY.endswith(".")
    for action in main.parser_of(name, command)._actions:
        assert action.help, action.dest
        assert action.help is not argparse.SUPPRESS
        assert action.nargs == 0 or action.metavar or action.choices, action.dest


@every_command
def test_help_says_everything_in_80_columns(name, capsys):
    text = answers(capsys, *name.split(), "--help")
    assert text.startswith(f"usage: voxlet {name} ")
    assert max(map(len, text.splitlines())) <= 80
    for action in main.parser_of(name, main.load(name))._actions:
        assert (action.option_strings or [action.metavar])[-1] in text
    assert text.isascii()
    assert answers(capsys, *name.split(), "-h") == answers(capsys, "help", *name.split()) == text


@every_command
def test_unknown_flags_are_told_in_one_line(name, capsys):
    line = complaint(capsys, *name.split(), "--nonsense")
    assert line.startswith(f"voxlet {name}: ")
    assert line.endswith(f"; see `voxlet {name} --help`")


@every_command
def test_an_empty_path_is_not_the_current_folder(name, capsys):
    actions = [one for one in main.parser_of(name, main.load(name))._actions if one.type is not None]
    for action in (one for one in actions if "path" in one.type.__name__):
        arguments = [action.option_strings[-1], ""] if action.option_strings else [""]
        assert "'' is not a path; give . for this folder" in complaint(capsys, *name.split(), *arguments)
    assert not [one.dest for one in actions if one.type is Path]


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",), ("help",)])
def test_the_list_of_commands(arguments, capsys):
    text = answers(capsys, *arguments)
    assert max(map(len, text.splitlines())) <= 80
    for name in main.COMMANDS:
        assert f"\n  {name} " in text


@pytest.mark.parametrize("arguments", [("corpus",), ("corpus", "--help"), ("help", "corpus")])
def test_the_list_of_a_group(arguments, capsys):
    text = answers(capsys, *arguments)
    assert "\n  corpus inspect " in text
    assert "say" not in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["nonsense", "--help"], "nonsense"),
        (["corpus", "nonsense"], "corpus nonsense"),
        (["corpus", "--json"], "corpus --json"),
        (["corp"], "corp"),
        ([""], ""),
        (["--seed"], "--seed"),
    ],
)
def test_unknown_commands_are_told_in_one_line(arguments, named, capsys):
    line = complaint(capsys, *arguments)
    assert line.startswith(f"voxlet: unknown command {named!r}; the commands are: say, voices, corpus list, ")


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version(flag, capsys):
    assert answers(capsys, flag) == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["corpus", "get"], "the following arguments are required: NAME"),
        (["corpus", "list", "fsdd"], "unrecognized arguments: fsdd"),
        (["corpus", "inspect", "x", "--layout", "heap"], "no layout is called 'heap'; give names, folders, "),
        (["generate", "digits", "1"], "the following arguments are required: --out"),
        (["generate", "digits", "1", "--out", "x", "-n", "two"], "-n/--count: 'two' is not a whole number"),
        (["export", "runs/x"], "the following arguments are required: -o/--out"),
        (["train"], "the following arguments are required: PRESET, --corpus, --run"),
    ],
)
def test_what_is_missing_or_wrong_is_named(arguments, says, capsys):
    assert f": {says}" in complaint(capsys, *arguments)


def test_an_interruption_has_a_status_of_its_own(capsys, monkeypatch):
    def interrupt(request: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("voxlet.cli.speaking.speak", interrupt)
    assert main.main(["say", "1"]) == 130
    assert capsys.readouterr() == ("", "voxlet: interrupted\n")


def test_listing_the_commands_loads_nothing_heavy():
    program = (
        "import sys; from voxlet.cli.main import main; status = main(['--help'])\n"
        "print(sorted({'numpy', 'torch', 'tyro', 'onnxruntime'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


# The settings of `train`, which tyro reads


def test_help_behind_a_preset_has_its_settings(capsys):
    text = answers(capsys, "train", "cnn-light", "--help")
    assert text.startswith(answers(capsys, "train", "--help"))
    for setting in ("--learning-rate FLOAT", "--model.latent-size INT", "--loop.batch-size INT", "--split "):
        assert f"\n  {setting}" in text
    assert "(default: 0.002)" in text  # the preset's, not the class's
    assert text.count("--help") == 2  # as an option and below the presets, not among the settings
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80


def test_settings_become_a_configuration():
    from voxlet.cli.runs.train import read_settings
    from voxlet.recipes.presets import PRESETS

    assert read_settings("mlp", []) == PRESETS["mlp"]
    config = read_settings("mlp", ["--beta", "4", "--model.latent-size", "8", "--preparation.trim"])
    assert (config.beta, config.model.latent_size, config.preparation.trim) == (4.0, 8, True)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["--nonsense", "1"], "--nonsense, 1"),
        (["--beta", "x"], "--beta: could not convert string to float: 'x'"),
        (["--beta"], "--beta"),
        (["--split", "none"], "'none' for argument '--split'"),
        (["--loop.validate-every", "x"], "--loop.validate-every"),
    ],
)
def test_wrong_settings_are_told_in_one_line(settings, says, capsys):
    line = complaint(capsys, "train", "mlp", "--corpus", "x", "--run", "y", "--epochs", "1", *settings)
    assert line.startswith("voxlet: ")
    assert says in line
    assert line.endswith("; see `voxlet train mlp --help`")


def test_without_tyro_the_extra_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tyro", None)
    line = complaint(capsys, "train", "mlp", "--corpus", "x", "--run", "y", "--epochs", "1")
    assert "pip install -c constraints.txt '.[train]'" in line
    assert "--corpus NAME|PATH" in answers(capsys, "train", "--help")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["score", "digits"], "study"),
        (["study", "--out", "study"], "study"),
        (["export", "runs/mine", "-o", "my.voice"], "train"),
        (["generate", "digits", "4", "--out", "clips"], "train"),
    ],
)
def test_the_small_install_names_the_extra_of_every_command(arguments, extra, tmp_path):
    code = (
        "import sys\n"
        "for name in ('torch', 'tqdm', 'scipy', 'matplotlib', 'sklearn'): sys.modules[name] = None\n"
        "from voxlet.cli.main import main\n"
        f"sys.exit(main({arguments!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"'.[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_setting_is_called_as_its_option_where_that_was_given(capsys, tmp_path):
    named = complaint(capsys, "corpus", "inspect", "fsdd", "--language", "de")
    assert named.startswith("voxlet: --language: is 'de'")
    assert complaint(capsys, "corpus", "inspect", "fsdd", "--language=de") == named
    folder = tmp_path / "--language"
    assert complaint(capsys, "corpus", "inspect", str(folder)).startswith(f"voxlet: {folder}: ")
