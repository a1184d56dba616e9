"""Pushing and pulling a clip VAE's run, and refusing harmful ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import voxlet
from hub_stand_in import Hub
from tiny_corpus import FLAGS, write_corpus
from voxlet.cli.main import main
from voxlet.errors import HubError, RunError, VoxletError
from voxlet.hub.pull import pull
from voxlet.hub.push import push
from voxlet.recipes.clip.clip_run import ClipRun
from voxlet.recipes.clip.portable import push_run
from voxlet.recipes.opened import load_run
from voxlet.run_files import TEST

pytestmark = pytest.mark.slow  # a clip VAE is trained

ADDRESS = "hf:me/vae"
WEIGHTS = "vae/checkpoint-000001/best.safetensors"
SENT = {"config.json", "sampler.safetensors", WEIGHTS, "vae/checkpoint-000001/digests.json"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ClipRun:
    folder = tmp_path_factory.mktemp("trained")
    corpus = write_corpus(folder / "tones")
    command = ["train", "mlp", "--corpus", str(corpus), "--run", str(folder / "mine"), *FLAGS]
    assert main([*command, "--epochs", "2"]) == 0
    opened = load_run(folder / "mine")
    assert isinstance(opened, ClipRun)
    return opened


@pytest.fixture
def files(hub: Hub, trained: ClipRun) -> dict[str, bytes]:
    assert push_run(trained, "me/vae") == ADDRESS
    return hub.repositories["me/vae"]


def test_a_damaged_measurement_is_one_line(trained: ClipRun, hub: Hub) -> None:
    path = trained.path / TEST
    whole = path.read_bytes()
    try:
        for damaged in (b"", whole[:-9], b"[1]", b"[" * 100_000):
            path.write_bytes(damaged)
            with pytest.raises(RunError, match=r"test\.json: cannot be read"):
                push_run(trained, "me/vae")
            assert "me/vae" not in hub.repositories
    finally:
        path.write_bytes(whole)


def test_there_and_back(
    files: dict[str, bytes], trained: ClipRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(files) == {*SENT, "digests.json", "README.md"}
    fetched = voxlet.load(ADDRESS)
    assert isinstance(fetched, ClipRun)
    assert (fetched.name, fetched.labels) == ("mine", trained.labels)
    for own, theirs in zip(trained.sample(trained.labels), fetched.sample(trained.labels), strict=True):
        np.testing.assert_array_equal(own, theirs)
    assert fetched.source == "tones"
    assert not any(str(trained.path.parent).encode() in content for content in files.values())
    front, text = files["README.md"].decode().split("---\n")[1:]
    assert yaml.safe_load(front)["tags"][1] == "safetensors"
    assert "| loss on 4 test clips |" in text
    capsys.readouterr()
    assert main(["pull", ADDRESS]) == 0
    command = capsys.readouterr().out.split("`")[1].split()
    assert main([*command[1:-1], str(trained.path.parent / "clips")]) == 0
    assert len(list((trained.path.parent / "clips").iterdir())) == 1


def test_without_a_network(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    first = voxlet.load(ADDRESS)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    template = "http://127.0.0.1:1/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    assert voxlet.load(ADDRESS).path == first.path


def test_the_command_and_what_it_refuses(
    hub: Hub, trained: ClipRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(trained.path), "me/vae"]) == 0
    assert main(["push", str(trained.path), "me/vae"]) == 2
    (tmp_path / "config.json").write_bytes((trained.path / "config.json").read_bytes())
    assert main(["push", str(tmp_path), "me/other"]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 2
    assert "exists already" in shown[0]
    assert "its training is not finished" in shown[1]
    assert set(hub.repositories) == {"me/vae"}


def test_what_is_renewed_is_no_longer_the_other_kind(
    hub: Hub, files: dict[str, bytes], trained: ClipRun, voice: Path
) -> None:
    files["notes.md"] = b"the owner's own"
    push(voice, "me/vae", update=True)
    assert set(files) == {"model.voice", "README.md", "notes.md"}
    assert pull(ADDRESS).read_bytes() == voice.read_bytes()
    push_run(trained, "me/vae", update=True)
    assert set(files) == {*SENT, "digests.json", "README.md", "notes.md"}
    assert pull(ADDRESS).is_dir()


@pytest.mark.parametrize("listing", [b"nothing", json.dumps({"never/there": "0" * 64}).encode()])
def test_renewed_over_a_list_that_does_not_fit(files: dict[str, bytes], voice: Path, listing: bytes) -> None:
    files["digests.json"] = listing
    push(voice, "me/vae", update=True)
    assert set(files) == {*SENT, "model.voice", "README.md"}


@pytest.mark.follows("hub/pull.py: run it again")
@pytest.mark.parametrize("name", sorted(SENT))
def test_what_comes_damaged_is_fetched_again(hub: Hub, files: dict[str, bytes], name: str) -> None:
    whole = files[name]
    files[name] = whole[:-1] + bytes([whole[-1] ^ 1])
    with pytest.raises(HubError, match="arrived damaged; run it again"):
        voxlet.load(ADDRESS)
    files[name] = whole
    assert voxlet.load(ADDRESS).labels == ("zero", "one")


def listed(files: dict[str, bytes], **changed: bytes) -> None:
    """Replace files in a repository and update its list of digests."""
    files |= changed
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in SENT}
    files["digests.json"] = json.dumps(digests).encode()


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("widths", [10**9], "its weights do not match its settings"),
        ("latent_size", 10**9, "its labels do not match its latent space"),
        ("n_fft", 2**40, "its spectrograms do not match its settings"),
        ("kind", "pickle", "kind"),
    ],
)
def test_settings_of_a_stranger_take_no_memory(files: dict[str, bytes], field, value, part) -> None:
    config = json.loads(files["config.json"])
    held = config["config"]["spectrogram" if field == "n_fft" else "model"]
    assert field in held
    held[field] = value
    listed(files, **{"config.json": json.dumps(config).encode()})
    with pytest.raises(VoxletError, match=part):
        voxlet.load(ADDRESS)


@pytest.mark.parametrize(
    "listing",
    [
        b"{}",
        b"[]",
        b"nothing",
        json.dumps({"../config.json": "0" * 64}).encode(),
        json.dumps({"/etc/passwd": "0" * 64}).encode(),
        json.dumps({f"{number}": "0" * 64 for number in range(17)}).encode(),
    ],
)
def test_a_list_that_is_none(files: dict[str, bytes], listing: bytes) -> None:
    files["digests.json"] = listing
    with pytest.raises(HubError, match=r"digests\.json is not a list of files"):
        voxlet.load(ADDRESS)


def test_a_voices_run_is_no_clip_vaes(files: dict[str, bytes]) -> None:
    config = json.loads(files["config.json"])
    listed(files, **{"config.json": json.dumps({**config, "kind": "voice", "config": {}}).encode()})
    with pytest.raises(RunError, match="holds a voice's run, not its voice"):
        voxlet.load(ADDRESS)
