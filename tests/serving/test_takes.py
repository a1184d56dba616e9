"""Takes from the page: checked as by `voxlet record`, stored, never overwritten, removed."""

from __future__ import annotations

import errno
import io
import json
from collections import Counter

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from synthetic import word
from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.recording import check
from voxlet.corpus.recording.consent import NOTE
from voxlet.serving.app import create_app
from voxlet.serving.jobs.making import VoiceMaker
from voxlet.serving.jobs.runs import SHOWN_RUNS, Runs
from voxlet.serving.jobs.takes import ASIDE, LAYOUT, PROBLEMS, TakeSets
from voxlet.serving.limits import Limits

HERE = "http://127.0.0.1"
WANTED = {"words": ["lumos", "turn left"], "takes": 2, "language": "en", "consent": "own"}
WAV = {"Content-Type": "audio/wav"}


@pytest.fixture
def client(voice, page, tmp_path):
    making = VoiceMaker(tmp_path / "runs")
    app = create_app([voice], threads=1, page=page, making=making, limits=Limits(upload=200_000))
    return TestClient(app, base_url=HERE)


def wav(samples: np.ndarray, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def send(client: TestClient, said: str, samples: np.ndarray) -> dict:
    answer = client.post("/takes/mine", params={"word": said}, content=wav(samples), headers=WAV)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_voice_is_made_of_the_words_that_are_wanted_and_no_take_is_lost(client, tmp_path) -> None:
    folder = tmp_path / "runs" / "takes" / "mine"

    def recorded() -> dict[str, int]:
        return dict(Counter(clip.label for clip in open_corpus(folder, layout=LAYOUT).clips))

    client.put("/takes/mine", json=WANTED)
    for said in ("lumos", "turn left"):
        for take in range(2):
            send(client, said, word(WANTED["words"].index(said), 0, take))
    assert recorded() == {"lumos": 2, "turn left": 2}
    fewer = client.put("/takes/mine", json={**WANTED, "words": ["turn left", "nox"]}).json()
    assert [(one["word"], len(one["takes"])) for one in fewer["words"]] == [("turn left", 2), ("nox", 0)]
    assert recorded() == {"turn left": 2}
    for spelled in ("lumos", "Lumos"):
        again = client.put("/takes/mine", json={**WANTED, "words": [spelled, "turn left"]}).json()
        assert [(one["word"], len(one["takes"])) for one in again["words"]] == [
            (spelled, 2),
            ("turn left", 2),
        ]
        assert recorded() == {"lumos": 2, "turn left": 2}


def test_takes_are_kept_in_turn_and_can_be_heard_and_removed(client, tmp_path) -> None:
    made = client.put("/takes/mine", json=WANTED).json()
    assert (made["wanted"], [one["word"] for one in made["words"]]) == (2, ["lumos", "turn left"])
    folder = tmp_path / "runs" / "takes" / "mine"
    assert (folder / NOTE).read_text() == "own\n"
    said, order = made["next"], []
    while said:
        order.append(said)
        found = send(client, said, word(WANTED["words"].index(said), 0, len(order)))
        assert found["problems"] == []
        said = found["takes"]["next"]
    assert sorted(order) == ["lumos", "lumos", "turn left", "turn left"]
    assert order[0] != order[1]
    assert sorted(path.name for path in folder.glob("*.wav")) == [
        f"{one}_me_{take}.wav" for one in WANTED["words"] for take in (0, 1)
    ]
    kept = client.get("/takes/mine/lumos_me_1.wav")
    assert kept.headers["content-type"] == "audio/wav"
    assert audio.read(folder / "lumos_me_1.wav").rate == 8000
    left = client.delete("/takes/mine/lumos_me_0.wav").json()
    assert left["next"] == "lumos"
    assert [take["file"] for take in left["words"][0]["takes"]] == ["lumos_me_1.wav"]
    assert send(client, "lumos", word(0, 0, 9))["file"] == "lumos_me_2.wav"
    takes = TakeSets(tmp_path / "runs" / "takes")
    before = takes.digest("mine")
    assert takes.digest("mine") == before
    content = bytearray((folder / "lumos_me_2.wav").read_bytes())
    content[-1] ^= 1
    (folder / "lumos_me_2.wav").write_bytes(content)  # another take of the same name and length
    assert takes.digest("mine") != before
    # Another server finds everything; changing the words leaves the takes in place.
    other = client.put("/takes/mine", json={**WANTED, "words": ["lumos", "nox"]}).json()
    assert [len(one["takes"]) for one in other["words"]] == [2, 0]
    assert client.get("/takes").json() == {"names": ["mine"]}
    assert len(list((folder / ASIDE).glob("turn left_*.wav"))) == 2


def test_what_is_wrong_with_a_take_is_what_the_recorder_finds(client) -> None:
    client.put("/takes/mine", json=WANTED)
    first = word(0, 0, 0)
    loud, rest = np.clip(9 * first, -1, 1), np.zeros(4000, np.float32)
    paused = np.concatenate([first, rest, first])
    for samples in (np.zeros(8000), first / 2000, loud, first[len(first) // 2 :], paused):
        found = send(client, "lumos", samples.astype(np.float32))
        sound = soundfile.read(io.BytesIO(wav(samples)), dtype="float32")[0]
        wanted = check.check_take(sound, 8000, "lumos", {}).problems
        assert found["problems"] == [PROBLEMS[problem] for problem in wanted]
        assert found["problems"]
        assert found["file"] is None
    assert set(PROBLEMS) == set(check.WHAT_TO_DO)


@pytest.mark.parametrize("name", ["..", "a_b", "a b", "x" * 61, ".x", "%2e%2e%2fetc", "nul"])
def test_names_lead_nowhere_else(client, tmp_path, name) -> None:
    assert client.put(f"/takes/{name}", json=WANTED).status_code in (400, 404, 405)
    assert client.get(f"/runs/{name}/voice").status_code == 404
    assert client.get(f"/runs/{name}/events").status_code == 404
    assert not list((tmp_path / "runs").rglob("*"))


def test_names_with_a_dot_are_sets_of_their_own(client, voice, page, tmp_path) -> None:
    for name, said in (("mine", "yes"), ("mine.v2", "no"), ("mine.v3", "stop")):
        assert client.put(f"/takes/{name}", json={**WANTED, "words": [said]}).status_code == 200
    again = TestClient(create_app([voice], page=page, making=VoiceMaker(tmp_path / "runs")), base_url=HERE)
    assert again.get("/takes").json() == {"names": ["mine", "mine.v2", "mine.v3"]}
    views = [again.get(f"/takes/{name}").json() for name in ("mine", "mine.v2", "mine.v3")]
    assert [view["words"][0]["word"] for view in views] == ["yes", "no", "stop"]


def test_a_name_in_another_case_is_no_other_set(client, tmp_path) -> None:
    """On macOS and Windows, both would be one folder, and one set would replace the takes of the other."""
    assert client.put("/takes/mine", json=WANTED).status_code == 200
    refused = client.put("/takes/Mine", json={**WANTED, "words": ["nox"]})
    assert (refused.status_code, "there are takes 'mine' already" in refused.text) == (409, True)
    assert client.put("/takes/mine", json=WANTED).status_code == 200
    assert [path.name for path in (tmp_path / "runs" / "takes").glob("*.json")] == ["mine.json"]


def test_a_take_that_somebody_removed_is_gone(client, tmp_path) -> None:
    client.put("/takes/mine", json=WANTED)
    file = send(client, "lumos", word(0, 0, 0))["file"]
    (tmp_path / "runs" / "takes" / "mine" / file).unlink()
    assert client.get(f"/takes/mine/{file}").status_code == 404
    assert client.get("/takes/mine").json()["words"][0]["takes"] == []


def test_files_of_a_set_are_its_takes_alone(client, tmp_path) -> None:
    client.put("/takes/mine", json=WANTED)
    (tmp_path / "runs" / "letter.wav").write_bytes(b"dear")
    for file in ("consent.txt", "..%2fmine.json", "../letter.wav", "%2e%2e%2fletter.wav", "lumos_me_0.wav"):
        assert client.get(f"/takes/mine/{file}").status_code == 404
        assert client.delete(f"/takes/mine/{file}").status_code in (404, 405)
    assert (tmp_path / "runs" / "letter.wav").exists()


@pytest.mark.follows("serving/jobs/takes.py: say the word alone")
def test_bad_requests_are_refused_and_leave_nothing(client, tmp_path) -> None:
    for wrong in (
        {"words": []},
        {"words": ["a/b", "c"]},
        {"words": ["yes", "Yes"]},
        {"words": ["x" * 41]},
        {"takes": 0},
        {"language": "no language"},
        {"consent": "perhaps"},
        {"more": 1},
    ):
        assert client.put("/takes/mine", json={**WANTED, **wrong}).status_code == 400, wrong
    assert client.get("/takes/mine").status_code == 404
    assert not list((tmp_path / "runs").rglob("*"))
    client.put("/takes/mine", json=WANTED)
    take = wav(word(0, 0, 0))

    def status(content: bytes, said: str = "lumos", **headers: str) -> int:
        asked = {"word": said}
        return client.post(
            "/takes/mine", params=asked, content=content, headers={**WAV, **headers}
        ).status_code

    assert status(take, "other") == 404
    assert status(b"dear") == 400
    assert status(wav(np.zeros(16 * 4000, np.float32), 4000)) == 400  # 16 s
    assert status(bytes(200_001)) == 413
    assert status(take, **{"Content-Type": "text/plain"}) == 415
    assert status(take, Origin="http://evil.example") == 403
    assert status(take, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert status(take, **{"Sec-Fetch-Site": "same-site"}) == 403
    assert not list((tmp_path / "runs" / "takes" / "mine").glob("*.wav"))
    assert status(take, **{"Sec-Fetch-Site": "same-origin"}) == 200


def test_a_full_disk_is_said(client, monkeypatch, tmp_path) -> None:
    client.put("/takes/mine", json=WANTED)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as held:
        held.setattr("os.fsync", full)
        held.setattr("pathlib.Path.rename", full)
        held.setattr("pathlib.Path.replace", full)
        answer = client.post("/takes/mine", params={"word": "lumos"}, content=wav(word(0, 0, 0)), headers=WAV)
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]["message"]
    assert not list((tmp_path / "runs" / "takes" / "mine").glob("*.wav"))


def test_without_a_folder_there_is_nothing_of_it(voice, page) -> None:
    client = TestClient(create_app([voice], threads=1, page=page), base_url=HERE)
    assert client.get("/voices.json").json()["makes"] is False
    assert client.get("/takes").status_code == client.get("/jobs").status_code == 404


def test_more_runs_than_are_shown_still_have_their_voices(tmp_path) -> None:
    for number in range(SHOWN_RUNS + 2):
        run = tmp_path / f"mine-{number}"
        run.mkdir()
        (run / "config.json").write_text('{"preset": "voice"}')
        (run / f"{run.name}.voice").touch()
    assert len(Runs(tmp_path).newest()) == SHOWN_RUNS
    assert len(Runs(tmp_path).voices()) == SHOWN_RUNS + 2
    assert Runs(tmp_path / "none").newest() == Runs(tmp_path / "none").voices() == []


def test_damaged_files_of_runs_are_passed_over(tmp_path) -> None:
    run = tmp_path / "mine"
    (run / "samples").mkdir(parents=True)
    config = '{"preset": "voice", "kind": "voice", "budget": {"minutes": 10}, "config": 3}'
    lines = [
        {"stage": "wave", "step": 1, "done": 0.1, "loss": 2.0, "seconds_left": 90},
        "no line",
        {"stage": 1},
    ]
    (run / "outcome.json").write_text("[1]")
    lines.append({"stage": "wave", "step": 2, "done": None, "loss": 1.0, "seconds_left": "soon"})
    (run / "config.json").write_text('{"kind": "voice", "config": {"wave_share": "abc"}}')
    (run / "progress.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    assert Runs(tmp_path).view("mine").done == 0
    (run / "config.json").write_text(config)
    (run / "progress.jsonl").write_text(
        "\n".join(json.dumps(line) for line in lines[:-1]) + '\n{"stage": "wa'
    )
    (run / "mine.voice").touch()
    view = Runs(tmp_path).view("mine")
    assert view is not None
    assert (view.stage, view.step, view.outcome) == ("wave", 1, None)
    assert [point.loss for point in view.points] == [2.0]
    (run / "config.json").write_text("{")
    assert Runs(tmp_path).view("mine") is None
