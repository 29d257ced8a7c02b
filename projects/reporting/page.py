"""A report page: sections of text, tables and figures, written as one HTML file without outside links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import escape


@dataclass
class Table:
    """A table with a header row.

    Args:
        header (list[str]): Column names.
        rows (list[list[str]]): Cells as text, as many per row as there are columns.
        caption (str): One sentence below the table. Defaults to ''.
        best (set[tuple[int, int]]): ``(row, column)`` of the cells to set in bold. Defaults to none.
        about (Mapping[str, str]): What a column or a row is, by its name; shown when one points at it. Defaults to
            none.

    A line break in a cell is one on the page, and a space in the terminal.

    Raises:
        ValueError: If a row has another number of cells than the header.
    """

    header: list[str]
    rows: list[list[str]]
    caption: str = ''
    best: set[tuple[int, int]] = field(default_factory=set)
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ValueError(f'row {i} of the table has {len(row)} cells, expected {len(self.header)}: {row}')


@dataclass
class Figure:
    """A picture with a caption: inline SVG, or a data URI of a bitmap.

    Args:
        content (str): ``<svg ...>`` text or a ``data:image/...`` URI.
        caption (str): What the reader sees.
        wide (bool): Whether the figure takes the whole width. Defaults to True.
    """

    content: str
    caption: str
    wide: bool = True

    @property
    def is_svg(self) -> bool:
        """Whether the content is inline SVG."""
        return self.content.lstrip().startswith('<svg')

    @property
    def svg(self) -> str:
        """The inline SVG as one picture, which is read out as its caption."""
        return self.content.lstrip().replace('<svg', f'<svg role="img" aria-label="{escape(self.caption)}"', 1)


@dataclass
class Comparison:
    """Two pictures of one size under a slider that uncovers the second one.

    Args:
        before (str): ``data:image/...`` URI.
        after (str): The same of the picture that is uncovered from the right.
        names (tuple[str, str]): What each of them shows.
        caption (str): What the reader sees.
    """

    before: str
    after: str
    names: tuple[str, str]
    caption: str


@dataclass
class Section:
    """A titled part of the page.

    Args:
        title (str): Its heading.
        paragraphs (list[str]): Text, which comes first. Defaults to none.
        tables (list[Table]): What comes after the text. Defaults to none.
        figures (Sequence[Figure | Comparison]): What comes last. Defaults to none.
        collapsed (bool): Whether only the heading is seen until the reader opens the part. Defaults to False.
        words (list[tuple[str, str]]): Terms and what they mean, behind the text. Defaults to none.
        figures_first (bool): Whether the figures come before the tables. Defaults to False.
    """

    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: Sequence[Figure | Comparison] = ()
    collapsed: bool = False
    words: list[tuple[str, str]] = field(default_factory=list)
    figures_first: bool = False


@dataclass
class Page:
    """A whole report.

    Args:
        title (str): Title of the page.
        lead (str): The result in one or two sentences.
        sections (list[Section]): Parts in reading order.
        facts (list[tuple[str, str]]): Name and value of what the numbers were measured with (date, hardware, seed).
        warning (str): What a reader must know before any number; stays in sight as a banner. Defaults to '' (none).
        links (list[tuple[str, str]]): Text and file name of pages that lie beside this one. Defaults to none.
        commands (list[tuple[str, str]]): What a reader may run next: what it does, and the line. Defaults to none.
        points (list[str]): What the first screen says after the lead, a sentence each. Defaults to none.
    """

    title: str
    lead: str
    sections: list[Section] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    warning: str = ''
    links: list[tuple[str, str]] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)
    points: list[str] = field(default_factory=list)

    def to_html(self) -> str:
        """Render the page as one HTML document; all text is escaped."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True)
        )
        return environment.get_template('page.html.j2').render(page=self)
