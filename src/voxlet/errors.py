"""The errors that a user can see: each says what went wrong, where, and the remedy.

Every expected failure raises a `VoxletError`, whose text is one line. The command line prints that line
and exits with status 2; a program catches `VoxletError` or one of its subclasses below.
"""

from __future__ import annotations

# C0 and C1 control characters except tab, line and paragraph separators; then marks of text direction.
_CONTROLS = (*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPED = {code: f"\\u{code:04x}" for code in (*_CONTROLS, *_DIRECTIONS)}


def printable(text: str) -> str:
    """`text` on one line, control characters escaped as `\\u001b`: safe in a terminal, unchanged as JSON."""
    return text.translate(_ESCAPED)


class VoxletError(Exception):
    """A failure that the user can act on.

    Args:
        what: What went wrong, with the offending value.
        where: The file, field or position of the problem, put in front of `what`.
        remedy: What to do about it, put after `what`.
    """

    def __init__(self, what: str, *, where: object = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.remedy = remedy
        line = what if self.where is None else f"{self.where}: {what}"
        if remedy is not None:
            line = f"{line}; {remedy}"
        # A lone surrogate, as in a file name that is not valid UTF-8, could not be printed.
        super().__init__(" ".join(line.split()).encode(errors="backslashreplace").decode())


class FileError(VoxletError):
    """A file or folder that cannot be created or written."""


class LockedError(FileError):
    """A file or folder that another process is using."""


class AudioError(VoxletError):
    """A sound file or an array of samples that cannot be used."""


class CorpusError(VoxletError):
    """A folder of recordings, a manifest or a split that cannot be used."""


class DownloadError(VoxletError):
    """A corpus that could not be fetched, verified or unpacked."""


class HubError(VoxletError):
    """A voice that could not be pushed or pulled."""


class ConfigError(VoxletError):
    """A setting whose value is invalid, alone or together with another setting."""


class TrainingError(VoxletError):
    """A training run that cannot start, continue or be resumed."""


class RunError(VoxletError):
    """A run folder that is missing, damaged or of the wrong kind."""


class VoiceError(VoxletError):
    """A voice file that is missing, damaged or not voxlet's, or that lacks what was asked for."""


class TextError(VoxletError):
    """A text that the voice cannot say."""


class ScoreError(VoxletError):
    """A metric that cannot be measured."""


class MissingExtraError(VoxletError):
    """A command that needs packages of an extra that is not installed."""
