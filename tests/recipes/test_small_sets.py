"""Small or incomplete sets of recordings: trained as they are, or refused with what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import voxlet
from synthetic import word, write_clip
from tiny_corpus import FLAGS
from tiny_training import TINY_VOICE
from voxlet import audio
from voxlet.cli.main import main
from voxlet.errors import CorpusError
from voxlet.recipes.opened import load_run
from voxlet.recipes.train import train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sketches")]


def write_words(folder: Path, takes: dict[str, int], speakers: tuple[str, ...] = ("ann",)) -> Path:
    """Write some takes of each label by each speaker."""
    for number, (label, count) in enumerate(takes.items()):
        for index, speaker in enumerate(speakers):
            for take in range(count):
                place = folder / label
                place.mkdir(parents=True, exist_ok=True)
                samples = word(number % 9, index, 100 * (number // 9) + take)
                write_clip(place / f"{speaker}_nohash_{take}.wav", samples)
    return folder


SETS = {
    "two takes": ({"left": 2, "right": 2}, ("ann",)),
    "one label": ({"left": 6}, ("ann",)),
    "two clips": ({"left": 2}, ("ann",)),
    "a hundred labels": ({f"word {number}": 2 for number in range(100)}, ("ann",)),
    "a label with one take": ({"left": 6, "right": 6, "stop": 1}, ("ann", "bob")),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.usefixtures("stand_ins")
def test_small_sets_go_through_every_command(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes, speakers = SETS[name]
    corpus = write_words(tmp_path / "words", takes, speakers)
    held_out = any(count >= 3 for count in takes.values())
    assert main(["corpus", "inspect", str(corpus), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == dict.fromkeys(takes, 0) | {
        label: count * len(speakers) for label, count in takes.items()
    }
    first = next(iter(takes))

    run = tmp_path / "clips"
    assert main(["train", "mlp", "--corpus", str(corpus), "--run", str(run), *FLAGS, "--epochs", "2"]) == 0
    assert ("too few takes for validation" in capsys.readouterr().err) is not held_out
    assert main(["generate", str(run), first, "--out", str(tmp_path / "said")]) == 0
    assert ("validation_loss" in load_run(run).metrics()[-1]) is held_out

    voice = train("voice", corpus, tmp_path / "voice", epochs=1, config=TINY_VOICE)
    spoken = voxlet.load_voice(tmp_path / "voice" / "voice.voice")
    assert set(spoken.labels) == set(takes)
    assert spoken.say(first, seed=1).samples.any()
    for made in (run, voice.path):
        capsys.readouterr()
        code = main(["score", str(made), "--count", "12", "--only", "recognition"])
        assert code == (0 if held_out else 2)
        assert ("all are used for training, and none is left" in capsys.readouterr().err) is not held_out


def test_the_last_weights_are_kept_where_nothing_validates(tmp_path: Path) -> None:
    corpus = write_words(tmp_path / "words", {"left": 2, "right": 2})
    run = tmp_path / "run"
    assert main(["train", "mlp", "--corpus", str(corpus), "--run", str(run), *FLAGS, "--epochs", "3"]) == 0
    opened = load_run(run)
    last = opened.run.weights("vae", "last")
    assert all(np.array_equal(tensor, last[name]) for name, tensor in opened.run.weights("vae").items())
    assert json.loads((run / "test.json").read_text())["part"] == "training"


def test_a_label_without_recordings_stops_training_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_words(tmp_path / "words", {"left": 12, "right": 12})
    (corpus / "stop").mkdir()
    audio.write(corpus / "stop" / "0.wav", np.zeros(8000, np.float32), 8000)
    asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(tmp_path / "run"), *FLAGS, "--epochs", "1"]
    assert main(asked) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "no recording of the label 'stop' can be used; 0.wav is silent" in error
    assert not (tmp_path / "run").exists()
    (corpus / "stop" / "0.wav").unlink()
    assert main(asked) == 0
    assert load_run(tmp_path / "run").labels == ("left", "right")


def test_a_label_that_is_only_tested_stops_training_by_name(tmp_path: Path) -> None:
    corpus = write_words(tmp_path / "words", {"left": 6, "right": 6})
    rows = [
        f"{label}/ann_nohash_{take}.wav,{label},{'test' if label == 'right' or take > 3 else 'train'}"
        for label in ("left", "right")
        for take in range(6)
    ]
    (corpus / "manifest.csv").write_text("\n".join(["path,label,split", *rows]))
    with pytest.raises(
        CorpusError, match=r"'official' leaves no clip to learn the label 'right'.*--split strat"
    ):
        train("voice", corpus, tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_what_is_left_out_is_told_by_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = write_words(tmp_path / "words", {"left": 40, "right": 4})
    long = np.concatenate([word(0, 0, take) for take in range(8)])
    write_clip(corpus / "left" / "ann_nohash_99.wav", long)
    write_clip(corpus / "right" / "ann_nohash_99.wav", long)
    asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(tmp_path / "run"), *FLAGS, "--epochs", "1"]
    assert main(asked) == 0  # rows of 0.1 s
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if "left out because" in line or "cut at their end" in line]
    assert "1 take left out because the length is unusual for the label: left 1 of 41" in told[0]
    assert "takes cut at their end, losing some audible sound: left 40 of 40 (" in told[1]
    assert "% of the label's energy), right 5 of 5 (" in told[1]
    assert {clip.path.name for clip in load_run(tmp_path / "run").prepared.dropped} >= {"ann_nohash_99.wav"}
