"""A report as a list of blocks, rendered as Markdown or HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Block:
    """A section of the report: a heading, and optional paragraphs, table and picture."""

    title: str
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()  # the first row is the header
    picture: str | None = None


def markdown(blocks: list[Block]) -> str:
    """The report as Markdown, as repositories display it."""
    lines: list[str] = []
    for depth, block in enumerate(blocks):
        lines += [f"{'#' if depth == 0 else '##'} {block.title}", ""]
        for paragraph in block.paragraphs:
            lines += [paragraph, ""]
        if block.table:
            head, *rows = block.table
            lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
            lines += [f"| {' | '.join(row)} |" for row in rows] + [""]
        if block.picture:
            lines += [f"![{block.title}]({block.picture})", ""]
    return "\n".join(lines)


def as_html(blocks: list[Block]) -> Iterator[str]:
    """The report as lines of HTML; the pictures are files beside the page."""
    for depth, block in enumerate(blocks):
        if depth:
            yield f"<h2>{html.escape(block.title)}</h2>"
        for paragraph in block.paragraphs:
            yield "<p>" + re.sub("`(.+?)`", r"<code>\1</code>", html.escape(paragraph)) + "</p>"
        if block.table:
            head, *rows = block.table
            yield "<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"
            for row in rows:
                yield "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            yield "</table>"
        if block.picture:
            title = html.escape(block.title)
            yield f'<p><img src="{block.picture}" alt="{title}" style="max-width: 100%"></p>'
