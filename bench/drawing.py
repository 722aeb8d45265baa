"""Charts of benchmarks: bars for amounts, and marks left or right of 1 for ratios."""

from __future__ import annotations

from math import floor, log10

from litsock.observe.svg import Picture

LABELS, AREA, NOTES, LINE = 230, 360, 110, 24  # pixels: columns, and the height of a row


def draw_bars(
    rows: list[tuple[str, float, float, float, str]],  # label, median, smallest, largest, and the median in words
    title: str,
    scale: str = "linear",  # or "log"
) -> Picture:
    "A bar for each row."
    said = "; ".join(f"{label}: {words}" for label, *_, words in rows)
    picture = chart(len(rows), title, said)
    place = by_tens(rows) if scale == "log" else lambda value: AREA * value / max(row[3] for row in rows)
    for number, (label, middle, low, high, words) in enumerate(rows):
        y = 30 + number * LINE
        name_row(picture, y, label, words)
        picture.box(LABELS, y + 4, round(place(middle), 1), LINE - 9, 0.25)
        picture.line(round(LABELS + place(low), 1), y + LINE / 2, round(LABELS + place(high), 1), y + LINE / 2)
    return picture


def chart(count, title, said) -> Picture:
    "An empty picture for so many rows."
    picture = Picture(LABELS + AREA + NOTES, 40 + count * LINE, f"{title}. {said}")
    picture.label(1, 16, title, 14, "start")
    return picture


def name_row(picture, y, label, words):
    picture.label(LABELS - 8, y + 16, label, 12, "end")
    picture.label(LABELS + AREA + 10, y + 16, words, 12, "start")


def by_tens(rows):
    "Where a value stands on a logarithmic scale, from the power of ten below the smallest."
    first, last = floor(log10(min(row[2] for row in rows))), log10(max(row[3] for row in rows))
    return lambda value: AREA * (log10(value) - first) / (last - first)


def draw_ratios(
    rows: list[tuple[str, float, float, float, float | None]],  # label, median, smallest, largest, target
    title: str,
) -> Picture:
    "A mark for each row, left or right of 1."
    picture = chart(len(rows), title, "; ".join(f"{label}: {middle:.2f}" for label, middle, *_ in rows))
    ends = [abs(log10(value)) for _, *values in rows for value in values if value]
    reach = max(*ends, log10(1.5)) * 1.05
    middle_x = LABELS + AREA / 2
    picture.line(middle_x, 26, middle_x, 30 + len(rows) * LINE)

    def place(value):
        return round(middle_x + AREA / 2 * log10(value) / reach, 1)

    for number, (label, middle, low, high, target) in enumerate(rows):
        y = 30 + number * LINE
        name_row(picture, y, label, f"{middle:.2f}")
        picture.line(place(low), y + LINE / 2, place(high), y + LINE / 2)
        picture.box(place(middle) - 4, y + LINE / 2 - 5, 8, 10, 0.8)
        if target:
            picture.line(place(target), y + 3, place(target), y + LINE - 3, dashed=True)
    return picture
