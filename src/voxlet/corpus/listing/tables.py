"""Find the tables in a corpus's folder that list its recordings, and combine them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from voxlet.corpus.listing.columns import NoColumnsError
from voxlet.corpus.listing.entry import PART_LISTS, PARTS, UNKNOWN_SPEAKER, Entry, Listing, Part, part_of
from voxlet.corpus.listing.manifest import MANIFEST_SUFFIXES, Manifest, read_manifest, read_text
from voxlet.corpus.listing.pattern import without_dates
from voxlet.corpus.listing.readings import common_words, rank, shorten
from voxlet.corpus.listing.transcripts import list_beside, list_kaldi
from voxlet.errors import CorpusError
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE_ENDINGS = (".csv", ".tsv", ".jsonl", ".json")
MANIFEST_NAMES = ("manifest.csv", "manifest.tsv", "manifest.jsonl")
# These may describe something else: web pages and data sets have a `manifest.json`, too.
METADATA_NAMES = (*(f"metadata{ending}" for ending in TABLE_ENDINGS), "manifest.json")
CLASS_NAMES = ("classes.txt", "class_names.txt", "labels.txt", "label_names.txt", "words.txt")
MOST_TABLES, LARGEST_BYTES = 20, 1 << 25  # tables with other names: number in a folder, and size
MOST_NAMES = 200  # recordings whose names are searched for in a file that is not a readable table

Table = tuple["Path", Part]  # a table, and the part of the corpus that its rows belong to


@dataclass(frozen=True)
class Reader:
    """Reads the tables of a corpus, each only once, and keeps the results.

    Attributes:
        root: The corpus's folder.
        paths: The corpus's sound files.
        known: The content of each table read, or the error.
    """

    root: Path
    paths: Sequence[Path]
    known: dict[Path, Manifest | CorpusError] = field(default_factory=dict)

    def read(self, table: Path) -> Manifest:
        """The content of a table, which may be empty.

        Raises:
            CorpusError: See `read_manifest`.
        """
        if table not in self.known:
            try:
                self.known[table] = read_manifest(table, root=self.root, sounds=self.paths, may_be_empty=True)
            except CorpusError as error:
                self.known[table] = error
        found = self.known[table]
        if isinstance(found, CorpusError):
            raise found
        return found


def list_tables(
    root: Path, layout: str | None, paths: Sequence[Path]
) -> tuple[Listing | None, tuple[str, ...]]:
    """The listing by the tables in the folder `root`, or by the table `root`; None if no table is used.

    The second value holds notes on tables that were not used.

    Raises:
        CorpusError: A table is malformed, or the layout is `manifest` and there is no table.
    """
    if root.is_file():
        if root.suffix.lower() in MANIFEST_SUFFIXES:
            return one_manifest(root), ()
        if layout is None:
            raise CorpusError(
                "is neither a folder nor a manifest",
                where=root,
                remedy="give its folder, or a manifest: a .csv, .tsv, .txt, .jsonl or .json file",
            )
    sure = next((root / name for name in MANIFEST_NAMES if (root / name).is_file()), None)
    if sure is not None:
        return one_manifest(sure, paths), ()
    notes: tuple[str, ...] = ()
    reader = Reader(root, paths)
    if tables := named_tables(root, paths):
        try:
            return combined(tables, reader), ()
        except NoColumnsError as error:
            # It may be a table of something else, such as the speakers.
            if layout == "manifest":
                raise
            notes = (not_read(error),)
    if (kaldi := list_kaldi(root)) is not None:
        return with_listed(kaldi, root, paths), notes
    if layout != "manifest" and all((root / name).is_file() for name in PART_LISTS):
        return None, notes  # Speech Commands' layout, which needs no other table
    found, guessed, doubtful = any_tables(reader)
    if found and not guessed:
        return combined(found, reader), notes
    notes = tuple(dict.fromkeys((*notes, *doubtful)))
    listing = combined(found, reader) if found else list_beside(paths)
    if layout == "manifest" and not found:
        raise CorpusError("holds no manifest", where=root, remedy=f"add {' or '.join(MANIFEST_NAMES)}")
    if listing is None or layout == "manifest" or not names_say_more(listing.entries, root, paths):
        return listing and with_listed(listing, root, paths), notes
    labels = shorten(Counter(entry.label for entry in listing.entries))
    other = f"{listing.layout}, could give the labels instead ({labels})"
    return None, (*notes, f"{other}: if so, list them in {MANIFEST_NAMES[0]} with the columns path and label")


def names_say_more(entries: Sequence[Entry], root: Path, paths: Sequence[Path]) -> bool:
    """Whether file names give other labels, at least as many of them common words as in the entries."""
    ranked = rank(paths, root)
    if not ranked or len(ranked[0].labels) < 2:
        return False
    labels = {entry.label for entry in entries}
    if {fold(label) for label in labels} == {fold(label) for label in ranked[0].labels}:
        return False
    return ranked[0].like_words >= common_words(labels) / max(1, len(labels))


def not_read(error: CorpusError) -> str:
    """A note that a table was not used, with the reason."""
    remedy = f"; {error.remedy}" if error.remedy else ""
    return f"{error.where} was not read as a table of clips: {error.what}{remedy}"


def one_manifest(path: Path, sounds: Sequence[Path] = ()) -> Listing:
    """The listing of a single manifest; `sounds` are the sound files under its folder, if known."""
    read = read_manifest(path, sounds=sounds)
    entries, told = with_class_names(read.entries, (path,), path.parent)
    return Listing(tuple(entries), "; ".join(filter(None, (f"the manifest {path.name}", read.told, told))))


def named_tables(root: Path, paths: Sequence[Path]) -> list[Table]:
    """The tables with well-known names.

    In the folder: `metadata.*`, or one for each part, such as `train.csv` and `test.csv`. Otherwise
    `metadata.*` beside the recordings, as in Hugging Face's folders, which may be named after the parts.
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
    holding = {path.parent for path in paths}
    folders = {one for folder in holding for one in (folder, *folder.parents) if root in one.parents}
    found = [(metadata_in(folder), folder) for folder in sorted(folders)]
    return [(table, PARTS.get(folder.name.casefold(), "")) for table, folder in found if table]


def metadata_in(folder: Path) -> Path | None:
    """The folder's `metadata.csv` or similar table; None if there is none."""
    return next((folder / name for name in METADATA_NAMES if (folder / name).is_file()), None)


def any_tables(reader: Reader) -> tuple[list[Table], bool, list[str]]:
    """Find tables with other names, in `root` or its folders: those that list most recordings.

    Returns one table, or the tables of one folder that are named after the parts of a corpus; whether their
    labels were guessed; and a note on each table that names recordings but was not used.
    """
    root, paths = reader.root, reader.paths
    counts: dict[Path, int] = {}
    guessed: set[Path] = set()
    doubtful = []
    for table in possible_tables(root, paths):
        try:
            if table.stat().st_size > LARGEST_BYTES:
                continue
            read = reader.read(table)
        except (OSError, CorpusError) as error:
            if isinstance(error, CorpusError) and names_recordings(table, paths):
                doubtful.append(not_read(error))
            continue
        there = sum(entry.path.is_file() for entry in read.entries)
        if there > len(read.entries) / 2:
            counts[table] = there
        if read.guessed:
            guessed.add(table)
    if not counts:
        return [], False, doubtful
    most = max(counts, key=lambda table: (table not in guessed, counts[table]))
    beside = [table for table in counts if table.parent == most.parent and part_of(table.stem)]
    parts: dict[Part, Path] = {}
    for table in sorted(beside, key=lambda table: -counts[table]):
        parts.setdefault(part_of(table.stem), table)
    chosen = [(most, part_of(most.stem))]
    if len(parts) > 1 and sum(counts[table] for table in parts.values()) >= counts[most]:
        chosen = [(table, part) for part, table in parts.items()]
    listed = sum(counts[table] for table, _ in chosen)
    if 2 * listed < len(paths):  # for example one of several lists, each of a shard of the data set
        doubtful.append(
            f"{most} was not read as a table of clips: it lists {listed:,} of the {len(paths):,} recordings; "
            f"if you want only these, name it {MANIFEST_NAMES[0]}"
        )
        return [], False, doubtful
    return chosen, most in guessed, doubtful


def possible_tables(root: Path, paths: Sequence[Path]) -> list[Path]:
    """Possible tables in `root`, and in its folders that do not hold recordings."""
    if not root.is_dir():
        return []
    with_sounds = {path.parent for path in paths}
    folders = [root, *sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))]
    found: list[Path] = []
    for folder in folders:
        if folder == root or folder not in with_sounds:
            named = (path for path in folder.iterdir() if path.suffix.lower() in MANIFEST_SUFFIXES)
            tables = [path for path in named if path.is_file()]  # opening a pipe would block
            found += sorted(path for path in tables if path.name not in PART_LISTS)[:MOST_TABLES]
    return found[: 2 * MOST_TABLES]


def names_recordings(table: Path, paths: Sequence[Path]) -> bool:
    """Whether a file that is not a readable table contains the names of a quarter of the recordings."""
    try:
        data = table.read_bytes()
    except OSError:
        return False
    asked = paths[:MOST_NAMES]
    return 4 * sum(path.name.encode() in data for path in asked) >= len(asked) > 0


def combined(tables: Sequence[Table], reader: Reader) -> Listing:
    """The combined listing of several tables, some of which may be empty.

    Raises:
        CorpusError: A table is malformed, or none lists a clip.
    """
    root, several = reader.root, len(tables) > 1
    read = [reader.read(table) for table, _ in tables]
    if not any(one.entries for one in read):
        raise CorpusError("lists no clips", where=tables[0][0], remedy="add a row for each recording")
    names = ", ".join(table.relative_to(root).as_posix() for table, _ in tables)
    parts = [part for _, part in tables]
    entries = [
        replace(entry, part=part) if part and not entry.part else entry
        for part, one in zip(parts, read, strict=True)
        for entry in one.entries
    ]
    entries, classes = with_class_names(entries, [table for table, _ in tables], root)
    told = dict.fromkeys((*(one.told for one in read), classes))
    layout = "; ".join(filter(None, (f"the table{'s' * several} {names}", *told)))
    return with_listed(Listing(tuple(entries), layout), root, reader.paths)


def with_listed(listing: Listing, root: Path, paths: Sequence[Path]) -> Listing:
    """The listing with repetitions marked, speakers from file names, and a note on unlisted files."""
    entries = with_names(mark_repeated(listing.entries), root)
    return Listing(tuple(entries), listing.layout, (*listing.notes, *unlisted(entries, paths)))


def with_class_names(entries: Sequence[Entry], tables: Sequence[Path], root: Path) -> tuple[list[Entry], str]:
    """Replace class numbers by the words in `classes.txt` or similar; also a remark that says so."""
    labels = {entry.label for entry in entries}
    if not labels or not all(label.isascii() and label.isdigit() for label in labels):
        return list(entries), ""
    for folder in dict.fromkeys((*(table.parent for table in tables), root)):
        for path in (folder / name for name in CLASS_NAMES):
            if path.is_file() and path not in tables:
                names = class_names(path)
                if len(names) > max(map(int, labels)):
                    named = [replace(entry, label=names[int(entry.label)]) for entry in entries]
                    return named, f"names of classes in {path.name}"
    return list(entries), ""


def class_names(path: Path) -> list[str]:
    """The words in a file, one on each line, maybe after the line's number; empty for any other file."""
    try:
        lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    except CorpusError:
        return []
    counted = [re.fullmatch(r"(\d+)[\s:,;.=]+(.+)", line) for line in lines]
    if all(one and int(one[1]) == number for number, one in enumerate(counted)):
        lines = [one[2].strip() for one in counted if one]
    distinct = len(set(lines)) == len(lines)
    return lines if distinct and not any(line.isdigit() for line in lines) else []


def mark_repeated(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with a `problem` for each file that is already listed."""
    seen: set[Path] = set()
    checked = []
    for entry in entries:
        twice = entry.path in seen and not entry.problem
        checked.append(replace(entry, problem="is listed in two tables") if twice else entry)
        seen.add(entry.path)
    return checked


def unlisted(entries: Sequence[Entry], paths: Sequence[Path]) -> tuple[str, ...]:
    """A note on the number of sound files that are not listed; empty if all are."""
    count = len(set(paths) - {entry.path for entry in entries})
    named = "1 sound file is" if count == 1 else f"{count:,} sound files are"
    return (f"{named} not in the table, and left out",) if count else ()


def with_names(entries: Sequence[Entry], root: Path) -> list[Entry]:
    """Add speakers and takes from file names, if no speaker is known and the names give the same labels."""
    if any(entry.speaker != UNKNOWN_SPEAKER for entry in entries):
        return list(entries)
    inside = [entry.path for entry in entries if entry.path.is_relative_to(root)]
    if len(inside) < len(entries):
        return list(entries)
    shown, _ = without_dates(inside, root)
    for one in rank(shown, root):
        pairs = list(zip(entries, one.readings, strict=True))
        agree = all(reading and fold(reading["label"]) == fold(entry.label) for entry, reading in pairs)
        # A single folder, such as `clips`, is not a speaker.
        if agree and len(one.speakers) > ("{speaker}/" in one.pattern.text):
            return [
                replace(entry, speaker=reading["speaker"], take=reading.get("take", entry.take))
                for entry, reading in pairs
                if reading
            ]
    return list(entries)
