from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from voxlet.errors import RunError, TrainingError
from voxlet.training import checkpoints


def save(stage: Path, value: float, **changes: object) -> checkpoints.Checkpoint:
    arguments = {
        "weights": {"m.w": torch.full((3,), value)},
        "best": None,
        "best_is_last": False,
        "state": {"m.0.step": torch.tensor(value)},
        "position": {"step": int(value)},
    }
    return checkpoints.save(stage, **{**arguments, **changes})


def value_of(stage: Path, name: str = checkpoints.LAST) -> float:
    found = checkpoints.newest(stage)
    assert found is not None
    return float(found.tensors(name)["m.w"][0])


def test_the_newest_counts_and_the_one_before_is_kept(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path) is None
    assert checkpoints.newest_whole(tmp_path) is None
    for value in (1.0, 2.0, 3.0):
        third = save(tmp_path / "vae", value)
    assert value_of(tmp_path / "vae") == 3.0
    assert third.position() == {"step": 3}
    names = sorted(p.name for p in (tmp_path / "vae").iterdir())
    assert names == ["checkpoint-000002", "checkpoint-000003"]


def test_never_more_than_two_lie_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    written = checkpoints.save_file

    def count(*arguments: object) -> None:
        seen.append(len(list(tmp_path.iterdir())))
        written(*arguments)

    monkeypatch.setattr(checkpoints, "save_file", count)
    for value in range(4):
        save(tmp_path, float(value), best_is_last=True)
    assert max(seen) == 2


def test_the_best_is_kept_renewed_and_never_written_twice(tmp_path: Path) -> None:
    save(tmp_path, 1.0, best_is_last=True)
    assert value_of(tmp_path, checkpoints.BEST) == 1.0
    second = save(tmp_path, 3.0)
    assert value_of(tmp_path, checkpoints.BEST) == 1.0
    assert (second.path / checkpoints.BEST).stat().st_nlink == 1  # no hard link to the previous one
    save(tmp_path, 5.0, best={"m.w": torch.full((3,), 4.0)})
    assert value_of(tmp_path, checkpoints.BEST) == 4.0
    last = save(tmp_path, 6.0, best_is_last=True)
    assert (last.path / checkpoints.BEST).samefile(last.path / checkpoints.LAST)


def test_without_hard_links_the_best_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    save(tmp_path, 1.0, best_is_last=True)
    save(tmp_path, 2.0)
    assert value_of(tmp_path, checkpoints.BEST) == 1.0


class Killed(BaseException):
    """Stands for the death of a process: nothing catches it, so nothing is cleaned up."""


def test_killed_at_any_moment_a_whole_checkpoint_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    deadline = 0

    def mortal(original):
        def call(*arguments, **named):
            nonlocal calls
            calls += 1
            if calls == deadline:
                raise Killed
            return original(*arguments, **named)

        return call

    for owner, name in (
        (checkpoints, "save_file"),
        (checkpoints, "flush"),
        (checkpoints, "_link"),
        (checkpoints, "_digest"),
        (checkpoints.shutil, "rmtree"),
        (checkpoints.shutil, "copyfile"),
        (Path, "mkdir"),
        (Path, "replace"),
        (Path, "write_text"),
    ):
        monkeypatch.setattr(owner, name, mortal(getattr(owner, name)))
    outcomes = set()
    for deadline in range(1, 100):
        stage = tmp_path / str(deadline)
        calls = -1000
        save(stage, 0.0, best_is_last=True)
        save(stage, 1.0, best_is_last=True)
        calls = 0
        try:
            save(stage, 2.0)
        except Killed:
            outcomes.add(value_of(stage))
            assert value_of(stage, checkpoints.BEST) == 1.0
            assert float(checkpoints.newest(stage).tensors(checkpoints.STATE)["m.0.step"]) == value_of(stage)
            calls = -1000
            save(stage, 3.0)  # and the next process goes on
            assert value_of(stage) == 3.0
            assert len(list(stage.iterdir())) == 2
            checkpoints.newest_whole(stage).verify()
        else:
            break
    assert deadline > 8
    assert outcomes == {1.0, 2.0}


@pytest.mark.parametrize("name", ["save_file", "flush"])
def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = save(tmp_path, 1.0, best_is_last=True)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, name, full)
        with pytest.raises(TrainingError, match=r"No space left on device.*checkpoint-000001 is intact"):
            save(tmp_path, 2.0)
    assert list(tmp_path.iterdir()) == [before.path]
    assert value_of(tmp_path) == value_of(tmp_path, checkpoints.BEST) == 1.0
    save(tmp_path, 2.0)
    assert value_of(tmp_path) == 2.0


@pytest.mark.parametrize("name", [checkpoints.LAST, checkpoints.POSITION])
@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, None])
def test_damage_is_named(tmp_path: Path, name: str, damage: bytes | None) -> None:
    path = save(tmp_path, 1.0).path / name
    path.unlink() if damage is None else path.write_bytes(damage)
    found = checkpoints.newest(tmp_path)
    with pytest.raises(RunError, match=f"{name}: cannot be read"):
        found.position() if name == checkpoints.POSITION else found.tensors(name)


def flip(path: Path) -> None:
    """Change one bit in place, in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


FILES = [checkpoints.LAST, checkpoints.BEST, checkpoints.STATE, checkpoints.POSITION, checkpoints.DIGESTS]


@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("name", FILES)
def test_damage_leads_to_the_checkpoint_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, harm: Callable[[Path], None]
) -> None:
    save(tmp_path, 1.0, best_is_last=True)
    harmed = save(tmp_path, 2.0, position={"step": 2, "finished": True})
    assert checkpoints.is_finished(tmp_path)
    harm(harmed.path / name)
    found = checkpoints.newest_whole(tmp_path)
    assert found.position() == {"step": 1}
    assert not checkpoints.is_finished(tmp_path)
    told = capsys.readouterr().err
    assert told.count("\n") == 1  # once, however often it is asked for
    assert "is damaged; checkpoint-000001 is used instead" in told
    if name in (checkpoints.LAST, checkpoints.DIGESTS):
        assert float(checkpoints.read(tmp_path, checkpoints.LAST)["m.w"][0]) == 1.0
    checkpoints.remove_newer(found)
    save(tmp_path, 3.0)
    assert checkpoints.newest_whole(tmp_path).position() == {"step": 3}
    assert value_of(tmp_path, checkpoints.BEST) == 1.0


def test_damage_to_all_is_one_line(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        flip(save(tmp_path, value).path / checkpoints.LAST)
    for ask in (checkpoints.newest_whole, checkpoints.is_finished):
        with pytest.raises(
            RunError, match=r"checkpoint-000002/last\.safetensors: cannot be read .*train again"
        ):
            ask(tmp_path)
    with pytest.raises(RunError, match=r"checkpoint-000002/last\.safetensors: cannot be read"):
        checkpoints.read(tmp_path, checkpoints.LAST)
    assert checkpoints.read(tmp_path / "nothing", checkpoints.LAST) is None


def test_what_is_called_as_a_checkpoint_is_one_only_as_a_folder_of_a_number(tmp_path: Path) -> None:
    kept = save(tmp_path, 1.0, best_is_last=True)
    (tmp_path / "checkpoint-000009").write_text("a note")
    for name in ("checkpoint-²", "checkpoint-old"):
        (tmp_path / name).mkdir()
    assert checkpoints.newest(tmp_path) == kept
    assert save(tmp_path, 2.0).serial == 2
    assert (tmp_path / "checkpoint-000009").read_text() == "a note"


def test_best_weights_that_were_damaged_are_not_handed_on(tmp_path: Path) -> None:
    older = save(tmp_path, 1.0, best_is_last=True)
    flip(save(tmp_path, 2.0).path / checkpoints.BEST)
    with pytest.raises(RunError, match=r"best\.safetensors: cannot be read"):
        save(tmp_path, 3.0)
    assert checkpoints.newest_whole(tmp_path) == older


def trained(optimizer_kind: type[torch.optim.Optimizer], **settings: object):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optimizer_kind(model.parameters(), **settings)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(4, 3)).square().mean().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (torch.optim.SGD, {"lr": 0.1}),
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (torch.optim.Adam, {"lr": 0.1, "betas": (0.8, 0.99)}),
        (torch.optim.Adam, {"lr": 0.1, "fused": True}),
        (torch.optim.AdamW, {"lr": 0.1, "amsgrad": True}),
    ],
)
def test_optimizers_come_back_without_pickle(tmp_path: Path, kind, settings) -> None:
    model, optimizer = trained(kind, **settings)
    tensors, held = checkpoints.optimizer_tensors({"a": optimizer})
    save(tmp_path, 1.0, state=tensors, position={"optimizers": held})
    found = checkpoints.newest(tmp_path)
    fresh = kind(model.parameters(), **settings)
    checkpoints.load_optimizers(
        {"a": fresh}, found.tensors(checkpoints.STATE), found.position()["optimizers"], tmp_path
    )
    before, after = optimizer.state_dict(), fresh.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert before["state"].keys() == after["state"].keys()
    for index, entries in before["state"].items():
        for key, value in entries.items():
            assert torch.equal(torch.as_tensor(after["state"][index][key]), torch.as_tensor(value))


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    tensors = checkpoints.module_tensors({"a": nn.Linear(3, 2)})
    checkpoints.load_modules({"a": nn.Linear(3, 2)}, tensors, tmp_path)
    with pytest.raises(RunError, match="holds weights other than those of 'a'"):
        checkpoints.load_modules({"a": nn.Linear(4, 2)}, tensors, tmp_path)
    _, adam = trained(torch.optim.Adam)
    _, held = checkpoints.optimizer_tensors({"a": adam})
    with pytest.raises(RunError, match="holds optimisers other"):
        checkpoints.load_optimizers({"b": adam}, {}, held, tmp_path)


def test_tied_weights_are_written_whole(tmp_path: Path) -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    save(tmp_path, 1.0, weights=checkpoints.module_tensors({"a": nn.Sequential(first, second)}))
    tensors = checkpoints.newest(tmp_path).tensors(checkpoints.LAST)
    assert torch.equal(tensors["a.0.weight"], tensors["a.1.weight"])
