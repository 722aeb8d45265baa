"""The page of benchmarks, from what `python -m bench --json bench/results.json` left behind. `bench/__main__.py` tells what is in it."""

import json
from math import ceil, floor, log2
from pathlib import Path
from statistics import median

from litsock.observe.svg import Picture

TOP = Path(__file__).resolve().parent.parent
RESULTS = TOP / "bench" / "results.json"
CHAPTER = TOP / "nbs" / "61_performance.ipynb"
WRITE_THEM = "make bench ARGS='--json bench/results.json'"

WIDTH, NAMES, RIGHT, ROW, TOP_EDGE = 760, 190, 20, 24, 34
UNITS = ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)


def write(target: Path) -> None:
    "The page; without results, one that says how to get them."
    if RESULTS.exists():
        text = page(json.loads(RESULTS.read_text(encoding="utf-8")))
    else:
        text = f"No results are here: there is no `{RESULTS.relative_to(TOP)}`. `{WRITE_THEM}` measures, and writes it."
        print(f"{RESULTS.relative_to(TOP)} is missing, so the page of benchmarks is empty: {WRITE_THEM}")
    target.write_text(f"# How fast it is\n\n{text}\n", encoding="utf-8")


def page(found):
    "What was measured where, a picture of all ratios, and the table."
    cases, machine = found["cases"], found["machine"]
    chapter = " [The chapter on performance](61_performance.ipynb) tells where the time goes." if CHAPTER.exists() else ""
    order = sorted(cases, key=lambda name: -cases[name]["ratio"]["median"])
    return f"""Both modules do the same work in one process, in turn, round by round. The **ratio** is the standard module's figure
divided by litsock's in the same round: above 1, litsock is better. The figures here are medians of {found["rounds"]} rounds, with
the smallest and the largest ratio beside them.{chapter} `make bench` measures on your machine.

{about(machine)}

```{{raw}} html
<div class="wide">{plot({name: cases[name] for name in order})._repr_html_()}</div>
```

A dot is the median, the line through it goes from the smallest ratio to the largest, and the open mark is what the case is
meant to reach, where it is meant to reach something.

| case | one … | standard | litsock | ratio | min – max | target | system calls |
|---|---|--:|--:|--:|--:|--:|---|
{chr(10).join(line(name, cases[name]) for name in order)}

The last column counts the system calls of one operation: the standard module's, and litsock's.

## What a case is

{chr(10).join(f"**{name}**{chr(10)}: {cases[name]['about']}{chr(10)}" for name in cases)}
"""


def about(machine):
    "What the figures depend on."
    where = f"Measured on {machine['processor']}; {machine['kernel']}; {machine['python']}; litsock {machine['litsock']}"
    return where + (f", {machine['date']}." if "date" in machine else ".")


def line(name, case):
    "A row of the table."
    ratio, calls = case["ratio"], case.get("calls")
    target = f"{case['target']:g}" if case["target"] else "–"
    counts = f"{calls['standard']}, {calls['litsock']}" if calls else "–"
    standard, litsock = (amount(median(case[who]), case["unit"]) for who in ("standard", "litsock"))
    cells = f"`{name}`", case["operation"], standard, litsock, f"**{ratio['median']:.2f}**", spread(ratio), target, counts
    return "| " + " | ".join(cells) + " |"


def spread(ratio):
    return f"{ratio['min']:.2f} – {ratio['max']:.2f}"


def amount(figure, unit):
    "A figure, in the unit that suits it."
    if unit == "bytes":
        return f"{figure:.3g} B"
    name, size = next((one for one in UNITS if figure >= one[1]), UNITS[-1])
    return f"{figure / size:.3g} {name}"


def plot(cases):
    "All ratios, on a scale where twice as fast and half as fast are equally far from 1."
    ratios = [case["ratio"] for case in cases.values()]
    first, last = floor(log2(min(ratio["min"] for ratio in ratios))), ceil(log2(max(ratio["max"] for ratio in ratios)))
    height = TOP_EDGE + ROW * len(cases) + 10
    words = "Ratios of speed. " + "; ".join(f"{name} {case['ratio']['median']:.2f} ({spread(case['ratio'])})" for name, case in cases.items())
    picture = Picture(WIDTH, height, words)

    def across(ratio):
        return round(NAMES + (log2(ratio) - first) / (last - first) * (WIDTH - NAMES - RIGHT), 1)

    for power in range(first, last + 1):
        x = across(2**power)
        picture.label(x, 14, f"{2**power:g}×", 12)
        picture.add(f'<g opacity="{0.3 if power else 1}">')
        picture.line(x, 22, x, height)
        picture.add("</g>")
    for number, (name, case) in enumerate(cases.items()):
        ratio, y = case["ratio"], TOP_EDGE + ROW * number + ROW // 2
        picture.label(NAMES - 10, y + 4, name, 12, "end", mono=True)
        picture.line(across(ratio["min"]), y, across(ratio["max"]), y)
        picture.add(f'<circle cx="{across(ratio["median"])}" cy="{y}" r="5" fill="currentColor"/>')
        if case["target"]:
            picture.add(f'<rect x="{across(case["target"]) - 3}" y="{y - 7}" width="6" height="14" fill="none" stroke="currentColor"/>')
    return picture
