"""`POST /v1/audio/speech`, and the lists of models and voices."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

import tiny_voice
from voxlet import audio
from voxlet.serving.app import create_app
from voxlet.serving.formats import MEDIA_TYPES, RATE
from voxlet.serving.limits import LARGEST_SEED
from voxlet.speak.voice import load_voice

HERE = "http://127.0.0.1"


def ask(client, **changes):
    body = {"model": "tiny", "input": "4091", "voice": "ann", **changes}
    return client.post("/v1/audio/speech", json={key: value for key, value in body.items() if value != ...})


def problem(answer, status: int = 400) -> dict:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"]
    return error


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_each_format(client, form: str) -> None:
    answer = ask(client, response_format=form)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[form]
    assert answer.headers["x-synthetic"].startswith("voxlet ")
    assert (b'"synthetic": true' in answer.content) is (form != "pcm")
    assert ask(client, response_format=form).content == answer.content


def test_mp3_unless_asked(client) -> None:
    assert ask(client).headers["content-type"] == "audio/mpeg"


def test_it_is_what_the_voice_says(client, voice) -> None:
    answer = ask(client, response_format="wav", seed=7, voice="ann:0.7,bob:0.3")
    said = voice.say("4091", speaker="ann:0.7,bob:0.3", seed=7, rate=RATE)
    heard, rate = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    expected, _ = soundfile.read(io.BytesIO(said.wav()), dtype="int16")
    assert rate == RATE
    assert (heard == expected).all()


def test_the_ways_to_name_a_voice(client, voice) -> None:
    by_name = ask(client, response_format="pcm").content
    assert ask(client, response_format="pcm", voice={"id": "ann"}).content == by_name
    assert ask(client, response_format="pcm", voice="default").content == by_name
    assert ask(client, response_format="pcm", voice={"id": "style:1,0"}).content == by_name
    others = [ask(client, response_format="pcm", voice=name).content for name in ("bob", "random")]
    assert len({by_name, *others}) == 3


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"])
def test_models_of_other_makers_are_the_first_voice(client, model: str) -> None:
    assert (
        ask(client, model=model, response_format="pcm").content == ask(client, response_format="pcm").content
    )


def test_events(client) -> None:
    answer = ask(client, response_format="pcm", stream_format="sse")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert [event["type"] for event in events] == ["speech.audio.delta"] * (len(events) - 1) + [
        "speech.audio.done"
    ]
    assert len(events) == 5
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert sound == ask(client, response_format="pcm").content


@pytest.mark.parametrize(
    ("changes", "param", "part"),
    [
        ({"input": "hello"}, "input", "cannot say 'hello'"),
        ({"input": ""}, "input", "at least 1"),
        ({"input": " "}, "input", ""),
        ({"input": "4" * 4097}, "input", "at most 4096"),
        ({"input": ...}, "input", "required"),
        ({"input": 4}, "input", "string"),
        ({"voice": "alloy"}, "voice", "no speaker 'alloy'"),
        ({"voice": "ann:x"}, "voice", "weight"),
        ({"voice": {"id": "style:1"}}, "voice", "2 numbers"),
        ({"voice": "style:1,x"}, "voice", "numbers"),
        ({"voice": "style:nan,1"}, "voice", "out of bounds"),
        ({"voice": {"name": "ann"}}, "voice", ""),
        ({"speed": 1.5}, "voice", "has not learned speed"),
        ({"speed": 4.0}, "speed", "less than or equal to 2"),
        ({"pitch": 1.0}, "voice", "has not learned pitch"),
        ({"seed": -1}, "seed", "greater"),
        ({"seed": LARGEST_SEED + 1}, "seed", "less"),
        ({"seed": 1.5}, "seed", "integer"),
        ({"response_format": "midi"}, "response_format", "mp3"),
        ({"stream_format": "x"}, "stream_format", "sse"),
        ({"instructions": "sing"}, "instructions", ""),
        ({"nonsense": 1}, "nonsense", "not permitted"),
    ],
)
def test_what_cannot_be_said_is_refused(client, changes, param: str, part: str) -> None:
    error = problem(ask(client, **changes))
    assert error["param"] == param
    assert part in error["message"]
    assert error["type"] == "invalid_request_error"


def test_an_unknown_model(client) -> None:
    error = problem(ask(client, model="nix"), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "tiny" in error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"seed": NaN}', b'"x"'])
def test_a_body_that_is_none(client, body: bytes) -> None:
    problem(client.post("/v1/audio/speech", content=body, headers={"Content-Type": "application/json"}))


def test_the_largest_seed(client) -> None:
    assert ask(client, seed=LARGEST_SEED).status_code == 200


def test_a_missing_route_and_method(client) -> None:
    problem(client.get("/v1/nix"), 404)
    problem(client.delete("/v1/models"), 405)


def test_aac_without_its_package(client, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    error = problem(ask(client, response_format="aac"), 501)
    assert "'.[formats]'" in error["message"]


def test_what_there_is(client, voice) -> None:
    models = client.get("/v1/models").json()
    assert [model["id"] for model in models["data"]] == ["tiny"]
    assert client.get("/v1/models/tiny").json() == models["data"][0]
    problem(client.get("/v1/models/nix"), 404)
    voices = client.get("/v1/audio/voices").json()["voices"]
    assert [one["id"] for one in voices] == ["ann", "bob", "random", "default"]
    assert all(ask(client, voice=one["id"]).status_code == 200 for one in voices)
    assert client.get("/v1/audio/words?model=tiny").json()["words"] == list(voice.labels)
    styles = client.get("/v1/audio/styles").json()
    assert (styles["size"], styles["styles"]["bob"]) == (2, [0.0, -1.0])
    assert client.get("/v1/audio/attributes").json() == {"model": "tiny", "attributes": []}
    problem(client.get("/v1/audio/words?model=nix"), 404)


def test_a_style_from_a_recording(client, voice) -> None:
    (clip,) = voice.sample(["seven"], speaker="bob")
    sound = audio.encode_wav(clip, voice.rate)
    answer = client.post("/v1/audio/like", files={"file": ("a.wav", sound)}, data={"model": "tiny"})
    assert answer.status_code == 200, answer.text
    expected = voice.like(audio.Sound(np.round(clip * 32767).astype("f4") / 32768, voice.rate))
    assert answer.json()["style"] == pytest.approx(expected.tolist(), abs=1e-3)
    assert ask(client, voice={"id": answer.json()["id"]}).status_code == 200


@pytest.mark.parametrize("sound", [b"", b"no sound", audio.encode_wav(np.zeros(4000, np.float32), 8000)])
def test_no_style_from_what_is_no_recording(client, sound: bytes) -> None:
    error = problem(client.post("/v1/audio/like", files={"file": ("../../x", sound)}))
    assert error["message"].startswith("file: ")
    assert "/tmp" not in error["message"]


def test_an_upload_without_a_file(client) -> None:
    assert problem(client.post("/v1/audio/like", data={"model": "tiny"}))["param"] == "file"


def test_the_page_and_its_voices(client, voice) -> None:
    assert "a page" in client.get("/").text
    (one,) = client.get("/voices.json").json()["voices"]
    data = client.get(f"/{one['file']}").content
    assert (one["name"], one["bytes"]) == ("tiny", len(data))
    assert one["sha256"] == hashlib.sha256(data).hexdigest()
    assert data == voice.path.read_bytes()
    for path in ("/voices/nix.voice", "/voices/..%2f..%2fetc%2fpasswd.voice"):
        problem(client.get(path), 404)


@pytest.mark.parametrize("other", [tiny_voice.info(("yes", "no"), name="another"), None])
def test_a_file_that_is_exchanged_or_removed_changes_nothing_until_the_server_starts_anew(
    tmp_path, page, other
) -> None:
    path = tmp_path / "tiny.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    with TestClient(create_app([load_voice(path, threads=1)], page=page), base_url=HERE) as client:
        paths = ("/voices.json", "/voices/tiny.voice", "/v1/models", "/v1/audio/words", "/v1/audio/styles")

        def answers() -> list[tuple[int, bytes, str | None]]:
            found = [client.get(path) for path in paths] + [ask(client)]
            return [(one.status_code, one.content, one.headers.get("etag")) for one in found]

        before = answers()
        if other is None:
            path.unlink()
        else:
            path.write_bytes(tiny_voice.voice_bytes(other))
        assert answers() == before
        assert {status for status, *_ in before} == {200}
        (listed,), (_, content, mark) = json.loads(before[0][1])["voices"], before[1]
        assert (listed["bytes"], listed["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert mark == f'"{listed["sha256"]}"'


def test_health_and_figures(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ask(client, input="44")
    text = client.get("/metrics").text
    assert 'voxlet_requests_total{route="/v1/audio/speech",status="200"}' in text
    assert "voxlet_words_total" in text
    assert "voxlet_serving 0.0" in text
    assert "process_resident_memory_bytes" in text
