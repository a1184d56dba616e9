"""The summary that `make mutants` makes of mutmut's results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "mutants.py"

RESULTS = """\
    voxlet.speak.text.x_parse__mutmut_1: killed
    voxlet.speak.text.x_parse__mutmut_2: timeout
    voxlet.speak.text.xǁVocabularyǁsplit__mutmut_1: killed
    voxlet.speak.text.xǁVocabularyǁsplit__mutmut_2: survived
    voxlet.models.distributions.x_elbo__mutmut_1: killed
    voxlet.models.distributions.x_elbo__mutmut_2: not checked
    voxlet.spectral.mel.x__edges__mutmut_1: no tests
"""


def mutants(results: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *options], input=results, capture_output=True, text=True, check=False
    )


def test_shares_by_module_and_which_fall_short():
    done = mutants(RESULTS)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["voxlet.models.distributions", "1", "of", "1", "100.0", "%"],
        ["voxlet.speak.text", "3", "of", "4", "75.0", "%", "less", "than", "85", "%"],
        ["voxlet.spectral.mel", "0", "of", "1", "0.0", "%", "less", "than", "85", "%"],
        ["all", "4", "of", "6", "66.7", "%"],
    ]
    assert done.returncode == 1


def test_the_exit_status_is_0_where_every_module_has_enough():
    without_mel = "".join(line for line in RESULTS.splitlines(keepends=True) if "mel" not in line)
    assert mutants(without_mel, "--least", "75").returncode == 0
    assert mutants(without_mel, "--least", "75.1").returncode == 1


def test_nothing_was_run():
    done = mutants("    voxlet.speak.text.x_parse__mutmut_1: not checked\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "no mutant was run: call `mutmut run` first\n"
