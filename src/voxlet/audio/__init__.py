"""Sound files and arrays of samples: read, write, resample, level, fade, join.

An array of samples is float32 of shape (T,), mono, with full scale at 1.0; rates are in Hz. Decoding is done
by `decoding`, encoding by libsndfile (through soundfile), resampling by soxr.
"""

from voxlet.audio.reading import Sound, SoundFile, opened, read, read_metadata
from voxlet.audio.samples import SPEECH_RMS, Samples, fade, join, level, resample, rms, silence
from voxlet.audio.writing import encode_wav, is_standard_output, standard_output, write, write_pieces

__all__ = [
    "SPEECH_RMS",
    "Samples",
    "Sound",
    "SoundFile",
    "encode_wav",
    "fade",
    "is_standard_output",
    "join",
    "level",
    "opened",
    "read",
    "read_metadata",
    "resample",
    "rms",
    "silence",
    "standard_output",
    "write",
    "write_pieces",
]
