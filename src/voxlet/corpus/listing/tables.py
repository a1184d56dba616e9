"""Which tables in a corpus's folder list its recordings, and what they list together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlet.corpus.listing.entry import PARTS, UNKNOWN_SPEAKER, Entry, Listing, Part
from voxlet.corpus.listing.manifest import MANIFEST_SUFFIXES, NoColumnsError, read_manifest
from voxlet.corpus.listing.readings import rank
from voxlet.errors import CorpusError
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE_ENDINGS = (".csv", ".tsv", ".jsonl", ".json")
MANIFEST_NAMES = ("manifest.csv", "manifest.tsv", "manifest.jsonl")
# What may be about something else: pages and data sets have a `manifest.json` of their own, too.
METADATA_NAMES = (*(f"metadata{ending}" for ending in TABLE_ENDINGS), "manifest.json")
MOST_TABLES, LARGEST_BYTES = 20, 1 << 25  # of unknown names in a folder: more is something else

Table = tuple["Path", Part]  # and the part of the corpus that its rows belong to


def list_tables(
    root: Path, layout: str | None, paths: Sequence[Path]
) -> tuple[Listing | None, tuple[str, ...]]:
    """What the tables in the folder `root`, or the table `root`, list, and which were not understood.

    Raises:
        CorpusError: A table is malformed, or the layout is `manifest` and there is none.
    """
    if root.is_file():
        if root.suffix.lower() in MANIFEST_SUFFIXES:
            return Listing(tuple(read_manifest(root)), f"the manifest {root.name}"), ()
        if layout is None:
            raise CorpusError(
                "is neither a folder nor a manifest",
                where=root,
                remedy="give its folder, or a manifest: a .csv, .tsv, .txt, .jsonl or .json file",
            )
    sure = next((root / name for name in MANIFEST_NAMES if (root / name).is_file()), None)
    if sure is not None:
        return Listing(tuple(read_manifest(sure)), f"the manifest {sure.name}"), ()
    notes: tuple[str, ...] = ()
    if tables := named_tables(root, paths):
        try:
            return together(tables, root, paths), ()
        except NoColumnsError as error:
            # Many a corpus has tables of something else, such as its speakers.
            if layout == "manifest":
                raise
            notes = (f"{error.where} was not read as a table of clips: {error.what}",)
    if table := any_table(root):
        return together([(table, "")], root, paths), notes
    if layout == "manifest":
        raise CorpusError("holds no manifest", where=root, remedy=f"add {' or '.join(MANIFEST_NAMES)}")
    return None, notes


def named_tables(root: Path, paths: Sequence[Path]) -> list[Table]:
    """The tables whose names say what they are.

    In the folder: `metadata.*`, or one for each part, such as `train.csv` and `test.csv`. Else `metadata.*`
    beside the recordings, as in Hugging Face's folders, which may be called as the parts are.
    """
    if metadata := metadata_in(root):
        return [(metadata, "")]
    parts = [
        (root / f"{name}{ending}", part)
        for name, part in PARTS.items()
        for ending in TABLE_ENDINGS
        if (root / f"{name}{ending}").is_file()
    ]
    if len({part for _, part in parts}) > 1:
        return parts
    folders = {folder for path in paths for folder in path.parents if root in folder.parents}
    found = [(metadata_in(folder), folder) for folder in sorted(folders)]
    return [(table, PARTS.get(folder.name.casefold(), "")) for table, folder in found if table]


def metadata_in(folder: Path) -> Path | None:
    """The folder's `metadata.csv` or such."""
    return next((folder / name for name in METADATA_NAMES if (folder / name).is_file()), None)


def any_table(root: Path) -> Path | None:
    """The table of another name in a folder that lists most files that exist, and hardly any others."""
    if not root.is_dir():
        return None
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in MANIFEST_SUFFIXES)
    best, most = None, 0
    for table in tables[:MOST_TABLES]:
        try:
            if table.stat().st_size > LARGEST_BYTES:
                continue
            entries = read_manifest(table)
        except (OSError, CorpusError):
            continue
        there = sum(entry.path.is_file() for entry in entries)
        if there > max(most, len(entries) / 2):
            best, most = table, there
    return best


def together(tables: Sequence[Table], root: Path, paths: Sequence[Path]) -> Listing:
    """What tables list together; one without rows beside others is no more than that.

    Raises:
        CorpusError: One is malformed, or none lists a clip.
    """
    read = [read_manifest(table, part, may_be_empty=len(tables) > 1) for table, part in tables]
    if not any(read):
        raise CorpusError("lists no clips", where=tables[0][0], remedy="add a row for each recording")
    names = ", ".join(table.relative_to(root).as_posix() for table, _ in tables)
    listed = with_names(once([entry for entries in read for entry in entries]), root)
    return Listing(tuple(listed), f"the table{'s' * (len(tables) > 1)} {names}", unlisted(listed, paths))


def once(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of several tables, those whose file another table has listed with that as their problem."""
    seen: set[Path] = set()
    checked = []
    for entry in entries:
        twice = entry.path in seen and not entry.problem
        checked.append(replace(entry, problem="is listed in two tables") if twice else entry)
        seen.add(entry.path)
    return checked


def unlisted(entries: Sequence[Entry], paths: Sequence[Path]) -> tuple[str, ...]:
    """How many sound files a table does not list, in a line."""
    count = len(set(paths) - {entry.path for entry in entries})
    named = "1 sound file is" if count == 1 else f"{count:,} sound files are"
    return (f"{named} not in the table, and left out",) if count else ()


def with_names(entries: Sequence[Entry], root: Path) -> list[Entry]:
    """The entries with speakers and takes by their files' names, where tables have none and names agree."""
    if any(entry.speaker != UNKNOWN_SPEAKER for entry in entries):
        return list(entries)
    inside = [entry.path for entry in entries if entry.path.is_relative_to(root)]
    if len(inside) < len(entries):
        return list(entries)
    for one in rank(inside, root):
        pairs = list(zip(entries, one.readings, strict=True))
        agree = all(reading and fold(reading["label"]) == fold(entry.label) for entry, reading in pairs)
        if agree and one.speakers:
            return [
                replace(entry, speaker=reading["speaker"], take=reading.get("take", entry.take))
                for entry, reading in pairs
                if reading
            ]
    return list(entries)
