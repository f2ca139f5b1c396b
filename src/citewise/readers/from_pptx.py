"""PowerPoint presentations: one page for each slide, with its tables, charts and notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from citewise.limits import ReadLimits
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.layout import Layout, flat
from citewise.readers.packed import check_packed

__all__ = ["read_pptx"]

_DEEPEST_GROUP = 20
# Shapes this near each other in height stand in one row: half a centimetre in EMU.
_SAME_ROW = 180_000


def read_pptx(data: bytes, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a presentation.

    Raises:
        UnusableFileError: damaged, encrypted, or too large.
    """
    import pptx

    check_packed(data, limits)
    layout, pages = Layout(), []
    for slide in pptx.Presentation(io.BytesIO(data)).slides:
        tick()
        pages.append(layout.mark())
        _add_slide(layout, slide)
    return Extracted(layout.text(), tuple(pages))


def _add_slide(layout: Layout, slide: Any) -> None:
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        layout.heading(1, title.text_frame.text)
    for shape in _in_reading_order(_leaves(slide.shapes, 0)):
        if title is None or shape.shape_id != title.shape_id:
            _add_shape(layout, shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            layout.paragraph(f"Notes: {notes}")


def _leaves(shapes: Iterable[Any], depth: int) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            if depth < _DEEPEST_GROUP:
                yield from _leaves(shape.shapes, depth + 1)
        else:
            yield shape


def _in_reading_order(shapes: Iterable[Any]) -> list[Any]:
    """From top to bottom, and from left to right where they stand side by side."""
    placed = sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))
    rows: list[list[Any]] = []
    for shape in placed:
        if rows and (shape.top or 0) - (rows[-1][0].top or 0) < _SAME_ROW:
            rows[-1].append(shape)
        else:
            rows.append([shape])
    return [shape for row in rows for shape in sorted(row, key=lambda shape: shape.left or 0)]


def _add_shape(layout: Layout, shape: Any) -> None:
    if getattr(shape, "has_table", False) and shape.has_table:
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        layout.table(rows[0], rows[1:]) if rows else None
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        _add_chart(layout, shape.chart)
    elif shape.has_text_frame:
        _add_text(layout, shape)


def _add_text(layout: Layout, shape: Any) -> None:
    paragraphs = [p for p in shape.text_frame.paragraphs if flat(p.text)]
    listed = len(paragraphs) > 1 or any(p.level for p in paragraphs)
    for paragraph in paragraphs:
        words = paragraph.text.replace("\v", " ")
        layout.item(words, paragraph.level) if listed else layout.paragraph(words)


def _add_chart(layout: Layout, chart: Any) -> None:
    """The numbers behind a chart, as a table."""
    if chart.has_title and chart.chart_title.has_text_frame:
        layout.paragraph(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        series = list(plot.series)
        categories = [str(category) for category in plot.categories]
        rows = [
            [name, *(_value(one.values, i) for one in series)] for i, name in enumerate(categories)
        ]
        layout.table(["", *(one.name or "" for one in series)], rows)


def _value(values: Any, index: int) -> str:
    value = values[index] if index < len(values) else None
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
