"""Layouts: how a folder of recordings gives label and speaker of each file, in a table or in file names.

`names`     {label}_{speaker}_{take}.wav, at any depth (FSDD, AudioMNIST)
`folders`   label/anything.wav; names such as {speaker}_nohash_{take} also give speaker and take
`manifest`  a table, such as a CSV or JSONL file, with a path and a label in each row
a pattern   such as `{label}/{speaker}_NO_{take}`

Without a given layout, a table in the folder is used if there is one, otherwise the pattern that explains all
names best.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlet.corpus.listing.entry import PART_LISTS, PARTS, UNKNOWN_SPEAKER, Entry, Listing, Part, part_of
from voxlet.corpus.listing.labels import DIGITS, as_words, merge_labels, tidy_label
from voxlet.corpus.listing.manifest import read_text
from voxlet.corpus.listing.pattern import Pattern, without_dates
from voxlet.corpus.listing.readings import (
    FOLDERS,
    LIKE_CODES,
    NAMES,
    Explained,
    close_rival,
    explain,
    rank,
    shorten,
)  # fmt: skip
from voxlet.corpus.listing.sound_files import UNLISTED, Passed, count_kinds, survey
from voxlet.corpus.listing.tables import MANIFEST_NAMES, list_tables
from voxlet.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LIST_THEM = f"list the recordings in {MANIFEST_NAMES[0]} with the columns path and label, or give --layout"
CODES_CLOSE = 0.6  # a smaller lead in score leaves a doubt if labels are numbers, which may mean anything
PAIR, CAMEL = re.compile(r"([^-_ .]+)[-_ .]+(.+)"), re.compile(r"([A-Z][a-z]+)([A-Z][a-z]+)")
COUNTED = re.compile(r"[\W_]*\d+[\W_]*(?:m4a|wav|mp3|ogg)?$")
FEWEST_SINGLES = 4  # labels or speakers with a single recording that raise a doubt
READ_KINDS = "give recordings as WAV, FLAC, OGG or MP3 files, in folders of any depth"
LAYOUTS = ("names", "folders", "manifest")


def check_layout(layout: str) -> str:
    """The layout itself, if it is a known name or a valid pattern.

    Raises:
        ConfigError: It is neither.
    """
    if layout not in LAYOUTS:
        if "{" not in layout:
            raise ConfigError(
                f"no layout is called {layout!r}",
                where="layout",
                remedy=f"give {', '.join(LAYOUTS)} or a pattern such as {{label}}/{{speaker}}_NO_{{take}}",
            )
        Pattern(layout)
    return layout


def list_entries(root: Path, layout: str | None = None) -> Listing:
    """List the recordings in `root`, a folder or a manifest file; `layout` is detected if None.

    Raises:
        CorpusError: `root` is missing, holds no sound files, or its manifest is malformed.
    """
    if not root.exists():
        raise CorpusError("no such folder or manifest", where=root)
    found = dict(survey(root)) if root.is_dir() else {}
    paths = sorted(path for path, reason in found.items() if reason is None)
    listing, notes = list_tables(root, layout, paths) if layout in (None, "manifest") else (None, ())
    if listing is None:
        if root.is_dir() and not paths:
            raise CorpusError(
                f"holds no sound files; {what_is_there(root, found)}", where=root, remedy=READ_KINDS
            )
        listing = list_names(root, layout, paths)
        listing = replace(listing, notes=(*notes, *listing.notes))
    if root.is_file():  # only folders with listed files: its own may hold much else
        folders = {root.parent, *(entry.path.parent for entry in listing.entries)}
        found = {path: why for folder in sorted(folders) for path, why in survey(folder, deep=False)}
    return replace(finish(listing), passed=passed_over(root, found, listing.entries))


def what_is_there(root: Path, found: Mapping[Path, str | None]) -> str:
    """The content of a folder without sound files, in words."""
    others = passed_over(root, found, ())
    return f"it holds {'; '.join(kind.describe() for kind in others)}" if others else "it is empty"


def passed_over(root: Path, found: Mapping[Path, str | None], entries: Sequence[Entry]) -> tuple[Passed, ...]:
    """The found files that have no entry, counted by kind and reason."""
    listed = {entry.path for entry in entries}
    base = root if root.is_dir() else root.parent
    return count_kinds(
        base, [(path, reason or UNLISTED) for path, reason in found.items() if path not in listed]
    )


def finish(listing: Listing) -> Listing:
    """The listing sorted by path, with digits as words and one spelling for each word."""
    words = as_words(entry.label for entry in listing.entries if entry.label)
    named = [replace(entry, label=words.get(entry.label, "")) for entry in listing.entries]
    entries, notes = merge_labels(sorted(named, key=lambda entry: entry.path))
    labels = {entry.label for entry in entries if entry.label}
    if len(labels) == 1:
        notes.append(
            f"there is only one label, {labels.pop()!r}; if that is wrong, give the layout with --layout"
        )
    return Listing(tuple(entries), listing.layout, (*listing.notes, *notes))


def list_names(root: Path, layout: str | None, paths: Sequence[Path]) -> Listing:
    """List the sound files under `root` by parsing their names.

    Raises:
        CorpusError: `root` is not a folder, or the names give no labels.
    """
    if not root.is_dir():
        raise CorpusError("is not a folder", where=root, remedy="give the folder that it is in")
    if layout is not None and layout not in LAYOUTS:
        best = explain(paths, root, Pattern(layout))
        told = f"{best.pattern.text}, as given"
        return Listing(read_names(best, paths, root), told, note_unmatched(best, paths, root))
    if layout == "names":
        best = explain(paths, root, Pattern(NAMES, counted=True))
        return Listing(read_names(best, paths, root), f"{NAMES}, as given")
    if layout == "folders":
        ranked = [one for one in rank(paths, root) if in_label_folder(one.pattern.text)]
        best = ranked[0] if ranked else explain(paths, root, Pattern(FOLDERS))
        return Listing(read_names(best, paths, root), f"{best.pattern.text}, as given")
    shown, parts, told = without_parts(paths, root)
    shown, dated = without_dates(shown, root)
    ranked = rank(shown, root)
    if not ranked:
        ranked = [explain(shown, root, Pattern(FOLDERS if any(p.parent != root for p in shown) else NAMES))]
    best = ranked[0]
    if not best.labels:
        raise CorpusError(
            f"the names of its recordings, such as {paths[0].name}, do not tell which word each one is",
            where=root,
            remedy=LIST_THEM,
        )
    entries = tuple(
        replace(
            entry,
            path=path,
            part=part,
            take=path.stem if dated or entry.take == entry.path.stem else entry.take,
        )
        for entry, path, part in zip(read_names(best, shown, root), paths, parts, strict=True)
    )
    return Listing(entries, f"{best.pattern.text}: {reasons(best)}{told}{dated}", doubts(ranked, shown))


def without_parts(paths: Sequence[Path], root: Path) -> tuple[list[Path], list[Part], str]:
    """Find the part (training, validation, test) of each file: paths without it, parts, and a description.

    Parts are folders at one depth that contain all files, or prefixes of all file names (`test_yes_0.wav`),
    if there are at least two; or they are given in lists like those of Speech Commands.
    """
    folders = [path.relative_to(root).parts[:-1] for path in paths]
    for depth in range(min(map(len, folders), default=0)):
        names = {inside[depth] for inside in folders}
        found = {name: part_of(name) for name in names}
        if all(found.values()) and len(set(found.values())) > 1:
            shown = [
                root.joinpath(*inside[:depth], *inside[depth + 1 :], path.name)
                for inside, path in zip(folders, paths, strict=True)
            ]
            told = f"; parts by folders, {', '.join(sorted({name.casefold() for name in names}))}"
            return shown, [found[inside[depth]] for inside in folders], told
    begins = [re.match(r"([a-z]+)[-_ .]+(?=.*\w)", path.stem, re.IGNORECASE) for path in paths]
    parts = [PARTS.get(begin[1].casefold(), "") if begin else "" for begin in begins]
    if all(parts) and len(set(parts)) > 1:
        shown = [
            path.with_name(path.name[len(begin[0]) :])
            for path, begin in zip(paths, begins, strict=True)
            if begin
        ]
        return shown, list(parts), "; parts by what names begin with"
    listed = part_lists(root)
    if listed:
        parts = [listed.get(path.relative_to(root).as_posix(), "train") for path in paths]
        return list(paths), list(parts), f"; parts by {' and '.join(PART_LISTS)}"
    return list(paths), [""] * len(paths), ""


def part_lists(root: Path) -> dict[str, Part]:
    """The part of each path in lists like Speech Commands'; empty if one of the lists is missing."""
    if not all((root / name).is_file() for name in PART_LISTS):
        return {}
    lines = (
        (line.strip(), part)
        for name, part in PART_LISTS.items()
        for line in read_text(root / name).split("\n")
    )
    return {line: part for line, part in lines if line}


def note_unmatched(given: Explained, paths: Sequence[Path], root: Path) -> tuple[str, ...]:
    """A note on files that do not fit the given layout but have a label from their folder, if any.

    Raises:
        CorpusError: No file name fits the layout.
    """
    text = given.pattern.text
    strange = [path for path, reading in zip(paths, given.readings, strict=True) if reading is None]
    shown = f"such as {strange[0].relative_to(root).as_posix()}" if strange else ""
    if len(strange) == len(paths):
        raise CorpusError(
            f"no file name fits {text}, {shown}",
            where=root,
            remedy="correct --layout, or leave it out to have it detected",
        )
    if not strange or not in_label_folder(text):
        return ()
    told = f"{len(strange):,} file names do not fit {text}, {shown}"
    return (f"{told}: only their label is known, from the folder",)


def in_label_folder(text: str) -> bool:
    """Whether a pattern takes the label from the folder alone, so that any file in the folder has it."""
    return text.startswith("{label}/") and text.count("/") == 1


def read_names(explained: Explained, paths: Sequence[Path], root: Path) -> tuple[Entry, ...]:
    """The entries of the files, as a pattern reads their names."""
    text = explained.pattern.text
    entries = []
    in_folders = in_label_folder(text)
    for path, found in zip(paths, explained.readings, strict=True):
        reading = (
            {"label": path.parent.name} if found is None and in_folders and path.parent != root else found
        )
        if reading is None:
            problem = "lies outside the label folders" if in_folders else f"its name does not fit {text}"
            entries.append(Entry(path, problem=problem))
            continue
        label, speaker = tidy_label(reading["label"]), reading.get("speaker", UNKNOWN_SPEAKER)
        entries.append(Entry(path, label, speaker, reading.get("take", path.stem)))
    return tuple(entries)


def reasons(best: Explained) -> str:
    """The evidence for the chosen pattern, in a few words."""
    found = [f"{len(best.labels):,} label{'s' * (len(best.labels) != 1)}, {shorten(best.labels)}"]
    if best.speakers:
        many = len(best.speakers) != 1
        recur = f", {best.recurrence:.0%} of the pairs of label and speaker" if many else ""
        found.append(f"{len(best.speakers):,} speaker{'s' * many}{recur}")
    found.append(f"fits {best.coverage:.0%} of the names")
    return "; ".join(found)


def doubts(ranked: Sequence[Explained], paths: Sequence[Path]) -> tuple[str, ...]:
    """Doubts about the best pattern for the paths, one line each."""
    best = ranked[0]
    rival = close_rival(ranked)
    found = (
        rival and f"the names could as well be {rival.summary()}: if so, give it with --layout",
        doubtful_labels(best) or doubtful_codes(ranked) or doubtful_singles(best),
        doubtful_pairs(best),
        doubtful_folders(best, paths),
    )
    return tuple(note for note in found if note)


def doubtful_labels(best: Explained) -> str | None:
    """A doubt, if the labels look like speakers."""
    if best.like_speakers <= 0.5:
        return None
    return f"the labels look like speakers ({shorten(best.labels)}): if so, give the layout with --layout"


def doubtful_codes(ranked: Sequence[Explained]) -> str | None:
    """A doubt, if most labels are numbers or codes, unless they are clearly spoken digits."""
    best = ranked[0]
    if 2 * sum(is_code(label) for label in best.labels) <= len(best.labels):
        return None
    people = bool(best.speakers) and not any(map(is_code, best.speakers))
    sure = people or in_label_folder(best.pattern.text)
    pairs = {(one["speaker"], one["label"]) for one in best.readings if one and "speaker" in one}
    words = Counter(who for who, _ in pairs)
    recur = 2 * sum(count == 1 for count in words.values()) <= len(words)  # for most, several labels
    alone = sure and DIGITS.issuperset(best.labels) and close_rival(ranked, CODES_CLOSE) is None
    folder_again = best.pattern.text.count("{speaker}") > 1  # file names repeat the name of the folder
    if (recur or folder_again) and (alone or best.labels.keys() == DIGITS):
        return None
    named = f"the labels are numbers or codes ({shorten(best.labels)})"
    return f"{named}: if that is not what is said, {LIST_THEM}"


def is_code(name: str) -> bool:
    """Whether a name is a number or a code."""
    return LIKE_CODES.fullmatch(name) is not None


def doubtful_singles(best: Explained) -> str | None:
    """A doubt, if most labels or most speakers occur only once."""
    text = best.pattern.text
    known = "_nohash_" in text or "_NO_" in text or text.count("{speaker}") > 1
    for what, names in (("labels", best.labels), ("speakers", {} if known else best.speakers)):
        single = sum(count == 1 for count in names.values())
        if single >= FEWEST_SINGLES and 2 * single > len(names):
            return (
                f"{single:,} of the {len(names):,} {what} have a single recording: if the names mean "
                f"something else, {LIST_THEM}"
            )
    return None


def doubtful_pairs(best: Explained) -> str | None:
    """A doubt, if names of speakers (`s1_ann`) or labels (`YesAnn`) are all pairs of two sets of parts."""
    ways = (("speakers", best.speakers, PAIR), ("labels", best.labels, CAMEL))
    for what, names, pair in ways:
        pairs = [found.groups() for name in names if (found := pair.fullmatch(name))]
        one, two = (Counter(found[side] for found in pairs) for side in (0, 1))
        if len(one) > 1 < len(two) and len(one) * len(two) == len(names) == len(pairs):
            both = f"{shorten(one)}; {shorten(two)}"
            return f"the names of {what} have two parts ({both}): if only one part is the name, give --layout"
    return None


def doubtful_folders(best: Explained, paths: Sequence[Path]) -> str | None:
    """A doubt, if all label folders hold files of the same names, other than numbers or single letters."""
    if best.pattern.text != FOLDERS or len(best.labels) < 2:
        return None
    folders: dict[str, set[str]] = {}
    for path in paths:
        folders.setdefault(path.parent.name, set()).add(path.stem)
    same = set.intersection(*folders.values())
    words = {COUNTED.sub("", name) for name in same} - {""}  # not `Recording (1)` or `0`
    if (
        len(words) < 2
        or 2 * len(words) < len(same)
        or max(map(len, words)) < 2
        or 2 * len(same) <= len(set.union(*folders.values()))
    ):
        return None
    return (
        f"the same names stand in every folder ({shorten(Counter(same))}): if those names are the words, "
        "and the folders the speakers, give --layout '{speaker}/{label}'; if the names are the speakers, "
        "'{label}/{speaker}'"
    )
