"""p(x | z): what a decoder says about the data, and so what "reconstruction loss" means.

bernoulli             binary values; gray values in [0, 1] read as probabilities (the usual binary cross-entropy)
continuous-bernoulli  values in [0, 1] that are not binary, with the density that makes the above integrate to one
gaussian              anything real; sigma fixed, one learned number, or one for every element from the decoder
    student-t             tables: anything real, with heavy tails
    negative-binomial     tables: counts; where rows have totals, these by themselves, and portions of them (see `portions`)
    mixed                 tables: to each column its own of gaussian, student-t, negative-binomial and categorical
    units                 texts: each unit given those before it, up to an end
    spectral              sounds: how strong each frequency is at each time, and nothing of the phase (see `heard`)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal, get_args

from latentwalk.checks import COUNTED, digits_of, own_numbers
from latentwalk.data.columns import Column
from latentwalk.data.scaling import ScalingName
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.conditional import Head
from latentwalk.models.heads import BernoulliHead, ContinuousBernoulliHead, GaussianHead, ObservedHead
from latentwalk.models.heard import SpectralHead
from latentwalk.models.mixed import DEFAULTS, ColumnLikelihood, MixedHead
from latentwalk.models.portions import PortionsHead
from latentwalk.models.spectra import Frames

__all__ = ["OF_COLUMNS", "Likelihood", "LikelihoodKind", "likelihood_named"]

LikelihoodKind = Literal[
    "bernoulli", "continuous-bernoulli", "gaussian", "student-t", "negative-binomial", "mixed", "units", "spectral"
]
KINDS: tuple[LikelihoodKind, ...] = get_args(LikelihoodKind)
OF_COLUMNS = ("student-t", "negative-binomial", "mixed")
FITS: dict[str, tuple[ColumnLikelihood, ...]] = {
    "continuous": ("gaussian", "student-t"),
    "count": ("negative-binomial",),
    "category": ("categorical",),
}


@dataclass(frozen=True, slots=True)
class _Values:
    """How the values of one kind of data are read.

    real: their scaling for a density over all numbers. share: their scaling for numbers in [0, 1]. ranged: whether these are
    the ends of a range of their own, such as black and white. binary: the share of values near either end from which they are
    read as (nearly) yes or no.
    """

    real: ScalingName
    share: ScalingName
    ranged: bool
    binary: float


VALUES: dict[Kind, _Values] = {
    "image": _Values("unit", "unit", ranged=True, binary=0.7),
    "table": _Values("standard", "none", ranged=False, binary=1.0),
    "signal": _Values("standard", "none", ranged=False, binary=1.0),
    "sound": _Values("standard", "none", ranged=False, binary=2.0),
    "text": _Values("none", "none", ranged=True, binary=1.0),
    "music": _Values("none", "none", ranged=True, binary=1.0),
    "film": _Values("unit", "unit", ranged=True, binary=0.7),
    "roll": _Values("none", "none", ranged=False, binary=1.0),
}


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The distribution a decoder gives.

    sigma, for "gaussian": a number, "shared" (learned) or "each" (from the decoder). columns, for "mixed": the distribution of
    columns by name, {"income": "student-t"}, where it is not the usual one of the column's kind.
    """

    kind: LikelihoodKind = "gaussian"
    sigma: float | Literal["shared", "each"] = "shared"
    columns: Mapping[str, ColumnLikelihood] | Sequence[tuple[str, ColumnLikelihood]] = ()

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.kind not in KINDS:
            raise unknown("likelihood", self.kind, KINDS)
        object.__setattr__(self, "columns", tuple(sorted(dict(self.columns).items())))
        for named in dict(self.columns).values():
            if named not in get_args(ColumnLikelihood):
                raise unknown("likelihood of a column", named, get_args(ColumnLikelihood))
        if isinstance(self.sigma, str):
            if self.sigma not in ("shared", "each"):
                raise unknown("sigma", self.sigma, ("shared", "each"))
        elif not (isinstance(self.sigma, Real) and 0 < self.sigma <= COUNTED):
            raise ConfigError(
                f"sigma={self.sigma!r} is not a standard deviation. Expected a number above 0, at most {COUNTED:g}."
            )

    def head(self, spec: DataSpec) -> Head:
        """The head for data like `spec`; what is missing there has no part in its log-likelihood."""
        axes = len(spec.event)
        if spec.totals is not None:
            return PortionsHead(spec.columns, spec.totals)
        if spec.columns:
            return MixedHead(spec.columns, self.of_columns(spec.columns))
        match self.kind:
            case "bernoulli":
                head: Head = BernoulliHead(axes)
            case "continuous-bernoulli":
                head = ContinuousBernoulliHead(axes)
            case "spectral":
                return SpectralHead(Frames.usual(spec.shape[0], spec.rate), spec.event[0])
            case _:
                head = GaussianHead(axes, self.sigma)
        return ObservedHead(head) if spec.missing else head

    def scaling(self, spec: DataSpec) -> ScalingName:
        """How the data must be scaled for it. Raises ConfigError when the data's range cannot be read as [0, 1]."""
        if self.kind in OF_COLUMNS and not spec.form.columned:
            raise ConfigError(f'likelihood="{self.kind}" is for tables; the data is a {spec.kind}. Use "gaussian".')
        if (self.kind == "units") != spec.form.serial:
            needed = "units" if spec.form.serial else "gaussian"
            raise ConfigError(f'likelihood="{self.kind}" is not for a {spec.kind}. Use "{needed}", or leave it out.')
        if self.kind == "spectral" and (not spec.form.heard or spec.missing):
            what = "sounds in which samples are missing" if spec.form.heard else f"a {spec.kind}"
            raise ConfigError(f'likelihood="spectral" is for whole sounds; the data is {what}. Use "gaussian".')
        values = VALUES[spec.kind]
        if spec.form.serial:
            return values.real
        if self.kind in ("gaussian", "spectral") or spec.columns:
            return values.real
        if spec.low < 0 or (not values.ranged and spec.high > 1):
            worst = spec.low if spec.low < 0 else spec.high
            raise ConfigError(
                f'likelihood="{self.kind}" needs values in [0, 1]; X holds {digits_of(worst)}. '
                'Use likelihood="gaussian", or scale X.'
            )
        return values.share

    def of_columns(self, columns: Sequence[Column]) -> list[ColumnLikelihood]:
        """The distribution of each column. Raises ConfigError for one that does not fit the column's kind."""
        asked = dict(self.columns)
        for name in asked:
            if name not in (known := [column.name for column in columns]):
                raise unknown("column of the likelihood", name, known)
        heavy = {"continuous": "student-t"} if self.kind == "student-t" else {}
        found = [asked.get(column.name, (DEFAULTS | heavy)[column.kind]) for column in columns]
        for column, named in zip(columns, found, strict=True):
            if named not in FITS[column.kind]:
                raise ConfigError(
                    f"column {column.name!r} is a {column.kind} column and cannot have a {named} likelihood. "
                    f"Expected {' or '.join(FITS[column.kind])}."
                )
        return found  # type: ignore[return-value]  # checked

    @property
    def is_density(self) -> bool:
        """Whether log-likelihoods are densities, which change with the units of the data."""
        return self.kind not in ("bernoulli", "units")


def likelihood_named(name: "str | Likelihood", spec: DataSpec) -> Likelihood:
    """The likelihood of that name; "auto" chooses from the data; a Likelihood is given back as it is.

    auto: negative binomial for rows of counts with totals; Bernoulli for binary tables and for images most of whose values lie
    at the ends of their range (ink on paper); spectral for whole sounds; otherwise a Gaussian with one learned sigma.
    """
    if isinstance(name, Likelihood) and type(name) is not Likelihood:
        raise ConfigError(f"{type(name).__name__} is a subclass of Likelihood, and a saved model could not be loaded again.")
    if isinstance(name, Likelihood):
        return name
    if name == "auto" and spec.totals is not None:
        return Likelihood("negative-binomial")
    if name in ("auto", "gaussian") and spec.columns:
        return Likelihood("mixed")
    if name == "auto" and spec.form.serial:
        return Likelihood("units")
    if name == "auto" and spec.form.heard and not spec.missing:
        return Likelihood("spectral")
    if name != "auto":
        if name not in KINDS:
            raise unknown("likelihood", name, ("auto", *KINDS))
        return Likelihood(name)
    values = VALUES[spec.kind]
    unit_range = spec.low == 0 and (values.ranged or spec.high == 1)
    return Likelihood("bernoulli" if unit_range and spec.extreme >= values.binary else "gaussian")
