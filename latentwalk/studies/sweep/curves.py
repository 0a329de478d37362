"""The curves of a sweep: means and spread over seeds along an axis; drawn, as a table, and in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from latentwalk.errors import unknown
from latentwalk.models.prior import StandardNormal
from latentwalk.studies.sweep.points import heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLUMNS",
    "Curve",
    "Display",
    "curves",
    "display",
    "draw",
    "grouped",
    "label",
    "means",
    "means_table",
    "numeral",
    "numeric",
    "sentences",
    "short",
    "shown",
    "varied",
]

Row = Mapping[str, Any]
FLAT = 0.02  # of the largest value: a smaller change is none


@dataclass(frozen=True, slots=True)
class Display:
    """How a column of numbers is shown; {prior} stands for the title of what the models draw from.

    said: in a sentence, of its curves. chart: above these. head: above the column of a table. Empty: it is not shown there.
    digits: after the point. better: "higher" or "lower" numbers; "" where neither is.
    """

    said: str = ""
    chart: str = ""
    head: str = ""
    digits: int = 2
    better: str = "higher"


COLUMNS = {
    "completeness": Display("completeness under {prior}", "Completeness under {prior}", "complete, {prior}"),
    "reach": Display("the reach of {prior}", "Reach of {prior}", "reach, {prior}"),
    "matched_completeness": Display(head="complete, Gaussian"),
    "matched_reach": Display(head="reach, Gaussian"),
    "continuity": Display("continuity", "Continuity", "continuity"),
    "error": Display("reconstruction error", "Reconstruction error", "error", 4, "lower"),
    "active": Display("the number of active dimensions", "Active dimensions", "active", 1, ""),
    "class_accuracy": Display(head="class acc."),
    "epochs": Display(better="lower"),
    "seconds": Display(better="lower"),
}


def display(name: str) -> Display:
    """How a column is shown: a measure that is not in `COLUMNS` by its own name, the ends of an interval nowhere."""
    if name in COLUMNS or name.endswith(("_low", "_high")):
        return COLUMNS.get(name, Display())
    return Display(heading(name), heading(name).capitalize(), heading(name))


def shown(rows: Sequence[Row], where: Literal["said", "chart", "head"]) -> dict[str, Display]:
    """The columns with numbers in them that are shown in sentences, above charts or in tables: `COLUMNS` first."""
    known = numeric(rows)
    names = [*(name for name in COLUMNS if name in known), *(name for name in known if name not in COLUMNS)]
    return {name: found for name in names if getattr(found := display(name), where)}


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a chart. x: values of an axis, in order. mean, low, high: of the seeds at each."""

    name: str
    x: tuple[Any, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def curves(rows: Sequence[Row], y: str, x: str, hue: str | None = None) -> list[Curve]:
    """A curve of column `y` over axis `x` for every value of axis `hue`; trials that failed are left out.

    Along any further axis all trials count, as those of several seeds do. Raises ConfigError for a column without numbers.
    """
    known = numeric(rows)
    if y not in known:
        raise unknown("display", y, known)
    found = []
    for line in _values(rows, hue) if hue is not None else [None]:
        of = [row for row in rows if (hue is None or row[hue] == line) and row.get(y) is not None]
        at = {value: [float(row[y]) for row in of if row[x] == value] for value in _values(of, x)}
        ends = [tuple(float(end(values)) for values in at.values()) for end in (np.mean, np.min, np.max)]
        if at:
            found.append(Curve("" if hue is None else label(hue, line), tuple(at), *ends))
    return found


def means(rows: Sequence[Row], by: Sequence[str]) -> list[dict[str, Any]]:
    """A row a combination of the columns `by`: the mean of each number over the trials that did not fail; `seeds`: how many."""
    columns, found = numeric(rows), []
    for key, group in grouped(rows, by).items():
        values = {name: [row[name] for row in group if row.get(name) is not None] for name in columns}
        means_ = {name: float(np.mean(some)) if some else None for name, some in values.items()}
        done = sum(row["failure"] is None for row in group)
        found.append({**dict(zip(by, key, strict=True)), "seeds": done, **means_})
    return found


def grouped(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by their values in the columns `by`, in the order of these."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    places = [{value: at for at, value in enumerate(_values(rows, name))} for name in by]
    order = sorted(groups, key=lambda key: [place[value] for place, value in zip(places, key, strict=True)])
    return {key: groups[key] for key in order}


def numeric(rows: Sequence[Row]) -> list[str]:
    """The columns with something measured in them: numbers right of the seed."""
    done = [row for row in rows if row["failure"] is None]
    names = list(done[0])[list(done[0]).index("seed") + 1 :] if done else []
    return [name for name in names if any(isinstance(row[name], (int, float)) for row in done)]


def varied(rows: Sequence[Row], axes: Sequence[str]) -> list[str]:
    """The axes along which these trials differ."""
    return [axis for axis in axes if len(_values(rows, axis)) > 1]


def short(value: Any) -> str:
    """A value of an axis as people write it."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def label(axis: str, value: Any) -> str:
    """A value with its axis: "8 dimensions", "beta 0.25", "widths 512-256"; a name stands for itself: "conv"."""
    if axis in ("latent", "rows") and value is not None:
        return f"1 {heading(axis).removesuffix('s')}" if value == 1 else f"{short(value)} {heading(axis)}"
    alone = isinstance(value, str) and not value[:1].isdigit()
    return value if alone else f"{heading(axis)} {short(value)}"


def numeral(value: float, digits: int) -> str:
    """.86 for shares, 0.0123 for errors, 7.5 and 8 for counts."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if digits == 2 else text.removesuffix(".0")


# ---------------------------------------------------------------------- drawn


def draw(axes: "Axes", found: Sequence[Curve], colours: Sequence[str] = ()) -> list[tuple[float, float]]:
    """Lines with points at what was tried, and a band from the lowest to the highest seed; returns where each line ends.

    colours: one a line, if given. Numbers stand where they belong, on a logarithmic axis where they span a factor of four;
    names stand in a row.
    """
    values = _in_order(value for curve in found for value in curve.x)
    numbers = all(isinstance(value, (int, float)) for value in values)
    place = {value: float(value) if numbers else float(at) for at, value in enumerate(values)}
    for at, curve in enumerate(found):
        x = [place[value] for value in curve.x]
        (line,) = axes.plot(x, curve.mean, marker="o", markersize=3.5, linewidth=1.8, label=curve.name or None)
        if colours:
            line.set_color(colours[at % len(colours)])
        axes.fill_between(x, curve.low, curve.high, color=line.get_color(), alpha=0.16, linewidth=0)
    if numbers and len(values) > 1 and min(values) > 0 and max(values) >= 4 * min(values):
        axes.set_xscale("log", base=2)
    axes.set_xticks(list(place.values()), [short(value) for value in values])
    axes.minorticks_off()
    return [(place[curve.x[-1]], curve.mean[-1]) for curve in found]


# ---------------------------------------------------------------------- in words


def sentences(rows: Sequence[Row], axes: Sequence[str], prior: str = StandardNormal.title) -> list[str]:
    """What each curve over the first axis that varies does, at the first and the last value of the second; and what is best.

    prior: the title of what the models draw from.
    """
    over = varied(rows, axes)
    if not over:
        return []
    x, hue = over[0], next(iter(over[1:]), None)
    said = []
    for y, column in shown(rows, "said").items():
        found, name = curves(rows, y, x, hue), column.said.format(prior=prior)
        ends = [found[0], found[-1]] if len(found) > 1 else found
        parts = [(f"with {curve.name} it " if curve.name else "") + _course(curve, x, column.digits) for curve in ends]
        said.append(f"{name[0].upper()}{name[1:]}{':' if hue else ''} {'; '.join(parts)}.")
    if over[2:]:
        said.append(f"All these are means over the values of {' and '.join(map(heading, over[2:]))}.")
    return [*said, *_best(rows, over, prior)]


def _course(curve: Curve, x: str, digits: int) -> str:
    """What one curve does, from its first point to its last."""
    values, last, whole = curve.mean, len(curve.mean) - 1, partial(label, x)

    def at(index: int, say: Callable[[Any], str] = short) -> str:
        return f"{numeral(values[index], digits)} at {say(curve.x[index])}"

    if last == 0:
        return f"is {at(0, whole)}"
    for extreme, there, back in ((max(values), "rises", "falls"), (min(values), "falls", "rises")):
        peak = values.index(extreme)
        if _apart(curve, 0, peak) and _apart(curve, peak, last):
            return f"{there} from {at(0, whole)} to {at(peak)}, and {back} to {at(last)}"
    if not _apart(curve, 0, last):
        return f"hardly changes: {at(0, whole)}, {at(last)}"
    return f"{'rises' if values[-1] > values[0] else 'falls'} from {at(0, whole)} to {at(last)}"


def _apart(curve: Curve, one: int, other: int) -> bool:
    """Whether two points of a curve differ by more than a trifle, and no seed of the one reaches into those of the other."""
    a, b = curve.mean[one], curve.mean[other]
    overlap = curve.low[one] <= curve.high[other] and curve.low[other] <= curve.high[one]
    return abs(a - b) > FLAT * max(abs(a), abs(b)) and not overlap


def _best(rows: Sequence[Row], over: Sequence[str], prior: str) -> list[str]:
    """Which combination is the most complete, and what it costs; where no dimension is active, that is no merit."""
    done = [row for row in means(rows, over) if row.get("completeness") is not None and row.get("active") != 0]
    if len(done) < 2:
        return []
    best, exact = max(done, key=lambda row: row["completeness"]), min(done, key=lambda row: row["error"])
    told = f"The highest mean completeness under {prior}, {numeral(best['completeness'], 2)}, is that of {_names(best, over)}"
    if best is exact:
        return [f"{told}, as is the least error, {exact['error']:.4f}."]
    return [f"{told} (error {best['error']:.4f}); the least error, {exact['error']:.4f}, that of {_names(exact, over)}."]


def _names(row: Row, axes: Sequence[str]) -> str:
    return ", ".join(label(axis, row[axis]) for axis in axes)


# ---------------------------------------------------------------------- as a table


def means_table(rows: Sequence[Row], by: Sequence[str]) -> str:
    """The means as an HTML table, for notebooks."""
    known = [name for name in rows[0] if display(name).head and name not in by and name != "seeds"]
    names = [*by, "seeds", *(name for name in known if any(row[name] is not None for row in rows))]
    head = "".join(f"<th>{escape(heading(name))}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(_cell(row[name]))}</td>' for name in names)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _values(rows: Sequence[Row], axis: str) -> list[Any]:
    """The values on an axis."""
    return _in_order(row[axis] for row in rows)


def _in_order(values: Iterable[Any]) -> list[Any]:
    """Each value once: numbers in order, names as they came."""
    found = list(dict.fromkeys(values))
    return sorted(found) if all(isinstance(value, (int, float)) for value in found) else found
