"""What is installed: extras, constraints that cover all packages, and markers for each system."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from voxlet.cli.doctor import NEEDED_BY
from voxlet.cli.main import main

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
]
SYSTEMS = {
    "Linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "Linux, Arm": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "macOS": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    "macOS, Intel": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "x86_64"},
    "Windows": {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def required(lines: list[str]) -> list[Requirement]:
    """Return requirements, with those of voxlet's own extras in place of `voxlet[extra]`."""
    found = []
    for line in lines:
        requirement = Requirement(line)
        own = [EXTRAS[extra] for extra in requirement.extras] if requirement.name == "voxlet" else []
        found += [inner for extra in own for inner in required(extra)] if own else [requirement]
    return found


def installed(lines: list[str]) -> set[str]:
    """Return the names of all packages that requirements install on this machine, dependencies included."""
    names: set[str] = set()
    waiting = [(requirement, "") for requirement in required(lines)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        names.add(name)
        for line in importlib.metadata.requires(name) or []:
            inner = Requirement(line)
            if canonicalize_name(inner.name) not in names:
                waiting += [(inner, asked) for asked in ("", *requirement.extras)]
    return names


def test_constraints_cover_all_that_is_installed():
    pinned = {canonicalize_name(constraint.name) for constraint in CONSTRAINTS}
    assert installed([*PROJECT["dependencies"], *EXTRAS["dev"]]) <= pinned


def test_each_constraint_is_one_version():
    for constraint in CONSTRAINTS:
        assert re.fullmatch(r"==[\w.]+", str(constraint.specifier)), constraint


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_system_gets_one_version_of_each_package(system, python):
    environment = {**SYSTEMS[system], "python_version": python, "extra": ""}
    holding = [
        requirement
        for requirement in required([*PROJECT["dependencies"], *EXTRAS["dev"]])
        if not requirement.marker or requirement.marker.evaluate(environment)
    ]
    names = [requirement.name for requirement in holding]
    assert len(set(names)) == len(
        set(map(str, holding))
    )  # extras that share a package have the same requirement for it
    for requirement in holding:
        pins = [
            constraint
            for constraint in CONSTRAINTS
            if constraint.name == requirement.name
            and (not constraint.marker or constraint.marker.evaluate(environment))
        ]
        (pin,) = pins
        (version,) = (specifier.version for specifier in pin.specifier)
        assert requirement.specifier.contains(version), requirement
    core = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert core <= set(names)


def test_what_has_to_be_compiled_is_asked_for_by_name():
    """A machine without a compiler can install everything else."""
    names = {requirement.name for requirement in required([*PROJECT["dependencies"], *EXTRAS["dev"]])}
    assert "pesq" not in names
    assert {requirement.name for requirement in required(EXTRAS["pesq"])} > {"pesq", "torch"}


def test_python_versions_are_those_that_are_named():
    named = {row.rpartition(" ")[2] for row in PROJECT["classifiers"] if "Python :: 3." in row}
    assert named == set(PYTHONS)
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_every_extra_is_known_to_the_doctor_and_to_the_document():
    document = (ROOT / "docs" / "install.md").read_text()
    for extra in EXTRAS:
        assert f".[{extra}]" in document
        assert extra in NEEDED_BY or extra == "dev"
    assert set(NEEDED_BY) <= {"", *EXTRAS}
    assert main(["doctor"]) == 0


def test_hosted_machines_call_the_commands_of_the_makefile():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = {line.removeprefix("make ") for line in lines if line.startswith("make ")}
    assert {"test", "package", "demo"} <= made <= set(targets)
    unit = next(line for line in lines if line.startswith("pytest"))
    assert unit.replace('"', "'") in (ROOT / "Makefile").read_text()
    matrix = jobs["unix"]["strategy"]["matrix"]
    assert tuple(matrix["python"]) == PYTHONS
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}
    assert "make test" in [step.get("run") for step in jobs["unix"]["steps"]]
