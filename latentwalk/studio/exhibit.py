"""What the page is told about a run: its codes, what is known of each row, how examples look, and where no data lies.

The page holds all codes, so that any plane through the space, the nearest examples and holes are found there, in the moment
the pointer moves. Where they are too many numbers for that, as those of frames of films are, it is told where they fall on a
plane, and asks for the nearest. What codes decode to is asked of the model.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.checks import several
from latentwalk.data.columns import is_time
from latentwalk.data.spec import DataSpec
from latentwalk.drawing.rolls import roll_png, roll_wav
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.space import LatentSpace
from latentwalk.models.collapse import ACTIVE
from latentwalk.studio.films import ShownFilms, letters

__all__ = ["POINTS", "TILES", "Exhibit", "Fact"]

POINTS = 100_000  # examples on a map, unless told otherwise
NUMBERS = 2**25  # in all of their codes, at most
HELD = 2**21  # of them, up to which the page has all codes; beyond, where they fall on a plane, and others when it asks
TILES = 256  # examples drawn at once
NEAR = 4  # times as many as are asked for are measured exactly
WIDE = 16  # tiles side by side on a sheet of them
CLASSES = 1_000  # of a column, from which on it is taken for numbers, or left out
TAILS = np.array([0.15865525393145707, 0.5, 0.8413447460685429])  # one deviation to either side, of N(0, 1)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of each row: a category, as numbers of `classes` (-1 for none), or a number (NaN for none)."""

    name: str
    values: NDArray[np.float32]  # (n,)
    classes: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, Any]:
        """What there is to choose from, as JSON values."""
        kind = "category" if self.classes else "number"
        found = self.values[np.isfinite(self.values)]
        low, high = (float(found.min()), float(found.max())) if found.size else (0.0, 0.0)
        return {"name": self.name, "kind": kind, "classes": list(self.classes), "low": low, "high": high}


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A run as the page shows it: some rows of its space.

    name: what it is called in addresses. title: on the page. rows: (n,) which rows of all these are. total: how many there are.
    names: (n,) what each row is called, or empty. films: those whose frames all the rows are, where they are films'.
    room: so many numbers of codes the page holds, at most.
    """

    name: str
    title: str
    space: LatentSpace
    rows: NDArray[np.intp]
    total: int
    names: tuple[str, ...] = ()
    films: ShownFilms | None = None
    room: int = HELD

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        space: LatentSpace,
        names: Sequence[str] = (),
        *,
        most: int = POINTS,
        films: ShownFilms | None = None,
        room: int = HELD,
    ) -> "Exhibit":
        """The exhibit of a space; of more rows than `most`, some that are drawn at random, the same each time."""
        if space.spec is None:
            raise ConfigError(f"{title} does not say what an example is, so there is nothing to show.")
        total, most = len(space), max(2, min(most, NUMBERS // space.dim))
        rows = np.arange(total)
        if total > most:
            rows = np.sort(np.random.default_rng(0).permutation(total)[:most])
            space = space.among(rows)
            names = [names[row] for row in rows.tolist()] if len(names) == total else ()
        return cls(name, title, space, rows, total, tuple(names) if len(names) == len(rows) else (), films, room)

    # ------------------------------------------------------------------ facts

    @property
    def spec(self) -> DataSpec:
        """What an example is."""
        assert self.space.spec is not None
        return self.space.spec

    @property
    def held(self) -> bool:
        """Whether the page has all codes. Of two dimensions, or one, they are where they fall."""
        return self.space.dim <= 2 or self.space.codes.size <= self.room

    @cached_property
    def known(self) -> tuple[Fact, ...]:
        """All that is known of each row: its label, attributes, whether it was held out, columns of its table."""
        space, found = self.space, []
        if space.labels is not None:
            classes = space.classes or tuple(str(value) for value in np.unique(space.labels))
            labels = space.labels if space.classes else np.unique(space.labels, return_inverse=True)[1]
            found.append(Fact("label", labels.astype(np.float32), classes))
        found += [one for name, values in space.attributes.items() if (one := _fact(name, values)) is not None]
        if space.held_out is not None:
            found.append(Fact("held out", space.held_out.astype(np.float32), ("learnt from", "held out")))
        named = self.spec.named if self.spec.form.columned else ()
        flat = np.asarray(space.data).reshape(len(space), -1) if named else None
        for at, column in enumerate(named):
            assert flat is not None
            values = flat[:, at].astype(np.float32)
            if column.kind != "category":
                found.append(Fact(column.name, values))
            elif len(column.categories) <= CLASSES:
                values = np.where(np.isfinite(values) & (values < len(column.categories)), values, -1)
                found.append(Fact(column.name, values.astype(np.float32), tuple(map(str, column.categories))))
        seen: dict[str, Fact] = {}
        for one in found:
            seen.setdefault(one.name, one)
        return tuple(seen.values())

    @cached_property
    def about(self) -> dict[str, Any]:
        """All that the page has to know before it draws, as JSON values."""
        space, spec = self.space, self.spec
        codes = space.codes.astype(np.float64)
        spread = codes.std(axis=0)
        active = spread**2 > (ACTIVE if space.scales.any() else 0)
        origin = space.origin
        channel = spec.axes.channel
        return {
            "name": self.name,
            "title": self.title,
            "kind": spec.kind,
            "shape": list(spec.shape),
            "channel": channel if channel != -1 else len(spec.shape) - 1,
            "low": spec.low,
            "high": spec.high,
            "dim": space.dim,
            "held": self.held,
            "shown": len(space),
            "total": self.total,
            "recipe": None if origin is None else origin.recipe.name,
            "generative": bool(origin is not None and origin.recipe.generative),
            "posterior": bool(space.scales.any()),
            "mean": codes.mean(axis=0).tolist(),
            "deviation": np.where(spread > 0, spread, 1.0).tolist(),
            "activity": (spread**2).tolist(),
            "active": active.tolist(),
            "range": np.quantile(codes, [0.001, 0.999], axis=0).T.tolist(),
            "principal": self._principal(codes),
            "prior": self._prior(),
            "holes": self.holes,
            "columns": [one.about for one in self.known],
            "table": self._table(),
            "lines": self._lines(),
            "rate": spec.rate,
            "tiled": spec.kind != "table",
            "conditions": list(space.classes) if space.condition is not None else [],
            "names": bool(self.names),
            "encodes": space.encode is not None,
            "films": None if self.films is None else self.films.about,
        }

    @cached_property
    def holes(self) -> dict[str, Any] | None:
        """The density whose low places are holes, as the page computes it; None where there are too few codes.

        "inverse": of each component the lower triangle, row by row, float64 in base64: digits would take five times the room.
        """
        try:
            found = self.space.kept(Holes)
        except DataError:
            return None
        mixture = found.density
        inverse = np.linalg.inv(mixture.roots)
        volume = np.log(np.abs(np.diagonal(mixture.roots, axis1=1, axis2=2))).sum(axis=1)
        constant = np.log(mixture.weights) - volume - mixture.dim / 2 * np.log(2 * np.pi)
        return {
            "level": found.level,
            "constant": constant.tolist(),
            "shift": np.einsum("kij,kj->ki", inverse, mixture.means).ravel().tolist(),
            "inverse": letters(inverse[:, *np.tril_indices(mixture.dim)], "<f8"),
        }

    def _principal(self, codes: Array) -> dict[str, Any] | None:
        if codes.shape[1] <= 2:
            return None
        plane = Plane.of(self.space)
        return {"mean": plane.origin.tolist(), "axes": plane.axes.tolist()}

    def _prior(self) -> dict[str, Any]:
        low, middle, high = self.space.prior_quantiles(TAILS)
        return {"title": self.space.prior_title, "mean": middle.tolist(), "deviations": ((high - low) / 2).tolist()}

    def _table(self) -> list[dict[str, Any]] | None:
        """The columns of a table, as far as the page has to know them to write a value; None for what is no table."""
        if not self.spec.form.columned:
            return None
        named = self.spec.named
        if not named:
            return [{"name": f"x{at + 1}", "kind": "number"} for at in range(self.spec.size)]
        return [
            {
                "name": column.name,
                "kind": "date" if is_time(column.dtype) else column.kind,
                "whole": "int" in column.dtype.lower(),
                "categories": [str(value) for value in column.categories[:CLASSES]],
            }
            for column in named
        ]

    def _lines(self) -> list[float] | None:
        """Between which values signals and sounds are drawn; None for all else."""
        painter = self.space.painter
        if self.spec.kind not in ("signal", "sound") or painter is None:
            return None
        return [float(painter.low), float(painter.high)]

    # ------------------------------------------------------------------ bytes

    def codes(self) -> bytes:
        """The codes (n, D), float32, row by row."""
        return np.ascontiguousarray(self.space.codes, "<f4").tobytes()

    def places(self, axes: str) -> bytes:
        """Where all codes fall on a plane, (n, 2), float32. axes: "principal", or two dimensions: "0,1". Raises ConfigError."""
        codes, plane = self.space.codes, self.about["principal"] if axes == "principal" else None
        if plane is not None:
            across = np.array(plane["axes"]).T
            found = codes @ across.astype(np.float32) - np.array(plane["mean"]) @ across
        else:
            known, pair = [str(one) for one in range(self.space.dim)], axes.split(",")
            if len(pair) != 2 or not set(pair) <= set(known):
                raise ConfigError(f"axes={axes!r:.40}: expected principal, or two dimensions up to {known[-1]}, as 0,1.")
            found = codes[:, [int(one) for one in pair]]
        return np.ascontiguousarray(found, "<f4").tobytes()

    def nearest(self, code: Array, count: int, shown: str | None = None) -> list[tuple[int, float]]:
        """The rows whose codes lie nearest to one (D,), and how far, in deviations: up to `count`, the nearest first.

        shown: of which rows, a bit for each, the lowest first, in base64. Raises DataError.
        """
        weights, squares = self._metric
        z = np.asarray(code, np.float32)
        away = squares - 2 * (self.space.codes @ (weights * z))  # and |z|², which is the same for all
        if shown is not None:
            away = np.where(self._chosen(shown), away, np.inf)
        some = np.argpartition(away, min(NEAR * count, len(away)) - 1)[: NEAR * count]
        some = some[np.isfinite(away[some])]
        exact = np.sqrt((np.square(self.space.codes[some] - z, dtype=np.float64) * weights).sum(axis=1))
        order = np.argsort(exact, kind="stable")[:count]
        return [(int(some[at]), float(exact[at])) for at in order]

    @cached_property
    def _metric(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """1 / variance of each dimension, (D,), and the square of each code so measured, (n,)."""
        codes = self.space.codes
        spread = codes.std(axis=0, dtype=np.float64)
        weights = (1 / np.square(np.where(spread > 0, spread, 1.0))).astype(np.float32)
        return weights, np.square(codes) @ weights

    def _chosen(self, shown: str) -> NDArray[np.bool_]:
        """Which rows (n,) the bits stand for. Raises DataError."""
        try:
            bits = np.frombuffer(base64.b64decode(shown, validate=True), np.uint8)
        except ValueError:
            bits = np.zeros(0, np.uint8)
        if len(bits) != -(-len(self.space) // 8):
            raise DataError(f"expected a bit for each of {len(self.space):,} rows, in base64.")
        return np.unpackbits(bits, count=len(self.space), bitorder="little").astype(bool)

    def codes_of(self, rows: Sequence[int]) -> bytes:
        """The codes of some rows, (m, D), float32, row by row. Raises ConfigError."""
        return np.ascontiguousarray(self.space.codes[self.checked(rows)], "<f4").tobytes()

    def scales(self) -> bytes:
        """The posterior's deviations (n, D), float32, row by row."""
        return np.ascontiguousarray(self.space.scales, "<f4").tobytes()

    def numbers(self) -> bytes:
        """Which rows of all these are, (n,), uint32."""
        return self.rows.astype("<u4").tobytes()

    def column(self, at: int) -> bytes:
        """The values (n,) of one of `known`, float32."""
        if not 0 <= at < len(self.known):
            raise ConfigError(f"column {at} is not among the {len(self.known)} that are known.")
        return self.known[at].values.astype("<f4").tobytes()

    def examples(self, rows: Sequence[int] | NDArray[np.intp]) -> Array:
        """Some of the rows shown, as examples (m, *E). Raises ConfigError."""
        return np.asarray(self.space.data[self.checked(rows)])

    def checked(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.intp]:
        """Numbers of rows shown, (m,). Raises ConfigError."""
        found = np.asarray(several("rows", list(rows), "numbers"), dtype=np.intp).reshape(-1)
        if found.size and not (found.min() >= 0 and found.max() < len(self.space)):
            raise ConfigError(f"a row is not among the {len(self.space):,} that are shown.")
        return found

    def tiles(self, rows: Sequence[int]) -> dict[str, Any]:
        """Small pictures of rows, on one sheet: {"png", "width", "height", "columns", "count"}; texts as {"texts"}.

        Raises ConfigError for more than `TILES`, and for a table, whose rows are no pictures.
        """
        if len(rows) > TILES:
            raise ConfigError(f"{len(rows)} tiles are more than are drawn at once, {TILES}.")
        return self.sheet(rows)

    def sheet(self, rows: Sequence[int] | NDArray[np.intp]) -> dict[str, Any]:
        """As `tiles`, of any number of rows. Raises ConfigError."""
        painter = self.space.painter
        if painter is None or self.spec.form.columned:
            raise ConfigError("rows of a table are not drawn as tiles.")
        x = self.examples(rows)
        if self.spec.kind == "text":
            return {"texts": self.spec.said(x)}
        columns = min(WIDE, len(x))
        short = -len(x) % columns
        sheet = painter.sheet(np.concatenate([x, x[:1].repeat(short, axis=0)]), columns, gap=0)
        return {key: sheet[key] for key in ("png", "width", "height")} | {"columns": columns, "count": len(x)}

    def shown(self, x: Array) -> bytes | dict[str, Any]:
        """Examples x (m, *E) as the page draws them: float32, row by row, or what texts and music stand for."""
        spec = self.spec
        if not spec.spoken:
            return np.ascontiguousarray(x, "<f4").tobytes()
        said = spec.said(x)
        if spec.score is None:
            return {"texts": said}
        return {"rolls": [roll_png(piece) for piece in said], "sounds": [roll_wav(piece) for piece in said]}

    def decode(self, z: Array) -> Array:
        """What codes z (m, D) decode to: (m, *E). Raises DataError."""
        return self.space.decoded_rows(np.asarray(z, np.float32))

    def holding(self, words: str) -> list[int]:
        """The rows whose text holds these words, in whatever case; none where examples are no texts."""
        wanted = words.casefold()
        return [row for row, text in enumerate(self._texts) if wanted in text]

    @cached_property
    def _texts(self) -> list[str]:
        """What each row says, in one case."""
        x = np.asarray(self.space.data)
        return [text.casefold() for text in self.spec.said(x)] if self.spec.kind == "text" else []

    def named(self) -> list[str]:
        """What each row is called: its name, or its number."""
        return list(self.names) if self.names else [str(row) for row in self.rows]


def _fact(name: str, values: Array) -> Fact | None:
    """An attribute as something known of each row; None for what is neither numbers nor few words."""
    values = np.asarray(values)
    if values.dtype.kind in "biuf" and values.ndim == 1:
        numbers = values.astype(np.float32)
        observed = numbers[np.isfinite(numbers)]
        if observed.size and np.isin(observed, (0, 1)).all():
            return Fact(name, np.where(np.isfinite(numbers), numbers, -1).astype(np.float32), ("no", "yes"))
        return Fact(name, numbers)
    if values.dtype.kind in "OU" and values.ndim == 1:
        classes, which = np.unique(values.astype(str), return_inverse=True)
        return Fact(name, which.astype(np.float32), tuple(classes.tolist())) if len(classes) <= CLASSES else None
    return None
