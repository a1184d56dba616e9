"""The page as a static folder: what is written, and which files are left alone."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

import tiny_voice
from voxlet.cli.main import main
from voxlet.errors import ConfigError, FileError, VoiceError
from voxlet.serving.static.maps import SHIPPED
from voxlet.serving.static.page import PAGE, write_page
from voxlet.speak.library import find_voice


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return path


def test_the_page_and_its_voices_lie_beside_each_other(tmp_path, tiny):
    (listed,) = write_page(tmp_path / "site", [tiny])
    site = tmp_path / "site"
    written = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    own = {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()}
    maps = {f"maps/{path.relative_to(SHIPPED).as_posix()}" for path in SHIPPED.glob("*/*")}
    assert written == own | {"voices.json", "voices/tiny.voice", "maps.json"} | maps
    assert json.loads((site / "maps.json").read_text()) == {
        "maps": [{"name": "cnn-light-digits", "file": "maps/cnn-light-digits/map.json"}]
    }
    assert json.loads((site / "voices.json").read_text()) == {
        "voices": [
            {
                "name": "tiny",
                "file": "voices/tiny.voice",
                "bytes": tiny.stat().st_size,
                "sha256": hashlib.sha256(tiny.read_bytes()).hexdigest(),
                "verdict": "",  # its card has no scorecard
            }
        ]
    }
    assert (site / listed.file).read_bytes() == tiny.read_bytes()


def test_the_command_writes_the_shipped_voice_and_says_how_to_try_it(tmp_path, capsys):
    assert main(["page", "--out", str(tmp_path / "site")]) == 0
    assert "speaks with digits" in capsys.readouterr().out
    shipped = (tmp_path / "site" / "voices" / "digits.voice").read_bytes()
    assert shipped == find_voice("digits").read_bytes()


@pytest.mark.follows("serving/static/page.py: name a new folder")
def test_a_page_is_replaced_and_anything_else_is_left_alone(tmp_path, tiny):
    write_page(tmp_path / "site", ["digits"])
    write_page(tmp_path / "site", [tiny])
    assert [path.name for path in (tmp_path / "site" / "voices").iterdir()] == ["tiny.voice"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(FileError, match=r"holds something other than a page; name a new folder$"):
        write_page(tmp_path / "other", [tiny])
    assert (tmp_path / "other" / "letter.txt").read_text() == "dear"
    (tmp_path / "file").write_text("dear")
    with pytest.raises(FileError, match="something other"):
        write_page(tmp_path / "file", [tiny])
    assert write_page(tmp_path / "new", [tiny])


@pytest.mark.follows("serving/static/page.py: rename the file of one of them")
def test_two_voices_of_one_name_are_refused_and_nothing_is_written(tmp_path, tiny):
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "tiny.voice"
    other.write_bytes(tiny.read_bytes())
    with pytest.raises(ConfigError, match="two voices are called 'tiny'; rename the file of one of them"):
        write_page(tmp_path / "site", [tiny, other])
    renamed = other.rename(other.with_name("second.voice"))
    assert [voice.name for voice in write_page(tmp_path / "site", [tiny, renamed])] == ["tiny", "second"]
    alike = [tiny.with_name("a b.voice"), tiny.with_name("a-b.voice")]
    for path in alike:
        path.write_bytes(tiny.read_bytes())
    with pytest.raises(ConfigError, match="same name for a file; rename"):
        write_page(tmp_path / "site", alike)
    assert len(write_page(tmp_path / "site", [alike[0], alike[1].rename(tiny.with_name("c.voice"))])) == 2


@pytest.mark.parametrize("damage", [b"", b"no voice", None])
def test_a_bad_voice_is_refused_and_nothing_is_written(tmp_path, damage):
    bad = tmp_path / "bad.voice"
    if damage is not None:
        bad.write_bytes(damage)
    with pytest.raises(VoiceError):
        write_page(tmp_path / "site", [bad])
    assert not (tmp_path / "site").exists()


@pytest.mark.follows("serving/static/maps.py: name a folder that `voxlet explore` wrote")
def test_what_is_no_map_is_refused_and_nothing_is_written(tmp_path, tiny):
    other = tmp_path / "other" / "mine"
    other.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"other: holds no map; name a folder that `voxlet explore` wrote$"):
        write_page(tmp_path / "site", [tiny], [tmp_path / "other"])
    for content, said in (
        ("{", "is not a map"),
        ('{"format": 2}', "is a map of format 2, not 1"),
        ('{"format": 1, "name": "a", "parts": ["clips-00.opus"]}', "lacks some of its files"),
        ('{"format": 1, "name": "a", "parts": 3}', "is not a map"),
    ):
        (other / "map.json").write_text(content)
        with pytest.raises(ConfigError, match=said):
            write_page(tmp_path / "site", [tiny], [other])
    assert not (tmp_path / "site").exists()
    write_page(tmp_path / "site", [tiny], [SHIPPED])
    assert (tmp_path / "site" / "maps" / "cnn-light-digits" / "decoder.onnx").is_file()


@pytest.mark.follows("serving/static/maps.py: leave one of them out")
def test_two_maps_of_one_name_are_refused(tmp_path, tiny):
    shutil.copytree(SHIPPED / "cnn-light-digits", tmp_path / "again")
    with pytest.raises(ConfigError, match="two maps are called 'cnn-light-digits'; leave one of them out"):
        write_page(tmp_path / "site", [tiny], [SHIPPED, tmp_path / "again"])
    about = tmp_path / "again" / "map.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "name": "CNN light/digits"}))
    with pytest.raises(ConfigError, match="two maps are called 'cnn-light-digits' and 'CNN light/digits'"):
        write_page(tmp_path / "site", [tiny], [SHIPPED, tmp_path / "again"])
    write_page(tmp_path / "site", [tiny], [tmp_path / "again"])
    write_page(tmp_path / "site", [tiny], [SHIPPED, SHIPPED])  # the same one twice is one


def test_a_folder_that_cannot_be_written_is_named(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file"):
        write_page(tmp_path / "file" / "site", [tiny])
