"""Installed packages and this machine's hardware, found without importing any of the packages.

Every function works on every operating system; what a system does not report is None or empty.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

# Instruction sets that decide the speed of speaking and training, by their Linux names.
INSTRUCTIONS = {
    *("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8"),
    *("asimd", "asimddp", "bf16", "i8mm", "sve"),
}
SOCKETS = ("pipewire-0", "pulse/native")  # sockets of sound servers, in the user's runtime folder


@dataclass(frozen=True)
class Packages:
    """The packages of one extra or of the core: versions of installed ones, names of missing ones."""

    here: dict[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Processor:
    """The processor's name, number of cores, cores that this process may use, known instruction sets."""

    name: str
    cores: int
    usable: int
    instructions: tuple[str, ...]


@dataclass(frozen=True)
class Memory:
    """Total and available memory in bytes; the latter is None where it is not known."""

    total: int
    available: int | None


def packages() -> dict[str, Packages]:
    """The packages that voxlet requires, by extra ("" is the core); none if voxlet is not installed."""
    try:
        required = importlib.metadata.requires("voxlet") or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    named: dict[str, list[str]] = {"": []}
    for requirement in required:
        extra = re.search(r"\bextra\s*==\s*['\"]([\w.-]+)['\"]", requirement)
        group = named.setdefault(extra[1] if extra else "", [])
        name = re.match(r"[\w.-]+", requirement)
        if name and name[0] not in ("voxlet", *group):  # an extra may include another
            group.append(name[0])
    return {extra: _installed(names) for extra, names in named.items()}


def _installed(names: list[str]) -> Packages:
    versions: dict[str, str] = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return Packages(versions, tuple(name for name in names if name not in versions))


def processor() -> Processor:
    """The processor of this machine."""
    name, flags = platform.processor() or platform.machine(), set[str]()
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(errors="replace")
        if found := re.search(r"^model name\s*: (.+)$", text, re.MULTILINE):
            name = found[1].strip()
        if found := re.search(r"^(?:flags|Features)\s*: (.+)$", text, re.MULTILINE):
            flags = set(found[1].split())
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return Processor(name, cores, usable, tuple(sorted(flags & INSTRUCTIONS)))


def memory() -> Memory | None:
    """The memory of this machine; None where the system does not report it."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found:
            return Memory(total, 1024 * int(found[1]))
    return Memory(total, None)


def _windows_memory() -> Memory | None:
    """The memory that GlobalMemoryStatusEx reports: the third and fourth of its structure's nine fields."""

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        )

    status = Status(ctypes.sizeof(Status))
    library = getattr(ctypes, "windll", None)
    if library is None or not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return Memory(status.total, status.free)


def free_space(folder: Path) -> int | None:
    """Free bytes on the disk that holds a folder or its nearest existing parent; None if unknown."""
    for place in (folder, *folder.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def sound_device() -> bool | None:
    """Whether there is a sound device or a sound server to play on; None on systems other than Linux."""
    if sys.platform != "linux":
        return None
    if os.environ.get("PULSE_SERVER"):
        return True
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    try:
        return any((runtime / socket).exists() for socket in SOCKETS) or any(Path("/dev/snd").glob("pcm*p"))
    except OSError:
        return False


def peak_memory() -> float | None:
    """The peak memory of this process in megabytes; None where the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes on macOS, kilobytes elsewhere
