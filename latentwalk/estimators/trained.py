"""All that a fit made, as one value: it encodes, decodes, draws, scores, and is looked at as a latent space."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from latentwalk.arrays import Array
from latentwalk.checks import COUNTED, MADE, digits_of, flag, whole
from latentwalk.data.adopt import as_known
from latentwalk.data.columns import Column, check_known, decoded, is_frame, plain_columns
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_plain, check_finite, position
from latentwalk.data.frames import cells_like, framed_like, imputed_like, mended, of_kind
from latentwalk.data.rows import changed_by_row, first_outside, picked
from latentwalk.data.scaling import as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError, NotGenerativeError, SamplingWarning
from latentwalk.estimators.conditions import Conditions, Labels
from latentwalk.estimators.gaps import without_gaps
from latentwalk.estimators.given import as_learnt, by_place, called, held_mask, narrowed, over
from latentwalk.latent.codes import check_draws
from latentwalk.latent.completion import ENCODED, QUICK, check_sampler, completion, quick_sampler
from latentwalk.latent.criteria.measure import Measure, percent
from latentwalk.latent.encoded import Condition
from latentwalk.latent.origin import Origin
from latentwalk.latent.samplers import KINDS, FittedSampler, Isotropic, Posterior, Sampler, Vamp
from latentwalk.latent.space import LatentSpace
from latentwalk.models.decoding import Decoding
from latentwalk.models.inference import Coder, signature
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.prior import Prior, StandardNormal
from latentwalk.models.recipes import Recipe
from latentwalk.networks.build import Network
from latentwalk.networks.denoiser import Denoiser
from latentwalk.networks.layers import channels_last
from latentwalk.saving.scorer import Verdict, scorer_file
from latentwalk.training.history import Epoch

__all__ = ["Trained"]

Codes = NDArray[np.float32]
MISSING = 0.8  # of draws that land where codes lie: with fewer, a prior is told to miss
MOST_INPUTS = 1_000  # columns of plain numbers beyond which a scorer takes all of them as one array


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model and how it came about; `model` alone changes, where training goes on.

    features: what the columns of a table are called, () where they have no names, or names that are no text. epochs,
    learning_rate: as asked for.
    validation_rows: the rows of X on which the best weights were chosen. interrupted: whether Ctrl-C cut the fit short.
    sampler: fitted to its codes, if one was; quick: whether it is the one that every fit ends with; sampler_seconds: what it
    took. likeness: how like the codes the draws of each that was a candidate are, by its kind. prior_share: of draws from the
    prior that land where codes lie, see `completion.Quick`; None where that is not known.
    labels: those it is told of examples, where it takes a condition.
    denoiser: what takes noise off the data, where that learnt to do so better than codes do; guided: whether it does so better
    when it is told what the codes say.
    """

    model: LatentModel
    spec: DataSpec
    recipe: Recipe
    network: Network
    likelihood: Likelihood
    features: tuple[str, ...] = ()
    epochs: int = 20
    learning_rate: float = 1e-3
    history: tuple[Epoch, ...] = ()
    validation_rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    interrupted: bool = False
    sampler: FittedSampler | None = None
    labels: Labels | None = None
    likeness: Mapping[str, Measure] = field(default_factory=dict)
    quick: bool = False
    sampler_seconds: float = 0.0
    prior_share: float | None = None
    denoiser: Denoiser | None = None
    guided: bool = False

    @property
    def latent(self) -> int:
        """D, the number of latent dimensions."""
        return self.model.dim

    @property
    def has_own_parts(self) -> bool:
        """Whether a part of it, or what it learnt by, is its maker's own and no option of this library."""
        recipe = self.recipe
        return self.network.bodies is not None or isinstance(recipe.prior, Prior) or callable(recipe.objective)

    def given(self, X: Any, *, gaps: bool = False) -> Array:
        """X as an array (n, *E) like the one learnt from. gaps: whether NaN may be there in any case. Raises DataError."""
        return as_learnt(X, self.spec, self.features, gaps=gaps)

    def seen(self, X: ArrayLike | Dataset, condition: Any, *, gaps: bool = False) -> tuple[Array, Conditions | None]:
        """X as an array (n, *E) like the one learnt from, and its condition: see `told`. Raises ConfigError, DataError."""
        X = as_known(X)
        x = self.given(X, gaps=gaps)
        return x, self.told(condition, X, len(x))

    def narrowed(self, X: ArrayLike | Dataset) -> Any:
        """X without columns that were not learnt from. Raises DataError for one that is missing."""
        X, columns = as_known(X), called(self.spec, self.features)
        return X if by_place(X, self.spec, columns) else narrowed(X, columns)

    def framed(self, x: Array) -> Any:
        """New examples x (n, *E) as the data came: a frame, where the model learnt from one, else an array of its float type.

        The columns of a file that are all numbers are an array where pandas is not installed.
        """
        if self.spec.spoken:
            return self.spec.said(x)
        if not self.spec.named or not (self.spec.framed or find_spec("pandas")):
            return _typed(x, self.spec.dtype)
        frame = decoded(self._whole(x), self.spec.named)
        names = [column.name for column in self.spec.named]
        if not self.features and all(name.isdecimal() for name in names):
            frame.columns = [int(name) for name in names]
        return frame

    def answered(self, answer: Array, x: Array, X: Any) -> Any:
        """An answer (n, *E) about X, which is x as an array: a frame like X, texts, or of the float type of x."""
        if self.spec.spoken:
            return self.spec.said(answer)
        known = as_known(X)
        if is_frame(known) and (columns := self._columns(known)):
            answer = self._whole(answer)
            return of_kind(framed_like(answer[:, : known.shape[1]], columns, known), X)
        if isinstance(known, Dataset) and known.spec.named:
            return self.framed(answer)
        return decoded(self._whole(answer), self.spec.columns) if self.spec.framed else _typed(answer, x.dtype)

    def about_cells(self, values: Array, X: Any) -> Any:
        """What is said of each value of X, values (n, *E): a frame of floats like X, where that is one, else as it is."""
        known = as_known(X)
        if is_frame(known) and (columns := self._columns(known)):
            return of_kind(cells_like(values[:, : known.shape[1]], columns, known), X, typed=False)
        return values

    def imputed(self, x: Array, X: Any, told: Conditions | None = None) -> Any:
        """X, which is x (n, *E) as an array, with its reconstruction where a value is missing; a copy. told: see `told`."""
        known = as_known(X)
        answer = self.impute(x, told)
        answer = np.where(np.isnan(x), self._whole(answer), answer) if self.spec.named else answer
        if is_frame(known) and (columns := self._columns(known)):
            return of_kind(imputed_like(answer[:, : known.shape[1]], columns, known), X)
        if self.spec.framed or (isinstance(known, Dataset) and known.spec.named and self.spec.named and find_spec("pandas")):
            return mended(answer, np.asarray(x, np.float64), self.spec.named)
        return answer

    def _whole(self, x: Array) -> Array:
        """Examples of a table x (n, C) with whole numbers in columns that never held others, whole days in those of days."""
        steps = np.array([one.step or 0 for one in self.spec.limits])
        return np.where(steps > 0, np.rint(x / np.where(steps > 0, steps, 1)) * steps, x) if steps.any() else x

    def _columns(self, frame: Any) -> tuple[Column, ...]:
        """The columns of a frame that was given, in the order and with the types learnt, where the model learnt them."""
        learnt = called(self.spec, self.features)
        return learnt if learnt and not by_place(frame, self.spec, learnt) else plain_columns(frame)

    def told(self, condition: Any, X: Any, rows: int) -> Conditions | None:
        """The condition of so many rows, X: (n, C), or (C,), the same for all; None for a model that takes none.

        condition: a label, n labels, or None: the own ones of a data set. Raises ConfigError, DataError.
        """
        if self.labels is None:
            if condition is not None:
                raise ConfigError("this model takes no condition. Fit one that does: Autoencoder(condition=True).fit(X, y).")
            return None
        if condition is None and isinstance(X, Dataset) and X.y is not None:
            names = np.array(X.classes or [str(value) for value in range(int(X.y.max()) + 1)])
            condition = names[X.y]
        if condition is None:
            raise ConfigError(
                f"this model is told a label with each row. Say it, condition={self.labels.usual!r} for all or (n,) labels, or "
                "give a Dataset that has them."
            )
        return self.labels.told(condition, rows)

    # ------------------------------------------------------------------ there and back

    def encode(self, X: ArrayLike | Dataset, told: Conditions | None = None) -> tuple[Codes, Codes]:
        """Means and deviations of q(z | x) for X (n, *E): (n, D) each. told: see `told`."""
        known = Dataset(X, self.spec) if isinstance(X, np.ndarray) else X  # columns of an array are known by their place
        return Coder(self.model, told).encode(self.given(known))

    def decode(self, Z: ArrayLike, told: Conditions | None = None, decoding: Decoding | None = None, seed: int = 0) -> Array:
        """Likelihood means (n, *E) of codes Z (n, D), in the units of the data. told: see `told`.

        decoding: how units are chosen, with this seed; None: the likeliest. Raises DataError, ConfigError.
        """
        self.check_chosen(decoding)
        coder = Coder(self.model, told)
        return coder.decode(self.codes(Z)) if decoding is None else coder.chosen(self.codes(Z), decoding, seed)

    def check_chosen(self, decoding: Decoding | None) -> None:
        """Raise ConfigError where units are to be chosen and examples have none."""
        if decoding is not None and not self.spec.spoken:
            raise ConfigError(
                f"decoding={decoding.method!r} chooses the units of texts and music, one after the other; the data is a "
                f"{self.spec.kind}. Leave it out."
            )

    def codes(self, Z: ArrayLike) -> Codes:
        """Z as codes (n, D). Raises DataError."""
        try:
            z = np.asarray(as_plain(Z), dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"expected codes (n, {self.latent}), all numbers: {error}.") from error
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise DataError(f"expected codes (n, {self.latent}), got shape {z.shape}.")
        check_finite(z)
        return z

    def reconstruct(self, x: Array, told: Conditions | None = None, decoding: Decoding | None = None, seed: int = 0) -> Array:
        """x (n, *E), encoded to the posterior mean and decoded again; NaN where a signal is over.

        told: see `told`. decoding, seed: see `decode`.
        """
        coder = Coder(self.model, told)
        back = self.decode(coder.encode(x)[0], told, decoding, seed)
        coder.check_decoded(x, back)
        if self.spec.totals is not None:
            back = _of_the_same_total(back, x)
        if self.spec.form.timed and self.spec.missing:
            back[over(x)] = np.nan
        return back

    def denoise(self, x: Array, told: Conditions | None = None, *, guided: bool = True) -> Array:
        """x (n, *E) without its noise; NaN where a signal is over. told: see `told`.

        guided: whether x is like the examples learnt from, so that codes may know what it shows.
        """
        if self.denoiser is None:
            return self.reconstruct(x, told)
        coder, noise = Coder(self.model, told), self.recipe.corruption
        clip = noise is not None and bool(noise.clip)
        back = coder.denoised(x, self.denoiser, guided=guided and self.guided, clip=clip)
        coder.check_decoded(x, back)
        if not self.spec.missing:
            return back
        missing = np.isnan(x)
        if missing.any():
            back[missing] = self.reconstruct(x, told)[missing]
        return back

    def impute(self, x: Array, told: Conditions | None = None) -> Array:
        """A copy of x (n, *E) with its reconstruction where a value is missing. told: see `told`."""
        check_known(x, self.spec.columns)  # what has no name could not be given back
        if self.spec.form.heard and not self.spec.missing:
            return without_gaps(lambda some: self.reconstruct(some, told), x)
        whole = np.array(x)
        if whole.dtype.kind == "f" and (missing := np.isnan(whole)).any():
            whole[missing] = self.reconstruct(x, told)[missing]
        return whole

    def sample(
        self,
        n: int,
        temperature: float,
        source: str | Sampler | None,
        condition: Any,
        seed: int,
        *,
        missing: bool = False,
        noise: bool = False,
        decoding: Decoding | None = None,
    ) -> Array:
        """`n` new examples (n, *E): see `Autoencoder.sample`. noise: drawn from the likelihood, whatever it is.

        Raises NotGenerativeError, ConfigError.
        """
        self.check_chosen(decoding)
        sampler = self._source(source, temperature)
        whole("n", n, "examples", most=COUNTED)
        check_draws(n, self.latent, self.spec.size)
        flag("missing", missing)
        rng = np.random.default_rng(seed)
        z = self.codes(sampler(int(n), rng))
        drawing = self.labels is not None and condition is None
        told = self.labels.drawn(int(n), rng) if self.labels and drawing else self.told(condition, None, int(n))
        coder = Coder(self.model, told)
        if decoding is not None:
            drawn = coder.chosen(z, decoding, int(rng.integers(2**31)))
        else:
            drawn = coder.draw(z, int(rng.integers(2**31))) if noise or self.spec.columns else coder.decode(z)
        if missing:
            drawn.reshape(len(drawn), -1)[self._gaps(len(drawn), rng)] = np.nan
        return drawn

    def _gaps(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which values of `n` rows (n, C) are missing, as in the rows learnt from. Raises ConfigError where no one knows."""
        if not self.spec.form.columned:
            raise ConfigError(f"missing=True leaves out cells of a table; the data is a {self.spec.kind}. Leave it out.")
        if self.spec.missing and self.spec.gaps is None:
            raise ConfigError("this model was saved by a version that kept no gaps, so it cannot draw any. Fit it anew.")
        return np.zeros((n, self.spec.size), dtype=bool) if self.spec.gaps is None else self.spec.gaps.masks(n, rng)

    # ------------------------------------------------------------------ scores

    def bounds(self, x: Array, draws: int, told: Conditions | None = None, *, held: bool = True) -> NDArray[np.float64]:
        """A lower bound on log p(x), in nats, for each row of x (n, *E): (n,). Raises ConfigError, DataError.

        held: whether a row that the model's numbers cannot hold is an error; otherwise its score is no number.
        """
        whole("draws", draws, least=1, most=MADE)
        self.check_range(x)
        coder = Coder(self.model, told)
        found = coder.bound(x, int(draws))
        if held:
            coder.check_scored(x, found)
        return found.astype(np.float64) - self.log_volume

    def log_probs(self, x: Array, told: Conditions | None = None, *, held: bool = True) -> NDArray[np.float64]:
        """log p(value | z) of each value of x (n, *E) at its row's code, in nats of values in units of a deviation.

        (n, *E). held: as of `bounds`.
        """
        coder = Coder(self.model, told)
        found = coder.log_probs(x)
        if held:
            coder.check_scored(x, found)
        return found.astype(np.float64)

    @property
    def log_volume(self) -> float:
        """What a score of scaled data has more than that of the data in its own units, in nats."""
        return self.model.scaling.log_volume if self.likelihood.is_density else 0.0

    def check_range(self, x: Array) -> None:
        """Raise DataError where the likelihood knows no such values: outside the range that was scaled to [0, 1]."""
        if self.limits is None or (strange := first_outside(x, *self.limits)) is None:
            return
        (low, high), (row, *column) = self.limits, strange
        raise DataError(
            f'likelihood="{self.likelihood.kind}" needs values in [{digits_of(low)}, {digits_of(high)}] here; X holds '
            f"{digits_of(x[row][tuple(column)])} at {position(row, column)}. Clip or scale X, or fit with "
            'likelihood="gaussian".'
        )

    @property
    def limits(self) -> tuple[float, float] | None:
        """Outside which values have no likelihood: the range that was scaled to [0, 1]; None where there are no such."""
        if self.likelihood.kind not in ("bernoulli", "continuous-bernoulli"):
            return None
        return (self.spec.low, self.spec.high) if self.spec.form.bounded else (0.0, 1.0)

    def scorer(self, draws: int = 1, verdict: Verdict | None = None) -> bytes:
        """The content of scorer.onnx. draws: for each score. verdict: what a detector knows beside its model.

        Raises ConfigError.
        """
        self.check_valued("a scorer")
        named = () if self.spec.form.timed else called(self.spec, self.features)
        columns = named if self.spec.framed or len(named) <= MOST_INPUTS else ()
        about: dict[str, Any] = {"draws": draws, "volume": self.log_volume, "limits": self.limits, "verdict": verdict}
        return scorer_file(self.model, self.spec, columns, **about)

    def check_valued(self, what: str) -> None:
        """Raise ConfigError for what is done to values, of a model of texts, which have none."""
        if self.spec.form.serial:
            which = "a text has units" if self.spec.score is None else "music is words"
            raise ConfigError(f"{what} is for images, tables and signals: {which}, no values. See reconstruct, sample.")

    def check_reach(self, x: Array) -> None:
        """Raise DataError naming row and column of a value of x (n, *E) that is too far from what scaling was fitted to."""
        self.model.scaling.check_reach(x)

    # ------------------------------------------------------------------ looked at

    def space(
        self,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        held_out: ArrayLike | None = None,
        condition: Any = None,
        decoding: Decoding | None = None,
        seed: int = 0,
    ) -> LatentSpace:
        """The latent space as X (n, *E) sees it: see `Autoencoder.space`. Raises ConfigError, DataError."""
        self.check_chosen(decoding)
        decode = self.decode if decoding is None else partial(self.decode, decoding=decoding, seed=seed)
        X = as_known(X)
        x, told = self.seen(X, y if condition is None and self.labels is not None else condition)
        told = None if told is None else _for_each(told, len(x))
        usual = None if self.labels is None else self._one(self.labels.usual)
        labelled = X if isinstance(X, Dataset) and y is None else Dataset.of(np.zeros((len(x), 1)), y)
        codes, scales = Coder(self.model, told).encode(x)
        return LatentSpace(
            codes=codes,
            scales=scales,
            data=changed_by_row(x, partial(self._filled, codes, told)) if self.spec.missing else x,
            decode=decode if usual is None else partial(decode, told=usual),
            prior=self.model.prior.sampler(),
            labels=labelled.y,
            classes=labelled.classes,
            unit=self.model.scaling.unit,
            held_out=None if held_out is None else held_mask(held_out, len(x)),
            encode=self.encode if usual is None else partial(self.encode, told=usual),
            spec=self.spec,
            attributes=dict(X.factors) if isinstance(X, Dataset) else {},
            model=signature(self.model),
            fitted=self.sampler,
            posterior=Posterior(self.model.encoder, partial(self._inputs, x)) if self._has_posterior else None,
            condition=None if told is None else Condition(told, decode, self.encode, self._one),
            origin=Origin(self.recipe, self.network, self.likelihood, self.epochs, self.learning_rate, self.history),
        )

    def completed(self, X: ArrayLike | Dataset, sampler: str, seed: int, condition: Any = None) -> "Trained":
        """The same with a sampler fitted to the codes of X (n, *E): see `Autoencoder.fit_sampler`."""
        check_sampler(sampler, QUICK)
        if sampler == QUICK:
            x, told = self.seen(X, condition)
            if (found := self.quickened(x, None if told is None else _for_each(told, len(x)), seed)) is self:
                raise DataError(
                    f"these {len(x)} codes of {self.latent} dimensions are too few, or too wide, for a quick sampler. Encode "
                    'more data, or name another: fit_sampler(X, "gaussian").'
                )
            return found
        start = time.perf_counter()
        plain = isinstance(self.model.prior, StandardNormal)
        if sampler == Isotropic.kind and not plain:
            raise ConfigError(
                f'the sampler "prior" is {StandardNormal.title}, and the prior of this model is its own: '
                f'{self.model.prior.title}. It needs no fitting: sample(n, source="prior").'
            )
        space = self.space(X, condition=condition)
        needs = {Isotropic.kind: self.recipe.generative and plain, Vamp.kind: self._has_posterior}
        made = completion(
            space,
            sampler,
            candidates=[kind for kind in KINDS if needs.get(kind, True)],
            held_out=self.validation_rows[self.validation_rows < len(space)],
            seed=seed,
        )
        seconds = time.perf_counter() - start
        return replace(self, sampler=made.sampler, likeness=dict(made.measures), quick=False, sampler_seconds=seconds)

    def quickened(self, x: Array, told: Conditions | None, seed: int) -> "Trained":
        """The same with the quick sampler, fitted to the codes of some rows of x (n, *E); itself where there can be none.

        told: (n, C) what the model is told of them.
        """
        start, rng = time.perf_counter(), np.random.default_rng(seed)
        rows = np.sort(rng.permutation(len(x))[:ENCODED])
        try:
            means, scales = Coder(self.model, None if told is None else told[rows]).encode(picked(x, rows))
        except DataError:  # values too far off for any code
            return self
        own = isinstance(self.recipe.prior, Prior)  # which may not know how to draw
        codes = means + scales * rng.standard_normal(means.shape, np.float32)
        found = quick_sampler(codes, None if own else self.model.prior.sampler(), seed)
        if found is None:
            return self
        seconds = time.perf_counter() - start
        return replace(self, sampler=found.sampler, likeness={}, quick=True, sampler_seconds=seconds, prior_share=found.prior)

    # ------------------------------------------------------------------ inside

    @property
    def _has_posterior(self) -> bool:
        """Whether q(z | x) is a distribution that an example alone decides."""
        return self.recipe.spreads and self.labels is None

    def _one(self, label: Any) -> Conditions:
        """The condition (C,) of a label. Raises ConfigError for one that the model does not know."""
        assert self.labels is not None
        return self.labels.told(label, 1)

    def _filled(self, codes: Codes, told: Conditions | None, rows: NDArray[np.int64], x: Array) -> Array:
        """Rows `rows` of the data, x, with what their codes decode to where a value is missing."""
        return np.where(np.isnan(x), self.decode(codes[rows], None if told is None else told[rows]), x)

    def _inputs(self, x: Array, rows: Array) -> Tensor:
        """Rows of the data, x, as networks see them, with 0 where nothing was observed: (m, *E)."""
        device = next(self.model.parameters()).device
        with torch.no_grad():
            return channels_last(self.model.scaling(as_tensor(x[rows]).to(device)).nan_to_num())

    def _source(self, source: str | Sampler | None, temperature: float) -> Sampler:
        """What to draw codes from. Raises NotGenerativeError, ConfigError."""
        if callable(source):
            return source
        if not (source is None or (isinstance(source, str) and source in ("fitted", "prior"))):
            raise ConfigError(
                f'source={source!r}: a model draws from "fitted" or "prior". For others: fit_sampler(X, "mixture"), or '
                'space(X).sample(n, "mixture").'
            )
        if self.sampler is not None and source != "prior":
            return self.sampler.at(temperature)
        if source == "prior" and self.sampler is not None and not self.recipe.generative:
            raise NotGenerativeError(
                f'recipe "{self.recipe.name}" trains its codes to fill no prior. Draw from the sampler that was fitted to them '
                f'({self.sampler.kind}): sample(n). Or fit recipe="vae".'
            )
        if source == "fitted" or not self.recipe.generative:
            raise NotGenerativeError(
                f'recipe "{self.recipe.name}" has nothing to draw from: '
                + ("no sampler was fitted. " if source == "fitted" else "no known distribution is filled by its codes. ")
                + 'Make it generative: fit_sampler(X, "mixture"), or `latentwalk complete RUN`. Or fit recipe="vae".'
            )
        self._tell_missing()
        return self.model.prior.sampler().at(temperature)

    def _tell_missing(self) -> None:
        """Say that draws from the prior miss the data, where that is known."""
        if self.sampler is not None and self.prior_share is not None and self.prior_share < MISSING:
            warnings.warn(
                f"about {percent(self.prior_share)} of draws from {self.model.prior.title}, the prior, land where the codes of "
                f"the data lie. Without a source, draws come from the sampler fitted to them ({self.sampler.kind}).",
                SamplingWarning,
                stacklevel=5,
            )


def _typed(answer: Array, dtype: np.dtype[Any] | str) -> Array:
    """An answer in the type of the data, where that is a float."""
    own = np.dtype(dtype)
    return answer.astype(own.newbyteorder("="), copy=False) if own.kind == "f" else answer


def _of_the_same_total(back: Array, x: Array) -> Array:
    """Counts (n, *E), scaled so that those of cells that x (n, *E) has add up as in x."""
    seen, axes = ~np.isnan(x), tuple(range(1, x.ndim))
    whole = np.where(seen, back, 0.0).sum(axis=axes, keepdims=True, dtype=np.float64)
    total = np.where(seen, x, 0.0).sum(axis=axes, keepdims=True, dtype=np.float64)
    return (back * (total / np.maximum(whole, np.finfo(np.float32).tiny))).astype(back.dtype)


def _for_each(told: Conditions, rows: int) -> Conditions:
    """A condition (C,) or (n, C) as (n, C)."""
    return np.tile(told, (rows, 1)) if told.ndim == 1 else told
