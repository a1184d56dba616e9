"""Checkpoints of one stage: folders written atomically, of which the newest intact one counts.

    STAGE/checkpoint-000007/last.safetensors     weights, "module.name"
                            best.safetensors     those of the lowest validation loss (hard link if the last)
                            state.safetensors    state of the optimisers and random generators
                            state.json           position of the loop, and settings of the optimisers
                            digests.json         SHA-256 of each of these

A checkpoint is written under a hidden name, flushed to disk and then renamed. If the process is killed or the
disk is full, the previous checkpoint is left as it was. It stays until the next but one is begun, and shares
no file with the newer one: if that one is damaged, training continues from the older one. There are never
more than two.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from voxlet.errors import RunError, TrainingError
from voxlet.files import flush, patiently
from voxlet.training.progress import note_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn

T = TypeVar("T")

PREFIX = "checkpoint-"
LAST, BEST, STATE, POSITION = "last.safetensors", "best.safetensors", "state.safetensors", "state.json"
DIGESTS = "digests.json"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with everything that is needed to resume a stage."""

    path: Path

    @property
    def serial(self) -> int:
        """The number of the checkpoint within its stage, from 1."""
        return int(self.path.name.removeprefix(PREFIX))

    def position(self) -> dict[str, Any]:
        """The content of `state.json`.

        Raises:
            RunError: The file is missing or damaged.
        """
        self.verify(POSITION)
        return _read_object(self.path / POSITION)

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors of the file `name`.

        Raises:
            RunError: The file is missing or damaged.
        """
        self.verify(name)
        path = self.path / name
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise RunError(f"cannot be read ({error})", where=path, remedy=DAMAGED) from error

    def digests(self) -> dict[str, Any]:
        """The content of `digests.json`: SHA-256 by file name.

        Raises:
            RunError: The file is missing or damaged.
        """
        return _read_object(self.path / DIGESTS)

    def verify(self, *names: str) -> None:
        """Check that the files `names`, or all files, are as they were written.

        Raises:
            RunError: A file is missing or damaged.
        """
        digests = self.digests()
        for name in names or (LAST, STATE, POSITION, *digests):
            path = self.path / name
            try:
                found = _digest(path)
            except OSError as error:
                raise RunError(f"cannot be read ({error.strerror})", where=path, remedy=DAMAGED) from error
            if found != digests.get(name):
                what = "cannot be read (its SHA-256 is not that of what was written)"
                raise RunError(what, where=path, remedy=DAMAGED)


DAMAGED = "train again in another folder"


def newest(stage: Path) -> Checkpoint | None:
    """The checkpoint with the highest serial number, if there is one; it may be damaged."""
    return next(_newest_first(stage), None)


def newest_whole(stage: Path) -> Checkpoint | None:
    """The newest intact checkpoint; None if there is no checkpoint at all.

    Raises:
        RunError: All checkpoints are damaged.
    """

    def whole(found: Checkpoint) -> Checkpoint:
        found.verify()
        return found

    return _first_whole(stage, whole, "{} is used instead")


def read(stage: Path, name: str) -> dict[str, Tensor] | None:
    """The tensors of the file `name` from the newest checkpoint with an intact one; None without checkpoints.

    Raises:
        RunError: The file is damaged in all checkpoints.
    """
    return _first_whole(stage, lambda found: found.tensors(name), "the one in {} is used instead")


def _first_whole(stage: Path, look: Callable[[Checkpoint], T], instead: str) -> T | None:
    """The result of `look` for the newest checkpoint in which it finds no damage; None without checkpoints.

    Raises:
        RunError: `look` finds damage in all checkpoints.
    """
    failure = None
    for found in _newest_first(stage):
        try:
            answer = look(found)
        except RunError as error:
            failure = failure or error
            continue
        if failure is not None:
            note_once(f"{failure.where}: is damaged; {instead.format(found.path.name)}")
        return answer
    if failure is not None:
        raise failure
    return None


def remove_newer(than: Checkpoint) -> None:
    """Remove damaged checkpoints that are newer than the one from which training continues."""
    for found in _newest_first(than.path.parent):
        if found.serial > than.serial:
            shutil.rmtree(found.path, ignore_errors=True)


def is_finished(stage: Path) -> bool:
    """Whether a stage was trained to the end of its budget, according to its newest intact checkpoint."""
    found = newest_whole(stage)
    return found is not None and found.position().get("finished") is True


def _newest_first(stage: Path) -> Iterator[Checkpoint]:
    folders = (path for path in stage.glob(f"{PREFIX}*") if path.is_dir())
    found = [Checkpoint(path) for path in folders if path.name.removeprefix(PREFIX).isdecimal()]
    yield from sorted(found, key=lambda checkpoint: checkpoint.serial, reverse=True)


def save(
    stage: Path,
    *,
    weights: Mapping[str, Tensor],
    best: Mapping[str, Tensor] | None,
    best_is_last: bool,
    state: Mapping[str, Tensor],
    position: Mapping[str, Any],
) -> Checkpoint:
    """Write the next checkpoint; the previous one is kept, any others are removed.

    Args:
        stage: The stage's folder; made if missing.
        weights: The last weights.
        best: The best weights if they are newer than the previous checkpoint's; None keeps those.
        best_is_last: Whether the best weights are the last ones.
        state: Tensors of the optimisers and random generators.
        position: Content of `state.json`.

    Raises:
        TrainingError: The disk is full or not writable; the previous checkpoint is still there.
        RunError: The previous best weights are to be kept, but are damaged.
    """
    before = newest(stage)
    target = stage / f"{PREFIX}{before.serial + 1 if before else 1:06d}"
    part = stage / f".{target.name}.part"
    kept = before if before and not best_is_last and best is None and BEST in before.digests() else None
    if kept is not None:
        kept.verify(BEST)  # while there is still an older checkpoint to go back to
    try:
        for old in (c for c in _newest_first(stage) if c != before):
            shutil.rmtree(old.path, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)  # left by a process that was killed
        part.mkdir(parents=True)
        _write(part / LAST, weights)
        if best_is_last:
            _link(part / LAST, part / BEST)
        elif best is not None:
            _write(part / BEST, best)
        elif kept is not None:
            # A copy, not a link: damage to one checkpoint must not reach the other.
            shutil.copyfile(kept.path / BEST, part / BEST)
        _write(part / STATE, state)
        (part / POSITION).write_text(json.dumps(position, indent=1, allow_nan=False))
        digests = {path.name: _digest(path) for path in sorted(part.iterdir())}
        (part / DIGESTS).write_text(json.dumps(digests, indent=1))
        for path in (*part.iterdir(), part):
            flush(path)
        patiently(part.replace, target)
        flush(stage)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        left = f"the checkpoint {before.path} is intact" if before else "nothing was saved before"
        raise TrainingError(
            f"a checkpoint cannot be written ({reason})",
            where=stage,
            remedy=f"{left}; free some space and run the same command again",
        ) from error
    return Checkpoint(target)


def module_tensors(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """All parameters and buffers as "module.name"."""
    return {
        f"{name}.{key}": tensor.detach()
        for name, module in modules.items()
        for key, tensor in module.state_dict().items()
    }


def load_modules(modules: Mapping[str, nn.Module], tensors: Mapping[str, Tensor], where: Path) -> None:
    """Put tensors named "module.name" back into the modules.

    Raises:
        RunError: Names or shapes do not match the modules.
    """
    for name, module in modules.items():
        own = {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise RunError(f"holds weights other than those of {name!r} ({error})", where=where) from error


def optimizer_tensors(
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of optimisers, split into tensors "name.parameter.key" and settings for JSON."""
    tensors: dict[str, Tensor] = {}
    settings: dict[str, Any] = {}
    for name, optimizer in optimizers.items():
        held = optimizer.state_dict()
        scalars: dict[str, Any] = {}
        for index, entries in held["state"].items():
            for key, value in entries.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"{name}.{index}.{key}"] = value
                else:
                    scalars[f"{index}.{key}"] = value
        settings[name] = {"groups": held["param_groups"], "scalars": scalars}
    return tensors, settings


def load_optimizers(
    optimizers: Mapping[str, torch.optim.Optimizer], tensors: Mapping[str, Tensor], settings: Any, where: Path
) -> None:
    """Restore optimisers from the result of `optimizer_tensors`.

    Raises:
        RunError: The settings do not match these optimisers.
    """
    try:
        for name, optimizer in optimizers.items():
            saved = settings[name]
            state: dict[int, dict[str, object]] = {}
            # Cloned: tensors in a memory-mapped file need not be aligned as PyTorch's own are.
            own = {
                k.removeprefix(f"{name}."): t.clone() for k, t in tensors.items() if k.startswith(f"{name}.")
            }
            for full, value in {**own, **saved["scalars"]}.items():
                index, _, key = full.partition(".")
                state.setdefault(int(index), {})[key] = value
            fresh = optimizer.state_dict()["param_groups"]
            groups = [
                {k: tuple(v) if isinstance(now.get(k), tuple) else v for k, v in group.items()}
                for now, group in zip(fresh, saved["groups"], strict=True)
            ]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"holds optimisers other than these ({error})", where=where) from error


def random_tensors() -> dict[str, Tensor]:
    """The states of PyTorch's random generators."""
    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states


def load_random(tensors: Mapping[str, Tensor]) -> None:
    """Restore `random_tensors`; without a saved state of the GPU's generator, its initial seed stays."""
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    seen: set[int] = set()
    whole: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        # Tensors that share memory (tied weights) are written twice: safetensors does not support sharing.
        twice = tensor.data_ptr() in seen
        seen.add(tensor.data_ptr())
        whole[name] = (tensor.clone() if twice else tensor).cpu().contiguous()
    save_file(whole, path)
    path.chmod(0o644)  # safetensors makes files that only their owner can read


def _read_object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"cannot be read ({error})", where=path, remedy=DAMAGED) from error
    if not isinstance(data, dict):
        raise RunError("holds no JSON object", where=path, remedy=DAMAGED)
    return data


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
