"""Import ONNX Runtime without its telemetry; every module of voxlet imports it through this one."""

from __future__ import annotations

import os
from typing import Any


def import_onnxruntime() -> Any:  # onnxruntime has no types
    """The module `onnxruntime`, with its telemetry switched off.

    Its official builds queue events under `~/.cache/Microsoft` and send them, unless `ORT_DISABLE_TELEMETRY`
    is set before the first import. A program that has already imported it keeps its own choice.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime as module
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C while its C++ part was initialised
            raise KeyboardInterrupt from error
        raise
    return module
