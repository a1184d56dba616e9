"""A job's process: runs one command, outlives the server, and leaves the exit code in the job's folder.

    python -m voxlet.serving.jobs.process FOLDER COMMAND...

It holds the folder's lock while it runs, so that any server can tell that it does. SIGTERM is passed on to
the command, which saves and ends. On Windows, where that is not possible, the process looks for a file, and
then sends Ctrl-Break to the command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from voxlet import files
from voxlet.errors import LockedError
from voxlet.serving.jobs.job import BY_FILE, CANCEL, ENDED, ERR, LOCK, OUT, PROCESS

NICER = 5  # niceness above the server's, which goes on answering
TRIES, WAIT = 10, 0.3  # tries to get the lock, which a server may be testing; seconds between them
MERCY = 30.0  # seconds that a cancelled command has to save before it is killed
LOOK = 0.5  # seconds between checks for the file that ends the command
OWN_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows: Ctrl-Break reaches it alone
END = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)


def main(folder: Path, command: list[str]) -> None:
    """Run the command, unless another process runs this job already."""
    for _ in range(TRIES):
        try:
            with files.exclusive(folder / LOCK, wait=False):
                _run(folder, command)
            return
        except LockedError:
            time.sleep(WAIT)


def _run(folder: Path, command: list[str]) -> None:
    if hasattr(os, "nice"):
        os.nice(NICER)
    child: subprocess.Popen[bytes] | None = None
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True
        if child is not None:
            child.send_signal(END)
            timer = threading.Timer(MERCY, child.kill)
            timer.daemon = True
            timer.start()

    signal.signal(signal.SIGTERM, end)
    files.write_atomically(folder / PROCESS, f"{os.getpid()}\n".encode())
    with (folder / OUT).open("ab") as out, (folder / ERR).open("ab") as err:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, creationflags=OWN_GROUP
        )
    if ending:
        end()  # the signal came before there was a command
    while True:
        try:
            code = child.wait(LOOK if BY_FILE and not ending else None)
            break
        except subprocess.TimeoutExpired:
            if (folder / CANCEL).exists():
                end()
    files.write_atomically(folder / ENDED, json.dumps({"code": code}).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
