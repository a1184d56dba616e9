"""`voxlet dataset`: labelled clips of a voice, by the hundred thousand."""

from __future__ import annotations

import argparse

from voxlet.cli.output import print_answer
from voxlet.cli.parser import names, number, whole_number

SUMMARY = "make a data set of labelled clips from a voice"
FORMATS = ("wav", "flac", "webdataset", "parquet", "speech-commands")
RANGES = {"speeds": "speed", "pitches": "pitch", "clarities": "clarity"}


def a_range(text: str) -> tuple[float, float]:
    """The type of an option that takes a range such as `0.8:1.2`."""
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range such as 0.8:1.2") from error


def two_shares(text: str) -> tuple[float, float]:
    """The type of an option that takes two numbers such as `0.1,0.1`."""
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers such as 0.1,0.1") from error
    return first, second


def a_part(text: str) -> tuple[int, int]:
    """The type of an option that takes a part such as `0/4`: the first of four."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part such as 0/4")
    if int(number) >= int(count):
        raise argparse.ArgumentTypeError(
            f"there is no part {text}: they are 0/{count} to {int(count) - 1}/{count}"
        )
    return int(number), int(count)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet dataset`."""
    add = parser.add_argument
    add("voice", metavar="VOICE", help="a name from `voxlet voices`, or a voice file")
    add("--count", type=whole_number, required=True, metavar="N", help="number of clips")
    add("--out", required=True, metavar="DIR", help="folder, or a URL such as s3://bucket/words")
    add("--format", choices=FORMATS, default="wav", help="format of the data set (default: %(default)s)")
    add(
        "--labels",
        type=names,
        default=(),
        metavar="A,B",
        help="words to be labels (default: all of the voice's)",
    )
    add(
        "--unknown",
        type=number,
        default=0.0,
        metavar="SHARE",
        help="share of clips that say other words of the voice (default: 0)",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--speakers", type=names, default=(), metavar="A,B", help="named speakers, divided among the splits"
    )
    who.add_argument(
        "--styles", choices=("fresh",), default="fresh", help="draw a new style for each round of the words"
    )
    add("--speeds", type=a_range, metavar="A:B", help="range of speeds, such as 0.8:1.2")
    add("--pitches", type=a_range, metavar="A:B", help="range of pitches in semitones, such as -2:2")
    add("--clarities", type=a_range, metavar="A:B", help="range of clarity, such as 0:1")
    add(
        "--held-out",
        type=two_shares,
        default=(0.1, 0.1),
        metavar="V,T",
        help="shares for validation and test (default: 0.1,0.1)",
    )
    add(
        "--effects",
        type=names,
        default=(),
        metavar="A,B",
        help="any of rooms, noise, codecs: each is applied to half of the clips",
    )
    add(
        "--check",
        choices=("pocketsphinx",),
        help="classifier that must recognise the word; other clips are kept apart",
    )
    add("--rate", type=whole_number, metavar="HZ", help="sampling rate (default: the voice's own)")
    add("--seconds", type=number, metavar="S", help="one length for all clips (default: each its own)")
    add("--seed", type=whole_number, default=0, metavar="N", help="seed of all random draws (default: 0)")
    add("--shard", type=whole_number, default=1000, metavar="N", help="clips in a shard (default: 1000)")
    add("--workers", type=whole_number, metavar="N", help="processes (default: one per core)")
    add("--ray", metavar="ADDRESS", help="make the clips on a running Ray cluster; `local` starts one here")
    add(
        "--part",
        type=a_part,
        metavar="I/N",
        help="make only part I of N (from 0), on one of N machines; without it, make what is left and finish",
    )


def run(arguments: argparse.Namespace) -> None:
    """Make the data set or a part of it, and print where it is and what it holds."""
    from voxlet.datasets.build import make_dataset, make_part
    from voxlet.datasets.request import Request
    from voxlet.datasets.stores import open_store
    from voxlet.engines.choice import chosen_engine
    from voxlet.speak.library import find_voice
    from voxlet.speak.voice import Voice
    from voxlet.speak.voice_file import read_voice

    path = find_voice(arguments.voice)
    file = read_voice(path)
    asked = {name: getattr(arguments, flag) for flag, name in RANGES.items()}
    request = Request(
        count=arguments.count,
        labels=arguments.labels,
        speakers=arguments.speakers,
        unknown=arguments.unknown,
        ranges=tuple((name, *pair) for name, pair in asked.items() if pair is not None),
        held_out=arguments.held_out,
        format=arguments.format,
        rate=arguments.rate,
        seconds=arguments.seconds,
        effects=arguments.effects,
        check=arguments.check,
        seed=arguments.seed,
        shard=arguments.shard,
    )
    plan = request.plan(file, Voice(file, threads=1))
    store = open_store(arguments.out)
    engine = chosen_engine(arguments.workers, arguments.ray)
    if arguments.part is not None:
        own = make_part(plan, path.read_bytes(), store, engine, part=arguments.part)
        clips, (number, count) = sum(shard.stop - shard.start for shard in own), arguments.part
        print_answer(f"{store.place}: part {number} of {count}: {clips:,} clips in {len(own):,} shards")
        return
    card = make_dataset(plan, path.read_bytes(), store, engine)
    splits = card["splits"]
    counts = ", ".join(f"{name} {row['clips']:,}" for name, row in splits.items())
    rejected = sum(row["rejected"] for row in splits.values())
    print_answer(f"{store.place}: {counts}" + (f", rejected {rejected:,}" if plan.check else ""))
