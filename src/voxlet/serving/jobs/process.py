"""A job's process: runs one command, outlives the server, and leaves the exit code in the job's folder.

    python -m voxlet.serving.jobs.process FOLDER COMMAND...

It holds the folder's lock as long as it runs, so that any server sees that it does. SIGTERM goes on to the
command, which saves and ends.
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
from voxlet.serving.jobs.job import ENDED, ERR, LOCK, OUT, PROCESS

NICER = 5  # than the server, which goes on answering
TRIES, WAIT = 10, 0.3  # for the lock, which a server may be looking at; seconds
MERCY = 30.0  # seconds that a command may take to save


def main(folder: Path, command: list[str]) -> None:
    """Run the command, unless another process of this job does."""
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
            child.terminate()
            timer = threading.Timer(MERCY, child.kill)
            timer.daemon = True
            timer.start()

    signal.signal(signal.SIGTERM, end)
    files.write_atomically(folder / PROCESS, f"{os.getpid()}\n".encode())
    with (folder / OUT).open("ab") as out, (folder / ERR).open("ab") as err:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    if ending:
        end()  # it came before there was a command
    code = child.wait()
    files.write_atomically(folder / ENDED, json.dumps({"code": code}).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
