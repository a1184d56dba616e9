"""Where a file's samples lie: in its data chunk, whatever the outer header claims.

A writer that cannot seek back leaves lengths of 0 or 0xFFFFFFFF, one that is stopped leaves less than it
promised, and many a tool writes lengths that are not true.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass, replace
from typing import IO, Any

MOST_CHUNKS = 1000
ENDLESS = 0x7FFF_0000  # from here on, a length of 32 bits is a placeholder unless so much is there
TAIL = 4096  # bytes at the end of an endless data chunk that may be another chunk
MISSED_SECONDS = 0.01  # as much may be missing, or stand behind: no word lasts so short


@dataclass(frozen=True)
class Shape:
    """How a kind of file is made of chunks.

    Attributes:
        magic: The file's first bytes.
        first: Where the first chunk begins.
        name: Bytes of a chunk's name.
        length: Form of a chunk's length, for `struct`.
        align: Chunks begin at multiples of this.
        own: Whether the length counts name and length, too.
        data: Name of the chunk that holds the samples.
    """

    magic: bytes
    first: int
    name: int
    length: str
    align: int
    own: bool
    data: bytes


W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
SHAPES = (
    *(Shape(magic, 12, 4, "<I", 2, False, b"data") for magic in (b"RIFF", b"RF64", b"BW64")),
    Shape(b"FORM", 12, 4, ">I", 2, False, b"SSND"),
    Shape(b"caff", 8, 4, ">q", 1, False, b"data"),
    Shape(b"riff\x2e\x91\xcf\x11", 40, 16, "<Q", 8, True, W64_DATA),
)


@dataclass(frozen=True)
class Data:
    """The chunk that holds the samples.

    Attributes:
        shape: Of the file.
        field: Where the chunk's length stands.
        start: Where its samples begin.
        claimed: How many bytes it claims; None where the writer did not know.
        found: How many bytes of samples there are.
        second: Bytes of a second of sound; 0 where that is not told.
    """

    shape: Shape
    field: int
    start: int
    claimed: int | None
    found: int
    second: int

    @property
    def cut_off(self) -> bool:
        """Whether more was promised than is there."""
        return self.claimed is not None and self.claimed - self.found > MISSED_SECONDS * self.second

    @property
    def mended(self) -> bool:
        """Whether the length has to be set right before it is decoded."""
        return self.shape.magic == b"RIFF" and self.claimed != self.found and not self.cut_off


def find_data(file: IO[bytes], size: int) -> Data | None:
    """The data chunk of a file of `size` bytes; None where it has none, or is of another kind.

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


def _chunk(file: IO[bytes], shape: Shape, place: int) -> tuple[bytes, int, int] | None:
    """A chunk's name, its length in bytes, and where its content begins."""
    count = struct.calcsize(shape.length)
    file.seek(place)
    head = file.read(shape.name + count)
    if len(head) < shape.name + count:
        return None
    length = struct.unpack(shape.length, head[shape.name :])[0]
    return head[: shape.name], length - (len(head) if shape.own else 0), place + len(head)


def _aligned(shape: Shape, place: int) -> int:
    return -(-place // shape.align) * shape.align


def _promise(shape: Shape, claimed: int, long: int | None, there: int) -> int | None:
    """How many bytes a data chunk claims, or a length of 64 bits in its place; None: it is not known."""
    if long is not None and claimed == 0xFFFF_FFFF:
        claimed = long
    elif shape.length[1] == "I" and claimed >= ENDLESS and claimed > there:
        return None
    return claimed if claimed > 0 else None


def _found(file: IO[bytes], data: Data, size: int) -> int:
    """How many bytes of samples there are in a file of `size` bytes, from `data.start` on."""
    there = size - data.start
    if data.claimed is None:
        return there - _tail(file, data.shape, data.start, size)
    if data.claimed >= there:
        return there
    end = data.start + data.claimed
    behind = size - _aligned(data.shape, end)
    if data.shape.magic != b"RIFF" or behind <= MISSED_SECONDS * data.second:
        return data.claimed
    return data.claimed if _is_chunk(file, data.shape, end, size) else there


def _is_chunk(file: IO[bytes], shape: Shape, place: int, size: int) -> bool:
    """Whether a chunk begins there, or a tag that players write behind the last chunk."""
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


def _tail(file: IO[bytes], shape: Shape, start: int, size: int) -> int:
    """Bytes of another chunk behind samples whose length was not known."""
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


class Mended(io.RawIOBase):
    """A WAV file whose lengths are set right as it is read."""

    def __init__(self, file: IO[bytes], data: Data) -> None:
        super().__init__()
        end = data.start + data.found
        self.file = file
        self.size = end
        file.seek(0)
        self.patches = ((4, struct.pack("<I", end - 8)), (data.field, struct.pack("<I", data.found)))

    def readable(self) -> bool:
        """It is read."""
        return True

    def seekable(self) -> bool:
        """It can be gone about in."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is something."""
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
        """Go to a position."""
        return self.file.seek(self.size + offset) if whence == os.SEEK_END else self.file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self.file.tell()
