"""Cached results are identified by the code that made them."""

from __future__ import annotations

import importlib.util
import inspect

from voxlet.cache.code import code_digest
from voxlet.corpus.prepare import prepare_code
from voxlet.evaluation.classifiers.inputs import inputs_code
from voxlet.version import __version__

PLAIN = '''"""About it."""

LOUD = 3


def louder(value):
    """Make it louder."""
    return LOUD * value
'''


def digest(folder, name, source):
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("levels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return code_digest(module), code_digest(module.louder)


def test_code_counts_and_what_is_said_of_it_does_not(tmp_path):
    plain = digest(tmp_path, "plain", PLAIN)
    said = PLAIN.replace("Make it", "Turn it").replace("LOUD = 3\n", "LOUD = 3  # times\n")
    assert digest(tmp_path, "said", said) == plain
    module, function = digest(tmp_path, "other", PLAIN.replace("LOUD = 3", "LOUD = 4"))
    assert module != plain[0]
    assert function == plain[1]  # a module's constants count with the module
    assert digest(tmp_path, "another", PLAIN.replace("LOUD * value", "value * LOUD"))[1] != plain[1]


def test_without_sources_the_version_stands_for_them(monkeypatch):
    def gone(part):
        raise OSError("could not get source code")

    code_digest.cache_clear()
    monkeypatch.setattr(inspect, "getsource", gone)
    found = code_digest(code_digest.__wrapped__)
    monkeypatch.setattr("voxlet.cache.code.__version__", f"{__version__}.1")
    code_digest.cache_clear()
    assert code_digest(code_digest.__wrapped__) != found
    code_digest.cache_clear()


def test_clips_and_inputs_are_known_by_their_code():
    assert len({prepare_code(), inputs_code()}) == 2
