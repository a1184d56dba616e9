"""A voice, or whatever else travels, sent to the hub with its model card, in one commit: all or nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from voxlet.errors import HubError
from voxlet.hub.address import HUB, check_repository
from voxlet.hub.card import model_card
from voxlet.hub.pull import FILE, LISTING, answering, import_hub
from voxlet.speak.library import find_voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

CONFLICT = 409  # the status where a repository is there already


def push(
    voice: str | os.PathLike[str], repository: str, *, private: bool = False, update: bool = False
) -> str:
    """Send a voice to a repository of the hub, as whoever is logged in (`hf auth login`, or HF_TOKEN).

    Args:
        voice: Its name or file.
        repository: `user/name`.
        private: Only the user and whom they let may see a new repository.
        update: Into a repository that is there; what it holds stays in its history.

    Returns:
        Its address, which `pull` and `voxlet.load` take.

    Raises:
        HubError: The repository is there already, or the hub refuses or cannot be reached.
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
    """Send files by their names in the repository, with the text of their card; see `push`.

    Where there is no voice among them, a list of their digests goes with them, which `pull` goes by.

    Raises:
        HubError: See `push`.
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
            api.create_repo(repository, private=private, exist_ok=update)
        except hub.errors.HfHubHTTPError as error:
            if getattr(error.response, "status_code", 0) != CONFLICT:
                raise
            raise HubError(
                "is there already", where=address, remedy="choose another name, or --update to renew it"
            ) from error
        added = [hub.CommitOperationAdd(name, content) for name, content in sent.items()]
        api.create_commit(repository, added, commit_message=title)
    return address
