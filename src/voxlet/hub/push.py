"""A voice sent to the hub, with its model card, in one commit: both or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.errors import HubError
from voxlet.hub.address import HUB, check_repository
from voxlet.hub.card import model_card
from voxlet.hub.pull import FILE, answering, import_hub
from voxlet.speak.library import find_voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    import os

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
    hub = import_hub()
    card = model_card(file.info, repository)
    api = hub.HfApi()
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
        add = hub.CommitOperationAdd
        api.create_commit(
            repository,
            [add(FILE, file.model), add("README.md", card.encode())],
            commit_message=f"{file.info.name} {file.info.version}",
        )
    return address
