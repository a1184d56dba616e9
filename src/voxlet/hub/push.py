"""Pushing a voice or model to the hub with its model card, in one commit: completely or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

from voxlet.errors import HubError
from voxlet.files import cache_folder, writing_cache
from voxlet.hub.address import HUB, HubAddress, check_repository
from voxlet.hub.card import model_card
from voxlet.hub.pull import CACHE, FILE, LISTING, MOST_LISTED, answering, file_of, import_hub, listed
from voxlet.speak.library import find_voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

CONFLICT = 409  # the HTTP status if a repository exists already


def push(
    voice: str | os.PathLike[str], repository: str, *, private: bool = False, update: bool = False
) -> str:
    """Push a voice to a repository on the hub, as the user who is logged in (`hf auth login`, or HF_TOKEN).

    Args:
        voice: The name or file of the voice.
        repository: The name of the repository, `user/name`.
        private: Let only the user and those they admit see the new repository.
        update: Allow an existing repository; its present files stay in its history.

    Returns:
        The address of the voice, which `pull` and `voxlet.load` take.

    Raises:
        HubError: The repository exists already, or the hub refuses or cannot be reached.
        FileError: The cache cannot be written.
        VoiceError: There is no such voice, or its file is damaged.
        MissingExtraError: A package is not installed.
    """
    check_repository(repository)
    file = read_voice(find_voice(voice))
    title = f"{file.info.name} {file.info.version}"
    card = model_card(file.info, repository)
    return send(repository, {FILE: file.model}, card, title, private=private, update=update)


def send(
    repository: str, files: Mapping[str, bytes], card: str, title: str, *, private: bool, update: bool
) -> str:
    """Push files, by their names in the repository, with the text of their model card; see `push`.

    If there is no voice among them, a list of their digests is pushed too, by which `pull` finds them.

    Raises:
        HubError: See `push`.
        FileError: See `push`.
        MissingExtraError: A package is not installed.
    """
    check_repository(repository)
    hub = import_hub()
    api = hub.HfApi()
    sent = {**files, "README.md": card.encode()}
    if FILE not in files:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        sent[LISTING] = f"{json.dumps(digests, indent=1)}\n".encode()
    address = f"{HUB}{repository}"
    with answering(hub, address):
        try:
            api.create_repo(repository, private=private, exist_ok=update and not private)
        except hub.errors.HfHubHTTPError as error:
            if getattr(error.response, "status_code", 0) != CONFLICT:
                raise
            if update:
                raise HubError(
                    "exists already, and --private is for a new one",
                    where=address,
                    remedy="leave --private out; who may see it is set on its page",
                ) from error
            raise HubError(
                "exists already",
                where=address,
                remedy="choose another name, or give --update to replace its files",
            ) from error
        done = [hub.CommitOperationAdd(name, content) for name, content in sent.items()]
        if update:
            stale = sorted(_ours(hub, repository) - set(sent))
            done += [hub.CommitOperationDelete(name) for name in stale]
        api.create_commit(repository, done, commit_message=title)
    return address


def _ours(hub: Any, repository: str) -> set[str]:
    """The files of voxlet in a repository: an old voice that stayed would hide a new folder."""
    there = set(hub.HfApi().list_repo_files(repository))
    ours = {FILE, LISTING}
    folder = cache_folder(CACHE)
    if LISTING in there:
        with writing_cache(folder), contextlib.suppress(HubError):  # an invalid list names no files
            address = HubAddress(repository)
            ours |= set(listed(file_of(hub, address, LISTING, folder, MOST_LISTED), address))
    return ours & there
