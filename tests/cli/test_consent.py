"""The question whose voice a recording is, asked once."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from voxlet.cli.consent import NOTE, NOTICE, asked, consent_for, remind_once
from voxlet.cli.runs.adapt import kept_consent
from voxlet.errors import ConfigError


class Terminal(io.StringIO):
    """Stands for a user who answers the question."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "kept"), [("o", "own"), (" OWN ", "own"), ("g", "given")])
def test_who_is_at_the_terminal_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, kept: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    assert asked() == kept
    said = capsys.readouterr().err
    assert NOTICE in said
    assert "Is it your own voice" in said


@pytest.mark.follows("cli/consent.py: give --consent own, or --consent given if its owner has agreed")
def test_where_nobody_answers_it_has_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO("o\n"), Terminal("perhaps\n"), Terminal(""), None):
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(ConfigError, match="--consent own"):
            asked()
    from voxlet.cli.parser import Parser
    from voxlet.cli.runs.adapt import add_arguments

    parser = Parser("adapt", "adapt")
    add_arguments(parser)
    for given in ("own", "given"):
        assert parser.parse_args(["words", "--run", "run", "--consent", given]).consent == given


def test_of_a_known_corpus_the_licence_says_it_and_a_run_keeps_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert consent_for("fsdd") == "licence"
    assert capsys.readouterr().err == ""
    assert consent_for("fsdd", "given") == "licence"
    said = "fsdd: its licence (CC BY-SA 4.0) settles consent; --consent given is ignored\n"
    assert capsys.readouterr().err == said
    assert consent_for(Path("fsdd"), "given") == "given"
    monkeypatch.setattr(sys, "stdin", None)
    for folder in (Path("fsdd"), "./fsdd"):  # the user's own folder of this name
        with pytest.raises(ConfigError, match="--consent own"):
            consent_for(folder)
    (tmp_path / NOTE).write_text("own\n")
    assert consent_for(tmp_path) == "own"
    assert consent_for(tmp_path, "given") == "given"
    assert kept_consent(tmp_path) == ""
    (tmp_path / "config.json").write_text(json.dumps({"format": 2, "consent": "given"}))
    assert kept_consent(tmp_path) == "given"


def test_a_reminder_comes_once(fresh_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remind_once()
    assert capsys.readouterr().err == f"{NOTICE}\n"
    remind_once()
    assert capsys.readouterr().err == ""
