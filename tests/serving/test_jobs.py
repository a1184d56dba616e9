"""Jobs in their own processes: one at a time, cancelled, found again, resumed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import stand_in_voxlet
import tiny_voice
from synthetic import word, write_clip
from voxlet.errors import ConfigError, FileError
from voxlet.serving.app import create_app
from voxlet.serving.jobs.events import Watching
from voxlet.serving.jobs.job import PROCESS, Job
from voxlet.serving.jobs.making import AskedJob, VoiceMaker
from voxlet.serving.jobs.queue import MOST_ATTEMPTS, Jobs

HERE = "http://127.0.0.1"
COMMAND = (sys.executable, stand_in_voxlet.__file__)
pytestmark = pytest.mark.slow  # processes that start


@pytest.fixture
def takes(tmp_path, monkeypatch) -> Path:
    """Make takes of two words where the page keeps them, and a voice as the result of the stand-in job."""
    (tmp_path / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("STAND_IN_VOICE", str(tmp_path / "tiny.voice"))
    folder = tmp_path / "runs" / "takes" / "mine"
    folder.mkdir(parents=True)
    for label in (0, 1):
        write_clip(folder / f"w{label}_me_0.wav", word(label, 0, 0))
    asked = {"words": ["w0", "w1"], "takes": 1, "language": "en"}
    folder.with_suffix(".json").write_text(json.dumps(asked))
    return folder


@pytest.fixture
def client(voice, page, tmp_path, takes):
    app = create_app([voice], threads=2, page=page, making=VoiceMaker(tmp_path / "runs", COMMAND))
    with TestClient(app, base_url=HERE) as found:
        yield found


def wait(what, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def state(client: TestClient, number: int) -> dict:
    return next(job for job in client.get("/jobs").json()["jobs"] if job["number"] == number)


def ends(client: TestClient, number: int) -> dict:
    wait(lambda: state(client, number)["state"] not in ("waiting", "running"))
    return state(client, number)


def adapt(client: TestClient, minutes: float = 1) -> dict:
    answer = client.post("/jobs", json={"kind": "adapt", "name": "mine", "minutes": minutes})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def watched(making: VoiceMaker, run: str) -> list[dict]:
    """What is told of a run from now to the end of its job."""
    found = []
    async for event in Watching(making).begin(run):
        if event.startswith(b"data: "):
            found.append(json.loads(event.removeprefix(b"data: ")))
            if found[-1]["watched"]["job"]["state"] not in ("waiting", "running"):
                break
    return found


def test_a_voice_is_made_and_then_speaks(client, takes) -> None:
    assert ends(client, adapt(client)["number"])["state"] == "done"
    listed = client.get("/voices.json").json()
    assert listed["makes"]
    made = next(one for one in listed["voices"] if one["name"] == "mine")
    assert client.get(f"/{made['file']}").content == tiny_voice.voice_bytes()
    assert [run["name"] for run in client.get("/runs").json()["runs"]] == ["mine"]


def speech(client: TestClient, model: str):
    asked = {"model": model, "input": "4", "voice": "default", "response_format": "wav"}
    return client.post("/v1/audio/speech", json=asked)


def test_a_new_voice_is_served_at_once(client, takes) -> None:
    assert speech(client, "mine").status_code == 404
    ends(client, adapt(client)["number"])
    assert "mine" in [one["id"] for one in client.get("/v1/models").json()["data"]]
    assert client.get("/v1/audio/words?model=mine").json()["words"][0] == "zero"
    spoken = {one["id"] for one in client.get("/v1/audio/voices").json()["voices"] if one["model"] == "mine"}
    assert {"ann", "bob", "random"} <= spoken
    first = speech(client, "mine")
    assert first.status_code == 200
    assert first.content[44:] == speech(client, "tiny").content[44:]
    voice = takes.parents[1] / "mine" / "mine.voice"
    voice.write_bytes(
        tiny_voice.voice_bytes(tiny_voice.info(("yes", "no"), name="other"))
    )  # it was made anew
    assert client.get("/v1/audio/words?model=mine").json()["words"] == ["yes", "no"]
    voice.write_bytes(b"damaged")
    assert "mine" not in [one["id"] for one in client.get("/v1/models").json()["data"]]
    refused = speech(client, "mine")
    assert refused.status_code == 400
    assert "mine.voice" in refused.json()["error"]["message"]
    voice.unlink()
    assert speech(client, "mine").status_code == 404


def test_a_new_voice_takes_no_name_away(voice, page, tmp_path, takes) -> None:
    takes.with_suffix(".json").rename(takes.with_name("tiny.json"))
    takes.rename(takes.with_name("tiny"))
    app = create_app([voice], threads=2, page=page, making=VoiceMaker(tmp_path / "runs", COMMAND))
    with TestClient(app, base_url=HERE) as client:
        job = client.post("/jobs", json={"kind": "adapt", "name": "tiny", "minutes": 1}).json()
        ends(client, job["number"])
        names = [one["id"] for one in client.get("/v1/models").json()["data"]]
        assert names == ["tiny", "runs/tiny"]
        assert [one["name"] for one in client.get("/voices.json").json()["voices"]] == names
        assert speech(client, "runs/tiny").status_code == 200


def test_one_at_a_time_and_a_few_that_wait(client, takes) -> None:
    (takes / "slow").touch()
    first = adapt(client)
    wait((takes.parents[1] / "mine" / "progress.jsonl").exists)
    again = client.post("/jobs", json={"kind": "adapt", "name": "mine", "minutes": 1})
    assert state(client, first["number"])["state"] == "running"
    assert again.status_code == 200  # a run of its own: what was asked for first goes on
    assert again.json()["state"] == "waiting"
    for _ in range(3):
        assert adapt(client)["state"] == "waiting"
    refused = client.post("/jobs", json={"kind": "adapt", "name": "mine", "minutes": 1})
    assert refused.status_code == 429
    assert "4 jobs are waiting already" in refused.json()["error"]["message"]
    for number in (again.json()["number"], first["number"]):
        assert client.delete(f"/jobs/{number}").json()["state"] == "cancelled"
    (takes / "slow").unlink()
    wait(
        lambda: all(job["state"] not in ("waiting", "running") for job in client.get("/jobs").json()["jobs"])
    )
    made = {job["run"]: job["state"] for job in client.get("/jobs").json()["jobs"]}
    assert sorted(made.values()) == ["cancelled", "cancelled", "done", "done", "done"]


def test_who_watches_is_told_of_stages_losses_samples_and_the_end(voice, page, tmp_path, takes) -> None:
    making = VoiceMaker(tmp_path / "runs", COMMAND)

    async def talk() -> list[dict]:
        async with making:
            making.submit(AskedJob(kind="adapt", name="mine"))
            return await watched(making, "mine")

    told = asyncio.run(talk())
    last = told[-1]["watched"]["run"]
    points: list[dict] = []
    for event in told:
        run = event["watched"]["run"] or {"points": []}
        points = [*points[: event["first"]], *run["points"]]
    assert [point["loss"] for point in points] == [5 / step for step in range(1, 21)] * 3
    assert [(stage["name"], round(stage["share"], 2)) for stage in last["stages"]] == [
        ("wave", 0.45),
        ("prior", 0.35),
        ("distillation", 0.2),
    ]
    assert (last["state"], last["done"], last["seconds_left"]) == ("finished", 1.0, 0.0)
    assert [sample["stage"] for sample in last["samples"]] == ["wave", "prior", "distillation"]
    assert last["outcome"]["rows"][0]["generated"]["value"] == 0.95
    assert making.runs.sample("mine", last["samples"][0]["file"]).is_file()


def test_what_fails_says_why_and_what_is_asked_again_goes_on(client, takes) -> None:
    (takes / "fail").touch()
    failed = ends(client, adapt(client)["number"])
    assert (failed["state"], failed["message"]) == (
        "failed",
        "mine: the takes are no good; record them again",
    )
    (takes / "fail").unlink()
    again = adapt(client)
    assert again["run"] == failed["run"]
    assert ends(client, again["number"])["state"] == "done"
    (takes / "slow").touch()
    score = client.post("/jobs", json={"kind": "score", "name": "mine"}).json()
    wait(lambda: state(client, score["number"])["told"].startswith("measuring: 40 %, DNSMOS"))
    (takes / "slow").unlink()
    scored = ends(client, score["number"])
    assert (scored["state"], scored["told"]) == ("done", "")
    assert client.post("/jobs", json={"kind": "score", "name": "other"}).status_code == 404
    assert client.post("/jobs", json={"kind": "adapt", "name": "other"}).status_code == 404
    assert client.delete("/jobs/99").status_code == 404


def test_a_cancelled_job_saves_and_the_same_goes_on(client, takes) -> None:
    run = takes.parents[1] / "mine"
    (takes / "slow").touch()
    job = adapt(client)
    wait(lambda: (run / "progress.jsonl").exists() and len((run / "progress.jsonl").read_text().split()) > 5)
    client.delete(f"/jobs/{job['number']}")
    wait((takes.parents[1] / "jobs" / "000001" / "ended.json").exists)
    assert not (run / "mine.voice").exists()
    (takes / "slow").unlink()
    assert ends(client, adapt(client)["number"])["state"] == "done"
    assert [path.name for path in run.glob("began-at-*")] != ["began-at-0"]


@pytest.mark.follows("serving/jobs/queue.py: stop that server, or give another folder: --runs DIR")
def test_a_job_outlives_its_server_and_the_next_one_finds_it(tmp_path, takes) -> None:
    (takes / "slow").touch()
    first = Jobs(tmp_path / "runs" / "jobs", COMMAND)
    first.open()
    second = Jobs(tmp_path / "runs" / "jobs", COMMAND)
    with pytest.raises(ConfigError, match=r"stop that server, or give another folder: --runs DIR$"):
        second.open()
    Jobs(tmp_path / "other" / "jobs", COMMAND).open()
    arguments = ["adapt", str(takes), "--run", str(tmp_path / "runs" / "mine")]
    job = first.submit("adapt", "mine", arguments)
    wait((job.folder / PROCESS).exists)
    first.close()
    second.open()
    second.tick()
    assert second.find(job.number)[1].attempts == 1  # it goes on: it is not begun again
    (takes / "slow").unlink()
    wait(lambda: second.tick() or second.find(job.number)[1].stand == "done")
    # A job that was killed with its child processes is started again, and resumes where it was.
    (takes / "slow").touch()
    more = second.submit("adapt", "more", [*arguments[:-1], str(tmp_path / "runs" / "more")])
    process = wait(lambda: (more.folder / PROCESS).exists() and int((more.folder / PROCESS).read_text()))
    wait((tmp_path / "runs" / "more" / "progress.jsonl").exists)
    os.killpg(process, signal.SIGKILL)
    second.close()
    third = Jobs(tmp_path / "runs" / "jobs", COMMAND)
    third.open()
    (takes / "slow").unlink()
    wait(lambda: third.tick() or third.find(more.number)[1].stand == "done")
    assert third.find(more.number)[1].attempts == 2
    assert len(list((tmp_path / "runs" / "more").glob("began-at-*"))) == 2
    third.close()


def test_a_full_disk_begins_nothing_and_leaves_nothing_cancelled_by_half(
    tmp_path, takes, monkeypatch
) -> None:
    (takes / "slow").touch()
    jobs = Jobs(tmp_path / "runs" / "jobs", COMMAND)
    jobs.open()
    arguments = ["adapt", str(takes), "--run", str(tmp_path / "runs" / "mine")]
    job = jobs.submit("adapt", "mine", arguments)
    wait((job.folder / PROCESS).exists)

    def full(*given):
        raise FileError("cannot be written (No space left on device)")

    with monkeypatch.context() as patch:
        patch.setattr(Job, "note", full)
        with pytest.raises(FileError):
            jobs.submit("adapt", "other", arguments)
        with pytest.raises(FileError):
            jobs.cancel(job.number)
    jobs.tick()
    assert jobs.find(job.number)[1].stand == "running"  # the client was told that it was not cancelled
    assert [one.number for one, _ in jobs.all()] == [job.number]
    jobs.close()
    jobs.open()
    assert [one.number for one, _ in jobs.all()] == [job.number]
    jobs.cancel(job.number)
    wait((job.folder / "ended.json").exists)
    jobs.close()


def test_what_is_always_killed_is_not_begun_for_ever(client, takes) -> None:
    (takes / "killed").touch()
    failed = ends(client, adapt(client)["number"])
    assert failed["message"] == f"it was interrupted {MOST_ATTEMPTS} times"
