"""Kinds of sound file, by the suffix of the name and by the first bytes, which take precedence."""

from __future__ import annotations

HEAD_BYTES = 64  # that identify a kind

# Read by libsndfile.
LIBSNDFILE_SUFFIXES = frozenset(
    {
        ".wav",
        ".wave",
        ".bwf",
        ".rf64",
        ".w64",
        ".aif",
        ".aiff",
        ".aifc",
        ".caf",
        ".au",
        ".snd",
        ".flac",
        ".ogg",
    }
    | {
        ".oga",
        ".opus",
        ".mp3",
        ".mp2",
        ".voc",
        ".sph",
        ".nist",
        ".sf",
        ".ircam",
        ".pvf",
        ".paf",
        ".fap",
        ".avr",
    }
    | {".svx", ".8svx", ".16svx", ".iff", ".wve", ".htk", ".sds", ".xi"}
)
# Of these, the lossy ones.
LOSSY_SUFFIXES = frozenset({".ogg", ".oga", ".opus", ".mp3", ".mp2"})
# Others that telephones, browsers and players write; read by FFmpeg.
FFMPEG_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".mov", ".3gp", ".3gpp", ".3g2", ".amr", ".awb", ".aac", ".adts"}
    | {".webm", ".weba", ".mka", ".mkv", ".wma", ".asf", ".spx", ".ape", ".wv", ".tta", ".bw64"}
)
# Raw samples, with FFmpeg's name for their format: such a file does not state its sampling rate.
HEADERLESS_SUFFIXES = {
    **dict.fromkeys((".raw", ".pcm", ".s16", ".s16le"), "s16le"),
    **dict.fromkeys((".ul", ".ulaw", ".mulaw"), "mulaw"),
    **dict.fromkeys((".al", ".alaw"), "alaw"),
    ".gsm": "gsm",
}
# Backup copies and partial downloads of recordings.
UNFINISHED_SUFFIXES = frozenset(
    {".bak", ".old", ".orig", ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download"}
)

PICTURES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"crx ")  # image brands in `ftyp`
# Offset of the bytes, the bytes, and FFmpeg's name for the kind.
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (8, b"8SVX", "iff"),
    (8, b"16SV", "iff"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"NIST_1A", "nistsphere"),
    (0, b"Creative Voice File", "voc"),
    (0, b"PVF1", "pvf"),
    *((0, bytes((0x64, 0xA3, machine, 0)), "ircam") for machine in range(1, 5)),
    *((0, bytes((0, machine, 0xA3, 0x64)), "ircam") for machine in range(1, 5)),
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"#!AMR", "amr"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (0, b"ADIF", "aac"),
)
OUTER = {b"WAVE": (b"RIFF", b"RIFX", b"RF64", b"BW64")}  # what the file begins with, if not FORM


def kind_of(head: bytes) -> str | None:
    """The kind of a file by its first bytes, as FFmpeg's name for it; None if they identify none.

    >>> kind_of(b"RIFF\\x24\\x00\\x00\\x00WAVEfmt "), kind_of(b"hello"), kind_of(b"#!AMR-WB")
    ('wav', None, 'amr')
    """
    for start, magic, kind in MAGIC:
        if head[start : start + len(magic)] != magic:
            continue
        if (start == 8 and head[:4] not in OUTER.get(magic, (b"FORM",))) or head[8:12] in PICTURES:
            continue
        return kind
    return _frame_kind(head)


def _frame_kind(head: bytes) -> str | None:
    """The kind of a file that begins with an MP3 or AAC frame: eleven set bits, then valid fields."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac" if (head[2] >> 2 & 0xF) < 13 else None  # of 13 rates
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    fits = head[1] & 0xE0 == 0xE0 and version != 1 and layer in (1, 2)
    return "mp3" if fits and 0 < head[2] >> 4 < 15 and head[2] >> 2 & 3 != 3 else None
