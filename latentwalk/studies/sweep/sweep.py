"""What shapes a latent space? Models trained over a grid of data, dimensions, architecture, …, and each one judged.

    Sweep({"latent": [2, 4, 8], "recipe__beta": [0.25, 1, 4]}, seeds=3, folder="sweep").fit(train, test).plot()

The grid is scikit-learn's (`ParameterGrid`, `ParameterSampler`); what is found is kept trial by trial (`ledger`), so that a
sweep can be stopped, gone on with, and made larger.
"""

import os
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from latentwalk.chance import seed_of
from latentwalk.checks import MADE, flag, whole
from latentwalk.data.dataset import Dataset, join
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.halves import parts
from latentwalk.errors import ConfigError, DataError, TrainingError, TrainingStopped, TrainingWarning, unknown
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.prior import PRIORS
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.studies.comparison import check_enough
from latentwalk.studies.judgement import Judgement, definite, judge
from latentwalk.studies.methods import Tried, attempt, trained
from latentwalk.studies.sweep import curves
from latentwalk.studies.sweep.ledger import Ledger, identity
from latentwalk.studies.sweep.points import DATA, Grid, Setting, check_axes, check_options, heading, settings, value_name
from latentwalk.surroundings import hushed
from latentwalk.training.progress import progressed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sweep"]

Row = dict[str, Any]
Data = Dataset | ArrayLike
ALWAYS = ("error", "active", "class_accuracy", "epochs", "seconds", "warning", "failure")  # columns of any trial


class Sweep:
    """A model for every combination of values, trained from every seed, and judged as `Comparison` judges.

    grid: values by axis. An axis is any parameter of `Autoencoder` ("latent", "network", "recipe", "likelihood", …), of its
    recipe ("recipe__beta") or its network ("network__widths"), or "rows": how many rows, drawn at random, are learnt from
    (fewer are gone through more often, for the same number of steps). recipe, options: of `Autoencoder`, where no axis says
    otherwise. seeds: how many, or which. n_iter: so many combinations, drawn at random by random_state; an axis may then be a
    distribution of scipy.stats. folder: keeps every finished trial, and the one in progress; fitting again goes on there,
    also with a larger grid. most: points a side that completeness is judged by (see `criteria.completeness`). progress: draw
    a bar while fitting, on a terminal.

    Learned: results_ (a list of flat dicts, a trial each), axes_ (names of the axes, "data" first where there are several data
    sets), prior_ (the title of what all models draw from), interrupted_ (whether Ctrl-C cut it short).

    >>> rows = np.random.default_rng(0).normal(size=(400, 4))
    >>> sweep = Sweep({"latent": [1, 2]}, "ae", epochs=2, batch_size=64).fit(rows)
    >>> [(row["latent"], row["active"]) for row in sweep.results_]
    [(1, 1), (2, 2)]
    """

    def __init__(
        self,
        grid: Grid,
        recipe: str | Recipe = "vae",
        *,
        seeds: int | Sequence[int] = 1,
        n_iter: int | None = None,
        random_state: int = 0,
        folder: str | os.PathLike[str] | None = None,
        most: int = 20_000,
        progress: bool = True,
        **options: Any,
    ) -> None:
        self.grid = grid
        self.recipe = recipe
        self.seeds = seeds
        self.n_iter = n_iter
        self.random_state = random_state
        self.folder = folder
        self.most = most
        self.progress = progress
        self.options = options

    def fit(self, train: Data | Mapping[str, Data], test: Data | Mapping[str, Data] | None = None) -> Self:
        """Train and judge every trial that is not done yet, on data sets or arrays (n, *E), or several of them by name.

        Without `test`, a tenth of the rows (at least 20) is held out to judge by. All trials on one data set are judged by the
        same rows, however many they learnt from. A trial whose training or judging fails is a row that says why.
        Ctrl-C ends it: what is finished is kept, and a warning says how to go on.
        Raises ConfigError, DataError, before anything is trained; CheckpointError.
        """
        self._check()
        seeds, data = self._seeds(), _named(train, test)
        counts = {name: len(one.train) for name, one in data.items()}
        points = settings(self.grid, counts, seeds, self.n_iter, self.random_state)
        trials = [_Trial.of(one, data[one.data], self.recipe, self.options, self.most) for one in points]
        self.axes_ = [*([DATA] if len(data) > 1 else []), *self.grid]
        self.interrupted_ = False
        with Ledger(None if self.folder is None else Path(self.folder)) as ledger:
            ledger.check_data({name: one.about for name, one in data.items()})
            try:
                self._run([trial for trial in trials if ledger.find(trial.about) is None], len(trials), ledger)
            except KeyboardInterrupt:
                self.interrupted_ = True
            rows = [(trial.setting.named, ledger.find(trial.about)) for trial in trials]
        done = [(named, found) for named, found in rows if found is not None]
        empty = {column: None for _, found in done for column in found}
        self.results_ = [named | empty | found for named, found in done]
        titles = {trial.prior for trial in trials}
        self.prior_ = definite(titles.pop()) if len(titles) == 1 else "its own prior"
        if self.interrupted_:
            self._tell_stopped(len(trials))
        return self

    def means(self) -> list[Row]:
        """A row a combination of values: the mean of every number over the seeds that did not fail, and how many these are."""
        return curves.means(self._results(), self._columns())

    def best(self, by: str = "completeness") -> Row:
        """The row of `means` that is best by this column: the highest, or the lowest where less is better (error, seconds)."""
        rows = [row for row in self.means() if row.get(by) is not None]
        if not rows:
            raise ConfigError(f"no trial has a number called {by!r}. There are: {', '.join(curves.numeric(self._results()))}.")
        return (min if curves.display(by).better == "lower" else max)(rows, key=lambda row: row[by])

    def plot(self, y: str = "completeness", x: str | None = None, hue: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """A curve of `y` over axis `x` for every value of axis `hue`, with a band from the lowest to the highest seed.

        x, hue: the first two axes that have several values unless given; along any other, trials count as those of several
        seeds do. ax: matplotlib's; that of a new figure unless given.
        """
        from matplotlib.figure import Figure  # slow, and only for who draws

        rows, shown = self._results(), curves.varied(self._results(), self.axes_)
        x = x or next(iter(shown), self.axes_[0])
        hue = hue or next((axis for axis in shown if axis != x), None)
        for name in filter(None, (x, hue)):
            if name not in self.axes_:
                raise unknown("axis", name, self.axes_)
        found = curves.curves(rows, y, x, hue)
        axes = Figure().subplots() if ax is None else ax
        curves.draw(axes, found)
        axes.set_xlabel(heading(x))
        axes.set_ylabel(heading(y))
        if hue is not None:
            axes.legend(frameon=False)
        return axes

    def summary(self) -> list[str]:
        """What the curves say, in words."""
        return curves.sentences(self._results(), self.axes_, self.prior_)

    def _repr_html_(self) -> str:
        return f"<pre>{self!r}</pre>" if not hasattr(self, "results_") else curves.means_table(self.means(), self._columns())

    def __repr__(self) -> str:
        axes = (f"{axis}: {'…' if hasattr(some, 'rvs') else [*map(value_name, some)]}" for axis, some in self.grid.items())
        done = f", {len(self.results_)} trials" if hasattr(self, "results_") else ""
        return f"Sweep({{{', '.join(axes)}}}{done})"

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        """Raise ConfigError for what cannot be swept over."""
        check_axes(self.grid, drawing=self.n_iter is not None)
        check_options(self.options, self.grid)
        flag("progress", self.progress)
        seed_of(self.random_state, "random_state")
        whole("n_iter", self.n_iter, "combinations to draw", least=1, none="all")
        whole("most", self.most, "points to judge completeness by", least=100, none="the usual")

    def _seeds(self) -> list[int]:
        given: Any = self.seeds
        if isinstance(given, Integral):
            given = range(int(given) if not isinstance(given, bool) and int(given) <= MADE else 0)
        seeds = list(given) if isinstance(given, Iterable) and not isinstance(given, (str, bytes)) else []
        numbers = all(isinstance(seed, Integral) and int(seed) >= 0 for seed in seeds)
        if not seeds or not numbers or len(set(seeds)) < len(seeds):
            raise ConfigError(f"seeds={self.seeds!r}: expected how many (at least 1), or different whole numbers.")
        return seeds

    def _run(self, trials: Sequence["_Trial"], total: int, ledger: Ledger) -> None:
        """Make these trials, one after the other, with a bar."""
        made, start, number = self._made(trials, ledger), time.perf_counter(), count(1)

        def said(trial: "_Trial") -> str:
            return f"{trial.setting} · {60 * next(number) / (time.perf_counter() - start):.1f} a minute"

        done = total - len(trials)
        for _ in progressed(made, total, done, title="sweep", unit="trial", said=said) if self.progress else made:
            pass

    def _made(self, trials: Sequence["_Trial"], ledger: Ledger) -> Iterator["_Trial"]:
        for trial in trials:
            ledger.add(trial.about, trial.found(ledger.checkpoint(trial.about)))
            yield trial

    def _tell_stopped(self, total: int) -> None:
        how = f"fit again with folder={str(self.folder)!r}" if self.folder else "give a folder, and fit again after a stop"
        warnings.warn(
            f"the sweep was stopped after {len(self.results_)} of {total} trials; these are kept. To go on: {how}.",
            TrainingStopped,
            stacklevel=3,
        )

    def _results(self) -> list[Row]:
        if not getattr(self, "results_", None):
            raise ConfigError("the sweep has no results yet. Fit it first.")
        return self.results_

    def _columns(self) -> list[str]:
        """What tells one combination from another."""
        return [DATA, *self.grid]


@dataclass(frozen=True, slots=True)
class _Data:
    """A data set to learn from and one to judge by. both: their rows together, those to judge by marked."""

    train: Dataset
    both: Dataset
    held_out: NDArray[np.bool_]
    about: dict[str, Any]

    @classmethod
    def of(cls, name: str, train: Data, test: Data | None) -> Self:
        train, test = parts(train, test)
        check_enough(train, test)
        if train.x.shape[1:] != test.x.shape[1:]:
            raise DataError(f"{name}: rows to judge by have shape {test.x.shape[1:]}; those to learn from {train.x.shape[1:]}.")
        both = join(train, test)
        labels = {} if both.y is None else {"labels": fingerprint(both.y)}
        about = {"name": name, "train": fingerprint(train), "test": fingerprint(test), **labels}
        return cls(train, both, np.arange(len(both)) >= len(train), about)

    def rows(self, count: int | None, seed: int) -> Dataset:
        """`count` of the rows to learn from. The rows of a smaller count are among those of a larger."""
        if count is None or count == len(self.train):
            return self.train
        return self.train.take(np.sort(np.random.default_rng(seed).permutation(len(self.train))[:count]))


@dataclass(frozen=True, slots=True)
class _Trial:
    """A setting on its data. model: untrained. about: all that its numbers depend on, as JSON values."""

    setting: Setting
    data: _Data
    model: Autoencoder
    most: int
    about: dict[str, Any]

    @classmethod
    def of(cls, setting: Setting, data: _Data, recipe: str | Recipe, options: Mapping[str, Any], most: int) -> Self:
        model = setting.model(recipe, options, len(data.train))
        about = {
            "params": identity(model.get_params(deep=False)),
            "rows": setting.rows or len(data.train),
            "most": most,
            "data": data.about,
        }
        return cls(setting, data, model, most, about)

    @property
    def prior(self) -> str:
        """The title of what its model draws from."""
        prior = recipe_named(self.model.recipe).prior
        return (PRIORS[prior] if isinstance(prior, str) else prior).title

    def found(self, checkpoint: Path | None) -> Row:
        """Train and judge. What fails while training or judging is told in the row; wrong options are raised."""
        try:
            with hushed(TrainingWarning):  # the judgement says it again
                rows = self.data.rows(self.setting.rows, self.setting.seed)
                fit = partial(trained, clone(self.model), rows, checkpoint)
                tried = attempt(fit, self.data.both, self.data.held_out)
        except TrainingError as error:
            return _row(failure=str(error))
        try:
            return _measured(judge(tried.space, self.setting.seed, most=self.most), tried)
        except DataError as error:
            return _row(failure=str(error))


def _named(train: Data | Mapping[str, Data], test: Data | Mapping[str, Data] | None) -> dict[str, _Data]:
    """Each data set by its name."""
    if not isinstance(train, Mapping):
        if isinstance(test, Mapping):
            raise ConfigError("test names several data sets, train does not. Give both by name.")
        name = train.name if isinstance(train, Dataset) else "data"
        return {name: _Data.of(name, train, test)}
    tests: Any = {} if test is None else test
    if not train or not isinstance(tests, Mapping) or not tests.keys() <= train.keys():
        raise ConfigError(f"expected data sets to judge by under the same names as those to learn from: {', '.join(train)}.")
    return {str(name): _Data.of(str(name), one, tests.get(name)) for name, one in train.items()}


def _measured(judged: Judgement, tried: Tried) -> Row:
    """The columns of a finished trial."""
    epochs = tried.model.history_ if tried.model is not None else []
    found: Row = {}
    for one in judged.measures.values():
        name = one.title.replace(" ", "_")
        found |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return found | _row(
        error=judged.error,
        active=judged.active,
        class_accuracy=judged.class_accuracy,
        epochs=len(epochs),
        seconds=sum(epoch.seconds for epoch in epochs),
        warning=judged.warning,
    )


def _row(**found: Any) -> Row:
    """What was found, in the columns that any trial has."""
    return {name: found.get(name) for name in ALWAYS}
