"""Fixtures for all tests: a separate cache, the real recordings if available, tiny corpora."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

import loopback
from stand_ins import stand_in_classifiers
from synthetic import RATE, every_word, write_clip
from tiny_corpus import DATA_FLAGS, write_corpus
from voxlet.cli.main import main
from voxlet.corpus.catalog import CATALOG

# The same examples at every run: a test fails because of a change, never by chance. `make explore` searches
# for new ones.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", max_examples=300, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("VOXLET_EXAMPLES", "same"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test reads or fills the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOXLET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def denormals():
    """Keep denormals for every test: a command that trains flushes them in its whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def ctrl_c():
    """Let SIGINT interrupt, as at a terminal: a process that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, for tests of the cache itself; and no real recordings."""
    folder = tmp_path / "fresh-cache"
    monkeypatch.setenv("VOXLET_CACHE", str(folder))
    monkeypatch.delenv("VOXLET_DATA", raising=False)
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; the test is skipped if it may not mount one, as only root on Linux may."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            yield folder
            subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("may not mount a file system")


@pytest.fixture(scope="session")
def voxlet_data() -> Path:
    """The folder of real recordings; the test is skipped if there is none."""
    folder = os.environ.get("VOXLET_DATA")
    if not folder:
        pytest.skip("needs the real recordings: set VOXLET_DATA to their folder")
    if not Path(folder, "fsdd").is_dir():
        pytest.skip(f"VOXLET_DATA is {folder}, which holds no fsdd")
    return Path(folder)


@pytest.fixture(scope="session")
def names_corpus(tmp_path_factory) -> Path:
    """{digit}_{speaker}_{take}.wav: 3 digits, 3 speakers, 10 takes."""
    folder = tmp_path_factory.mktemp("names") / "tiny"
    (folder / "recordings").mkdir(parents=True)
    for label, speaker, take, samples in every_word(3, 10):
        write_clip(folder / "recordings" / f"{label}_{speaker}_{take}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="session")
def folders_corpus(tmp_path_factory) -> Path:
    """label/{speaker}_nohash_{take}.wav: the words yes, no; 3 speakers, 4 takes."""
    folder = tmp_path_factory.mktemp("folders") / "words"
    for label, speaker, take, samples in every_word(2, 4):
        place = folder / ("yes", "no")[label]
        place.mkdir(parents=True, exist_ok=True)
        write_clip(place / f"{speaker}_nohash_{take}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="session")
def manifest_corpus(tmp_path_factory) -> Path:
    """manifest.jsonl beside clips whose names say nothing: 2 labels, 3 speakers, 4 takes."""
    folder = tmp_path_factory.mktemp("manifest")
    rows = []
    for number, (label, speaker, _take, samples) in enumerate(every_word(2, 4)):
        write_clip(folder / f"clip{number}.wav", samples, RATE)
        rows.append({"path": f"clip{number}.wav", "label": ("left", "right")[label], "speaker": speaker})
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


@pytest.fixture
def stand_ins(monkeypatch):
    """Classifiers that need no training, and DNSMOS without its network, for whole commands."""
    from voxlet.evaluation import score
    from voxlet.evaluation.intervals import Interval
    from voxlet.evaluation.metrics import reconstruction
    from voxlet.study import measure

    def opened(reference, rate, **options):
        return stand_in_classifiers(reference.train.label_names)

    for module in (score, measure):
        monkeypatch.setattr(module, "open_classifiers", opened)
    calm = {"overall": Interval(2.0, 1.9, 2.1, 12)}
    monkeypatch.setattr(reconstruction, "dnsmos", lambda *arguments, **options: calm)


@pytest.fixture
def sketches(monkeypatch):
    """Lay out pictures of runs but do not draw them: drawing takes nine tenths of a tiny training's time.

    The fixture `runs` has its pictures drawn, whichever test it is made for.
    """
    from voxlet.plots import figure

    monkeypatch.setattr(figure, "encode", lambda drawn, kind="png": b"a picture")


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Path:
    """A folder with two tiny trained clip VAEs: `plain`, and `conditional`, which is given the label.

    Tests must not change them.
    """
    folder = tmp_path_factory.mktemp("runs")
    corpus = write_corpus(folder / "tones")
    for name, more in (("plain", []), ("conditional", ["--model.conditional"])):
        asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(folder / name), *DATA_FLAGS]
        asked += ["--epochs", "40", "--learning-rate", "0.01", "--model.widths", "16"]
        assert main([*asked, "--model.latent-size", "3", *more]) == 0
    return folder


@pytest.fixture(scope="session")
def voice_run(tmp_path_factory) -> Path:
    """The run of a tiny voice, `tiny`, beside its training `clips`; tests must not change it."""
    from tiny_training import TINY_VOICE
    from voxlet.recipes.train import train

    folder = tmp_path_factory.mktemp("voice")
    write_corpus(folder / "clips")
    return train("voice", folder / "clips", folder / "tiny", epochs=4, config=TINY_VOICE).path


@pytest.fixture
def server():
    """A server on the loopback."""
    with loopback.serving() as served:
        yield served


@pytest.fixture
def tiny(server, fresh_cache, monkeypatch):
    """A catalogued corpus of six files that the server serves; none of it is downloaded yet."""
    known = loopback.tiny_corpus_at(server.address)
    monkeypatch.setitem(CATALOG, "tiny", known)
    server.data = loopback.TINY
    return known


@pytest.fixture
def home(tmp_path) -> Path:
    """An empty folder that serves as a user's home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def hub(fresh_cache, monkeypatch, tmp_path):
    """A stand-in for the hub, and the client pointed at it; an empty cache, no installed voices."""
    from hub_stand_in import TOKEN, hub_stand_in
    from voxlet.hub.pull import import_hub

    import_hub()
    from huggingface_hub import constants

    with hub_stand_in() as served:
        # The client's addresses are constants, read when it is imported.
        template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
        yield served
