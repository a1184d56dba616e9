"""`voxlet serve`: serve the page and the HTTP API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer, print_error
from voxlet.cli.parser import a_path, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "serve voices to OpenAI clients over HTTP, and the page"
KEY_VARIABLE = "VOXLET_KEY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet serve`."""
    add = parser.add_argument
    add(
        "voices",
        nargs="*",
        metavar="VOICE",
        help="names or voice files (default: all of `voxlet voices`, digits first); "
        "the first also answers for OpenAI's models, such as tts-1",
    )
    add(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: 127.0.0.1); any but this machine's own needs a key in "
        f"{KEY_VARIABLE}",
    )
    add(
        "--port",
        type=whole_number,
        default=8750,
        metavar="N",
        help="port to listen on (default: 8750); 0: any that is free",
    )
    add(
        "--wyoming",
        type=whole_number,
        metavar="N",
        help="also serve Home Assistant's Wyoming protocol on this port of this machine; 0: any that is free",
    )
    add(
        "--runs",
        type=a_path,
        metavar="DIR",
        help="let the page record takes and make voices from them in this folder, and show all runs there",
    )
    add(
        "--map",
        action="append",
        metavar="DIR",
        help="a folder that `voxlet explore` wrote, for the page (default: the map of cnn-light-digits)",
    )
    add("--threads", type=whole_number, metavar="N", help="threads that make sound (default: one per core)")


def run(arguments: argparse.Namespace) -> None:
    """Serve until interrupted."""
    import logging

    from voxlet.errors import ConfigError
    from voxlet.serving.app import create_app
    from voxlet.serving.limits import Limits
    from voxlet.serving.server import bind, check_exposure, make_server
    from voxlet.speak.library import USUAL, available
    from voxlet.speak.voice import load_voice

    class Complaints(logging.Handler):
        """Prints log records as `print_error` prints errors."""

        def emit(self, record: logging.LogRecord) -> None:
            print_error(self.format(record))

    key = os.environ.get(KEY_VARIABLE) or None
    check_exposure(arguments.host, key)
    if arguments.threads is not None and arguments.threads < 1:
        raise ConfigError(f"{arguments.threads} is less than 1", where="--threads", remedy="give 1 or more")
    named = arguments.voices or sorted(available(), key=lambda name: name != USUAL)
    voices = [load_voice(name, threads=1) for name in named]
    limits = Limits()
    wyoming = None if arguments.wyoming is None else bind("127.0.0.1", arguments.wyoming)
    making = None
    if arguments.runs is not None:
        from voxlet.serving.jobs.making import VoiceMaker

        making = VoiceMaker(arguments.runs)
        making.jobs.open()
    app = create_app(
        voices,
        limits=limits,
        key=key,
        threads=arguments.threads,
        maps=arguments.map or (),
        wyoming=wyoming,
        making=making,
    )
    log = logging.getLogger("voxlet.serving")
    log.addHandler(Complaints())
    log.setLevel(logging.INFO)
    listening = bind(arguments.host, arguments.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    places = [f"http://{shown}:{port}"]
    if wyoming is not None:
        places.append(f"tcp://127.0.0.1:{wyoming.getsockname()[1]} (Wyoming)")
    names = ", ".join(voice.path.stem for voice in voices)
    server = make_server(app, limits, lambda: print_answer(*(f"{place} serves {names}" for place in places)))
    server.run(sockets=[listening])
