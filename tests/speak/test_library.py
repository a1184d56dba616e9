"""Installing, renaming and removing voices by name; their words as files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import tiny_voice
from voxlet import audio
from voxlet.cli.main import main
from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.library import available, install, remove, rename

SHIPPED = {"arabic", "digits"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a voice file, and an empty folder of installed voices."""
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
    path = tmp_path / "mine.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return path


def test_a_voice_is_installed_renamed_and_removed(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["voices", "install", str(file)]) == 0
    installed = tmp_path / "voices" / "mine.voice"
    assert capsys.readouterr().out == f"{installed}\n"
    assert installed.read_bytes() == file.read_bytes()
    file.unlink()
    assert main(["say", "1", "--voice", "mine", "-o", str(tmp_path / "x.wav")]) == 0
    assert main(["voices", "rename", "mine", "ours"]) == 0
    assert set(available()) == {*SHIPPED, "ours"}
    assert main(["voices", "remove", "ours"]) == 0
    assert set(available()) == SHIPPED
    capsys.readouterr()
    assert main(["voices", "--json"]) == 0
    assert [voice["name"] for voice in json.loads(capsys.readouterr().out)] == sorted(SHIPPED)


def test_voices_that_were_put_there_by_hand_can_be_renamed_and_removed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "voices", tmp_path / "others"]
    monkeypatch.setenv("VOXLET_VOICES", os.pathsep.join(map(str, folders)))
    for folder, name in zip(folders, ("my words", "second"), strict=True):
        folder.mkdir()
        (folder / f"{name}.voice").write_bytes(file.read_bytes())
    (folders[0] / "gone.voice").symlink_to(tmp_path / "nowhere")
    assert set(available()) == {*SHIPPED, "my words", "second", "gone"}
    rename("my words", "my-words")
    for name in ("my-words", "second", "gone"):
        remove(name)
    assert set(available()) == SHIPPED


def test_a_voice_that_is_called_so_already_stays(file: Path) -> None:
    path = install(file)
    with pytest.raises(VoiceError, match=r"^mine: already has this name$"):
        rename("mine", "mine")
    assert path.is_file()


@pytest.mark.follows("speak/library.py: give another name, or first run: voxlet voices remove …")
@pytest.mark.follows("speak/library.py: use letters, digits and hyphens")
@pytest.mark.follows("speak/library.py: installed are: …")
@pytest.mark.follows("speak/library.py: install one first: voxlet voices install FILE")
def test_no_voice_is_lost_to_another(file: Path) -> None:
    with pytest.raises(
        VoiceError, match="nobody: is not installed; install one first: voxlet voices install FILE"
    ):
        remove("nobody")
    kept = install(file)
    assert install(file) == kept  # the same once more
    other = file.with_name("other.voice")
    other.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(name="other")))
    for change in (lambda: install(other, "mine"), lambda: rename("other", "mine")):
        if not available().get("other"):
            install(other)
        with pytest.raises(VoiceError, match=r"mine: is installed already; .*voices remove mine$"):
            change()
    assert kept.read_bytes() == file.read_bytes()
    with pytest.raises(
        VoiceError,
        match="digits: is shipped with voxlet and cannot be removed or renamed; installed are: mine, other",
    ):
        remove("digits")
    for name in ("../mine", "a/b", ".hidden", "con"):
        with pytest.raises(VoiceError, match="cannot be a file name"):
            install(file, name)
    with pytest.raises(VoiceError, match="cannot be a file name"):
        rename("other", "")
    remove("mine")
    assert rename("other", "mine").read_bytes() == other.read_bytes()


@pytest.mark.follows("cli/voices.py: voxlet voices … …")
def test_what_an_action_takes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from voxlet.cli.voices import _change

    with pytest.raises(
        ConfigError, match=r"rename: takes 2 arguments, not 1; voxlet voices rename NAME NEW$"
    ):
        _change("rename", ["mine"])
    assert main(["voices", "install", str(file.with_name("none.voice"))]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    file.write_bytes(b"no voice")
    assert main(["voices", "install", str(file)]) == 2
    assert set(available()) == SHIPPED


def test_each_word_becomes_some_files(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clips"
    assert main(["export", str(file), "--clips", "3", "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert {folder.name: len(list(folder.glob("*.wav"))) for folder in out.iterdir()} == dict.fromkeys(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 3
    )
    takes = [audio.read(path).samples.tobytes() for path in sorted((out / "one").iterdir())]
    assert len(set(takes)) == 3


def test_words_that_become_one_name_have_a_folder_each(tmp_path: Path) -> None:
    path = tmp_path / "clash.voice"
    path.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(("c", "c++", "no", "no!"))))
    assert main(["export", str(path), "--clips", "1", "-o", str(tmp_path / "out")]) == 0
    found = {folder.name: next(folder.iterdir()) for folder in (tmp_path / "out").iterdir()}
    assert set(found) == {"c", "c-2", "no", "no-2"}
    assert len({file.read_bytes() for file in found.values()}) == 4


@pytest.mark.parametrize("flags", [["--speaker", "ann"], ["--clips", "0"]])
def test_what_export_cannot_do_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert main(["export", str(file), *flags, "-o", str(tmp_path / "out")]) == 2
    assert flags[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
