"""ONNX Runtime, imported so that it stays silent: every module of voxlet takes it from here."""

from __future__ import annotations

import os
from typing import Any


def import_onnxruntime() -> Any:  # it has no types
    """The module `onnxruntime`, with its usage reports switched off.

    Its official builds queue events under `~/.cache/Microsoft` and send them, unless this variable is set
    before it is first imported. A program that has imported it already has chosen for itself.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime as module
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C while its C++ part was initialised
            raise KeyboardInterrupt from error
        raise
    return module
