"""Find the samples of a sound file: in its data chunk, whatever the outer header claims.

A writer that cannot seek back leaves lengths of 0 or 0xFFFFFFFF, an interrupted one writes less than the
header claims, and many tools write wrong lengths.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass, replace
from typing import IO, Any

MOST_CHUNKS = 1000
ENDLESS = 0x7FFF_0000  # from here on, a 32-bit length is a placeholder unless the file is that long
TAIL = 4096  # bytes at the end of a data chunk of unknown length that may be another chunk
MISSED_SECONDS = 0.01  # so much may be missing, or follow the samples: no word is that short


@dataclass(frozen=True)
class ChunkLayout:
    """How a kind of file is made of chunks.

    Attributes:
        magic: First bytes of the file.
        first: Offset of the first chunk.
        name: Size of a chunk's name in bytes.
        length: Format of a chunk's length field, for `struct`.
        align: Chunks begin at multiples of this.
        own: Whether a chunk's length includes its name and length fields.
        data: Name of the chunk with the samples.
    """

    magic: bytes
    first: int
    name: int
    length: str
    align: int
    length_includes_header: bool
    data: bytes


W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
SHAPES = (
    *(ChunkLayout(magic, 12, 4, "<I", 2, False, b"data") for magic in (b"RIFF", b"RF64", b"BW64")),
    ChunkLayout(b"FORM", 12, 4, ">I", 2, False, b"SSND"),
    ChunkLayout(b"caff", 8, 4, ">q", 1, False, b"data"),
    ChunkLayout(b"riff\x2e\x91\xcf\x11", 40, 16, "<Q", 8, True, W64_DATA),
)


@dataclass(frozen=True)
class Data:
    """The chunk with the samples.

    Attributes:
        shape: How the file is made of chunks.
        field: Offset of the chunk's length field.
        start: Offset of the samples.
        claimed: Bytes that the chunk claims to have; None if the writer did not know.
        found: Bytes of samples that are there.
        second: Bytes per second of sound; 0 if not stated.
    """

    shape: ChunkLayout
    field: int
    start: int
    claimed: int | None
    found: int
    bytes_per_second: int

    @property
    def cut_off(self) -> bool:
        """Whether the chunk claims more samples than are there."""
        return self.claimed is not None and self.claimed - self.found > MISSED_SECONDS * self.bytes_per_second

    @property
    def needs_repair(self) -> bool:
        """Whether the length has to be corrected before decoding."""
        return self.shape.magic == b"RIFF" and self.claimed != self.found and not self.cut_off


def find_data(file: IO[bytes], size: int) -> Data | None:
    """The data chunk of a file of `size` bytes; None if there is none, or the file is of another kind.

    Raises:
        EOFError: The file ends before its data.
    """
    file.seek(0)
    head = file.read(16)
    shape = next((shape for shape in SHAPES if head.startswith(shape.magic)), None)
    if shape is None or (shape.magic in (b"RIFF", b"RF64", b"BW64") and head[8:12] != b"WAVE"):
        return None
    if shape.magic == b"FORM" and head[8:12] not in (b"AIFF", b"AIFC"):
        return None
    place, second, long = shape.first, 0, None
    for _ in range(MOST_CHUNKS):
        chunk = _chunk(file, shape, place)
        if chunk is None:
            break
        name, claimed, start = chunk
        if name == shape.data:
            field = start - struct.calcsize(shape.length)
            data = Data(shape, field, start, _promise(shape, claimed, long, size - start), 0, second)
            return replace(data, found=_found(file, data, size))
        if name == b"fmt " and shape.length == "<I":
            second = struct.unpack("<I", file.read(12)[8:].ljust(4, b"\0"))[0]
        if name == b"ds64":
            long = struct.unpack("<Q", file.read(16)[8:].ljust(8, b"\0"))[0]
        if claimed < 0:
            break
        place = _aligned(shape, start + claimed)
    if place >= size:
        raise EOFError
    return None


def _chunk(file: IO[bytes], shape: ChunkLayout, place: int) -> tuple[bytes, int, int] | None:
    """A chunk's name, length in bytes, and offset of its content; None at the end of the file."""
    count = struct.calcsize(shape.length)
    file.seek(place)
    head = file.read(shape.name + count)
    if len(head) < shape.name + count:
        return None
    length = struct.unpack(shape.length, head[shape.name :])[0]
    return head[: shape.name], length - (len(head) if shape.length_includes_header else 0), place + len(head)


def _aligned(shape: ChunkLayout, place: int) -> int:
    return -(-place // shape.align) * shape.align


def _promise(shape: ChunkLayout, claimed: int, long: int | None, there: int) -> int | None:
    """The bytes that a data chunk claims, or its 64-bit length `long` instead; None if unknown."""
    if long is not None and claimed == 0xFFFF_FFFF:
        claimed = long
    elif shape.length[1] == "I" and claimed >= ENDLESS and claimed > there:
        return None
    return claimed if claimed > 0 else None


def _found(file: IO[bytes], data: Data, size: int) -> int:
    """The bytes of samples from `data.start` on in a file of `size` bytes."""
    there = size - data.start
    if data.claimed is None:
        return there - _tail(file, data.shape, data.start, size)
    if data.claimed >= there:
        return there
    end = data.start + data.claimed
    behind = size - _aligned(data.shape, end)
    if data.shape.magic != b"RIFF" or behind <= MISSED_SECONDS * data.bytes_per_second:
        return data.claimed
    return data.claimed if _is_chunk(file, data.shape, end, size) else there


def _is_chunk(file: IO[bytes], shape: ChunkLayout, place: int, size: int) -> bool:
    """Whether a chunk begins at `place`, or a tag that players append to the last chunk, or the file ends."""
    for begin in {place, _aligned(shape, place)}:
        chunk = _chunk(file, shape, begin)
        if chunk is None:
            return True
        name, length, start = chunk
        if name[:3] in (b"TAG", b"ID3") or (
            name.isascii() and name.decode().isprintable() and length <= size - start
        ):
            return True
    return False


def _tail(file: IO[bytes], shape: ChunkLayout, start: int, size: int) -> int:
    """The bytes of another chunk after samples of unknown length; 0 if there is none."""
    if shape.magic != b"RIFF":
        return 0
    begin = max(start, size - TAIL)
    file.seek(begin)
    end = file.read(TAIL)
    for name in (b"LIST", b"id3 ", b"ID3 "):
        place = end.find(name)
        if 0 <= place <= len(end) - 8:
            length = struct.unpack("<I", end[place + 4 : place + 8])[0]
            if 0 <= len(end) - place - 8 - length <= 1:
                return len(end) - place
    return 0


class RepairedWav(io.RawIOBase):
    """A WAV file whose length fields are corrected while it is read."""

    def __init__(self, file: IO[bytes], data: Data) -> None:
        super().__init__()
        end = data.start + data.found
        self.file = file
        self.size = end
        file.seek(0)
        # A length of 32 bits cannot say more than this, which decoders take for the rest of the file.
        lengths = ((4, end - 8), (data.field, data.found))
        self.patches = [(field, struct.pack("<I", min(length, 0xFFFF_FFFF))) for field, length in lengths]

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer, with corrected length fields; returns the number of bytes."""
        place = self.file.tell()
        read = self.file.read(max(0, min(len(buffer), self.size - place)))
        view = memoryview(buffer).cast("B")
        view[: len(read)] = read
        for field, value in self.patches:
            for offset, byte in enumerate(value, field - place):
                if 0 <= offset < len(read):
                    view[offset] = byte
        return len(read)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        return self.file.seek(self.size + offset) if whence == os.SEEK_END else self.file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self.file.tell()
