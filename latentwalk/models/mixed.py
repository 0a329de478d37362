"""p(x | z) for tables: every column has a distribution of its own kind.

    gaussian           one learned sigma a column
    student-t          the same with heavy tails: learned scale and degrees of freedom, more than 2
    negative-binomial  counts; the decoder gives the mean, dispersion is learned a column
    categorical        the decoder gives the logits

Continuous columns come standardised, counts as they are, categories as codes. A cell that is NaN was not observed, and has no
part in anything. What was never seen in training has the probability `OTHER`: another value in a column that was constant, a
category of code K ("other"), a negative count.
Sources: Nazábal et al. 2020, "Handling incomplete heterogeneous data using VAEs"; Lopez et al. 2018, "Deep generative modeling
for single-cell transcriptomics" (the negative binomial).
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Chi2, Distribution, NegativeBinomial, Normal, StudentT
from torch.nn.functional import one_hot, softplus

from latentwalk.data.columns import Column
from latentwalk.data.counts import Totals
from latentwalk.models.conditional import Head
from latentwalk.models.heads import STEEP

__all__ = ["DEFAULTS", "ColumnLikelihood", "Counts", "Inputs", "Mixed", "MixedHead", "Named", "portioned"]

ColumnLikelihood = Literal["gaussian", "student-t", "negative-binomial", "categorical"]
DEFAULTS: dict[str, ColumnLikelihood] = {
    "continuous": "gaussian", "count": "negative-binomial", "category": "categorical",
}  # fmt: skip
NUMERIC = ("gaussian", "student-t", "negative-binomial")
QUICK = 10.0  # Adam moves every parameter by about one learning rate a step; a log-scale may have far to go
LOG_SCALE = (-7.0, 7.0)  # a decoder that reproduces a column exactly would drive its density to infinity
LOG_MEAN = (-12.0, 20.0)  # of a count: exp overflows float32 far beyond
FEWEST_COUNTED = 0.01  # a mean of counts is taken for this much at least
FEWEST_FREEDOM = 2.0  # below, a Student-t has no variance
OTHER = math.log(1e-6)  # at most: less than any value seen has; so little that what was seen need not give it up


class MixedHead(Head):
    """raw (..., R) → `Mixed` over one row (C,). kinds: the distribution of each column."""

    places: Tensor
    log_typical: Tensor
    constant: Tensor | None

    def __init__(self, columns: Sequence[Column], kinds: Sequence[ColumnLikelihood]) -> None:
        super().__init__(axes=1)
        groups = {name: [at for at, kind in enumerate(kinds) if kind == name] for name in (*NUMERIC, "categorical")}
        self.counts = [len(groups[name]) for name in NUMERIC]
        named = [columns[at] for at in groups["categorical"]]
        self.sizes = [column.learnt + bool(column.rare) for column in named]
        self.rare = [column.rare for column in named]
        order = [at for group in groups.values() for at in group]
        self.register_buffer("places", torch.tensor(order).argsort(), persistent=False)  # column → place among the groups
        typical = [math.log(columns[at].typical) for at in groups["negative-binomial"]]
        self.register_buffer("log_typical", torch.tensor(typical), persistent=False)
        constant = [column.constant is not None for column in columns]
        self.register_buffer("constant", torch.tensor(constant) if any(constant) else None, persistent=False)
        gaussian, student, negative = self.counts
        self.slow_log_sigma = nn.Parameter(torch.zeros(gaussian))
        self.slow_log_scale = nn.Parameter(torch.zeros(student))
        self.slow_log_freedom = nn.Parameter(torch.full((student,), 1.0 / QUICK))
        self.slow_log_dispersion = nn.Parameter(torch.zeros(negative))

    def raw_shape(self, event: tuple[int, ...]) -> tuple[int, ...]:
        return (sum(self.counts) + sum(self.sizes),)

    def forward(self, raw: Tensor) -> Distribution:
        mu, loc, log_mean, *logits = raw.split([*self.counts, *self.sizes], dim=-1)
        dispersion = self._bounded(self.slow_log_dispersion)
        log_mean = (log_mean + self.log_typical).clamp(*LOG_MEAN)
        parts: list[Distribution] = [
            Normal(mu, self._bounded(self.slow_log_sigma), validate_args=False),
            HeavyTailed(FEWEST_FREEDOM + self._bounded(self.slow_log_freedom), loc, self._bounded(self.slow_log_scale)),
            Counts(dispersion, logits=log_mean - dispersion.log(), validate_args=False),
        ]
        named = [Named(one, rare) for one, rare in zip(logits, self.rare, strict=True)]
        return Mixed(parts, named, self.places, self.constant)

    def raw_of(self, x: Tensor) -> Tensor:
        """Numbers as they are, logarithms of counts, and the tangents of logits at how often each category is there."""
        sizes = [*self.counts, *(1 for _ in self.sizes)]
        mu, loc, counts, *codes = x[:, self.places.argsort()].split(sizes, dim=-1)
        logs = counts.clamp(min=0).log1p() - self.log_typical
        parts = [mu, loc, logs + (counts.nanmean(0) + FEWEST_COUNTED).log() - counts.clamp(min=0).log1p().nanmean(0)]
        for code, size in zip(codes, self.sizes, strict=True):
            code = code[:, 0]
            known = ~code.isnan()[:, None]
            ones = one_hot(code.nan_to_num().long().clamp(0, size - 1), size).to(x)
            often = (ones * known).sum(0).clamp(min=1) / known.sum().clamp(min=1)
            tangent = often.log() + (ones - often) / (often * (1 - often)).clamp(min=STEEP)
            parts.append(torch.where(known, tangent, torch.nan))
        return torch.cat(parts, dim=-1)

    def begin(self, square: Tensor) -> None:
        gaussian, student, _ = self.counts
        slow = 0.5 * square[: gaussian + student].log().clamp(2 * LOG_SCALE[0], 2 * LOG_SCALE[1]) / QUICK
        self.slow_log_sigma.copy_(slow[:gaussian])
        self.slow_log_scale.copy_(slow[gaussian:])

    @staticmethod
    def _bounded(slow: Tensor) -> Tensor:
        return (QUICK * slow).clamp(*LOG_SCALE).exp()


class HeavyTailed(StudentT):
    """Student's t with more than one degree of freedom, so that its mean is there.

    torch's own looks at the values of `df`, to check them and for those that have no mean: a graph cannot say that, and a GPU
    has to wait for it.

    log p = -(f + 1) / 2 log(1 + y² / f) - log scale - log [Gamma(f / 2) sqrt(pi f) / Gamma((f + 1) / 2)], with y in scales from
    loc. The last term is taken in float64, as that of `Counts`, and once for each column.
    """

    def __init__(self, df: Tensor, loc: Tensor, scale: Tensor) -> None:
        self._own = df, scale
        self.df, self.loc, self.scale = torch.broadcast_tensors(df, loc, scale)
        self._chi2 = Chi2(self.df, validate_args=False)
        super(StudentT, self).__init__(self.df.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), broadcast over the batch."""
        freedom, scale = self._own
        half = 0.5 * freedom.double()
        constant = torch.lgamma(half) - torch.lgamma(half + 0.5) + 0.5 * (2 * math.pi * half).log()
        y = (value - self.loc) / scale
        return -0.5 * (freedom + 1) * (y**2 / freedom).log1p() - (constant.to(y) + scale.log())


class Counts(NegativeBinomial):
    """The negative binomial, as exact for large counts as for small ones.

    log p(k) = log [Gamma(k + r) / (k! Gamma(r))] + r log(1 - p) + k log p, with r = `total_count`. In float32 the difference of
    the first two is wrong by a nat at k = 10⁶; it is taken in float64. Softplus, since a sigmoid in a graph is 0 from -18 on.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), broadcast over the batch."""
        counted = value.clamp(min=0)
        k, r = counted.double(), self.total_count.double()
        ways = torch.lgamma(k + r) - torch.lgamma(k + 1) - torch.lgamma(r)
        found = ways.to(self.logits) - self.total_count * softplus(self.logits) - counted * softplus(-self.logits)
        return found.where(value >= 0, found.clamp(max=OTHER))


class Mixed(Distribution):
    """Independent columns (C,): `numeric` distributions of several columns each, then one categorical for each other column.

    places: (C,) where each column stands among them. constant: (C,) which columns were always the same, 0 once scaled, whatever
    their distribution; None where none was. NaN is a cell that was not observed.
    """

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(
        self,
        numeric: Sequence[Distribution],
        categorical: Sequence["Named"],
        places: Tensor,
        constant: Tensor | None = None,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.places = places
        self.constant = constant
        super().__init__(numeric[0].batch_shape[:-1], torch.Size([len(places)]), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of the observed cells of rows (..., C): (...)."""
        return self.log_prob_each(value).sum(-1)

    def log_prob_each(self, value: Tensor) -> Tensor:
        """The same for each cell, 0 where it is missing: (..., C)."""
        value = value.expand(torch.broadcast_shapes(value.shape, (*self.batch_shape, len(self.places))))
        seen = ~value.isnan()
        cells = torch.where(seen, value, 0.0)[..., self.places.argsort()]  # in the order of the parts; 0 fits all of them
        sizes = [part.batch_shape[-1] for part in self.numeric]
        *some, codes = cells.split([*sizes, len(self.categorical)], dim=-1)
        found = [part.log_prob(one) for part, one in zip(self.numeric, some, strict=True)]
        found += [part.log_prob(code)[..., None] for part, code in zip(self.categorical, codes.unbind(-1), strict=True)]
        each = torch.cat(found, dim=-1)[..., self.places]
        if self.constant is not None:
            each = torch.where(self.constant, torch.where(value == 0, 0.0, OTHER), each)
        return torch.where(seen, each, 0.0)

    @property
    def mean(self) -> Tensor:
        """What each cell is expected to be (..., C): the mean of a number, the likeliest code of a category."""
        numbers = [part.mean for part in self.numeric]
        codes = [part.mode[..., None].to(numbers[0]) for part in self.categorical]
        return self._settled(torch.cat([*numbers, *codes], dim=-1)[..., self.places])

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Rows (*sample_shape, ..., C): whole numbers in the columns of counts, codes in those of categories."""
        shape = torch.Size(sample_shape)
        numbers = [part.sample(shape) for part in self.numeric]
        codes = [part.sample(shape)[..., None].to(numbers[0]) for part in self.categorical]
        return self._settled(torch.cat([*numbers, *codes], dim=-1)[..., self.places])

    def _settled(self, rows: Tensor) -> Tensor:
        """Rows (..., C) with 0 in the columns that are always the same."""
        return rows if self.constant is None else rows.where(~self.constant, 0.0)


class Named(Categorical):
    """The codes of a category, 0 to K - 1, or K: what was never seen, no likelier than any of these, and than `OTHER`.

    rare: how often each of the last of the K was there. They have one logit together, the last, and K has the same then.
    """

    def __init__(self, logits: Tensor, rare: Sequence[int] = ()) -> None:
        self.rare = rare
        super().__init__(logits=logits, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of codes (...)."""
        most = self.logits.shape[-1]
        known: Tensor = super().log_prob(value.clamp(max=most - 1))  # type: ignore[no-untyped-call]
        return known if self.rare else known.where(value != most, self.logits.amin(-1).clamp(max=OTHER))

    @property
    def mode(self) -> Tensor:
        """The likeliest code of those that are not rare."""
        return (self.logits[..., :-1] if self.rare else self.logits).argmax(-1)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Codes (*sample_shape, ...); where the last was drawn, one of the rare, as often as these were there."""
        codes: Tensor = super().sample(torch.Size(sample_shape))  # type: ignore[no-untyped-call]
        if not self.rare:
            return codes
        shares = torch.tensor(self.rare, dtype=torch.float64, device=codes.device).clamp(min=1e-9)
        others = torch.multinomial(shares, max(codes.numel(), 1), replacement=True)[: codes.numel()].reshape(codes.shape)
        first = self.logits.shape[-1] - 1
        return torch.where(codes == first, first + others, codes)


def portioned(x: Tensor, totals: Totals) -> Tensor:
    """Rows of counts x (..., C), NaN aside, as they would be were their total the typical one."""
    counts = x.clamp(min=0)
    return counts * (totals.typical / counts.nansum(-1, keepdim=True).clamp(min=1))


class Inputs(nn.Module):
    """Rows x (B, C) with NaN where nothing was observed → what an encoder reads, (B, size).

    Numbers as they are, counts as log1p beside their typical value, a category as K numbers of which one is 1 (that of the code
    nearest to what noise has left of it), none for "other", or, where K is large, as a vector that is learnt; 0 where missing,
    and in a column that was always the same.
    missing: one number more for each column says whether it was observed. totals: where rows have them, counts are read as they
    would be of the typical total.
    """

    def __init__(self, columns: Sequence[Column], missing: bool, totals: Totals | None = None) -> None:
        super().__init__()
        self.totals = totals
        self.plain = [at for at, column in enumerate(columns) if column.kind == "continuous"]
        self.varies = [columns[at].constant is None for at in self.plain]
        self.counted = [at for at, column in enumerate(columns) if column.kind == "count"]
        named = [(at, column) for at, column in enumerate(columns) if column.kind == "category"]
        self.named = [(at, column.learnt) for at, column in named if not column.embedded]
        self.embedded = [(at, column.learnt) for at, column in named if column.embedded]
        self.vectors = nn.ModuleList(_Vectors(column.learnt, column.embedded) for _, column in named if column.embedded)
        self.typical = [math.log1p(columns[at].typical) for at in self.counted]
        self.missing = missing
        read = sum(n for _, n in self.named) + sum(column.embedded for _, column in named)
        self.size = len(self.plain) + len(self.counted) + read + missing * len(columns)

    def forward(self, x: Tensor) -> Tensor:
        seen = ~x.isnan()
        x = torch.where(seen, x, 0.0)
        x = x if self.totals is None else portioned(x, self.totals)
        counts = x[:, self.counted].clamp(min=0).log1p() - x.new_tensor(self.typical)
        plain = x[:, self.plain]
        if not all(self.varies):
            plain = torch.where(torch.tensor(self.varies, device=x.device), plain, 0.0)
        parts = [plain, torch.where(seen[:, self.counted], counts, 0.0)]
        for at, n in self.named:
            known = seen[:, at : at + 1] & (x[:, at : at + 1] != n)
            parts.append(one_hot(x[:, at].round().long().clamp(0, n - 1), n).to(x) * known)
        for (at, n), vectors in zip(self.embedded, self.vectors, strict=True):
            parts.append(vectors(x[:, at].round().long().clamp(0, n)) * seen[:, at : at + 1])
        return torch.cat([*parts, seen.to(x)] if self.missing else parts, dim=1)


class _Vectors(nn.Embedding):
    """A vector for each of `learnt` categories, and for the rare or unknown, which is 0 at first."""

    def __init__(self, learnt: int, size: int) -> None:
        super().__init__(learnt + 1, size)

    def reset_parameters(self) -> None:
        """Vectors as long as a code of one 1 and zeros is."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)
        with torch.no_grad():
            self.weight[-1] = 0
