"""What can be said in numbers about one latent space, on one card.

On MNIST's 10,000 test codes in 8 dimensions it takes 13 s of one core; `Scorecard.seconds` says what each part took.
Completeness (two classifiers, twice), continuity and the prior distance cost the most.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from latentwalk.chance import rng_of
from latentwalk.checks import one_of, several
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.classifier import Classifier
from latentwalk.latent.criteria.completeness import completeness, reach, recognisable
from latentwalk.latent.criteria.continuity import continuity
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.fidelity import Fidelity, fidelity
from latentwalk.latent.criteria.gap import elbo_surgery
from latentwalk.latent.criteria.interpolation import interpolation_gap
from latentwalk.latent.criteria.measure import Measure, html_table, percent, wilson
from latentwalk.latent.criteria.mmd import mmd
from latentwalk.latent.criteria.probe import linear_probe
from latentwalk.latent.criteria.structure import active_units, neighbour_preservation, trustworthiness
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes
from latentwalk.latent.samplers import Sampler, draws_of

__all__ = ["Scorecard", "active_share", "holes_drawn", "scorecard"]

Found = Measure | Fidelity | tuple[Measure, Measure | None]
EXAMPLES = 5_000  # of those that a mixture is fitted to and whose posteriors are compared in pairs
NEIGHBOURS = 3_000  # examples among which neighbours are looked for
DRAWS = 5_000  # of a sampling distribution


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Measures by name; absent: what could not be measured, and why; fidelity: of draws, where features were given.

    seconds: what each part took.
    """

    measures: Mapping[str, Measure]
    absent: Mapping[str, str] = field(default_factory=dict)
    fidelity: Fidelity | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Measure:
        return self.measures[name]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dictionaries, ready for `json.dump`."""
        return {
            "measures": {name: measure.to_json() for name, measure in self.measures.items()},
            "absent": dict(self.absent),
            "fidelity": None if self.fidelity is None else self.fidelity.to_json(),
            "seconds": dict(self.seconds),
        }

    def _repr_html_(self) -> str:
        compared = [] if self.fidelity is None else self.fidelity.measures()
        return html_table([*self.measures.values(), *compared], self.absent)


def scorecard(
    space: Encoded,
    *,
    sampler: str | Sampler = "prior",
    features: Features | None = None,
    classifier: Classifier | None = None,
    without: Collection[str] = (),
    seed: int = 0,
) -> Scorecard:
    """All that is measured of a space without further ado, and what is not, with the reason.

    sampler: where draws come from. features: a feature space, for what needs one: the interpolation gap and the fidelity of
    draws. classifier: of the data, for how recognisable draws are. without: names of measures to leave out. Raises
    ConfigError for an unknown name; what the data does not allow is `absent`.
    """
    space.sampler(sampler)
    if not isinstance(features, Features | None):
        raise ConfigError(f"features={features!r:.200}: expected a feature space: Features(…), or None for no such measure.")
    if not isinstance(classifier, Classifier | None):
        raise ConfigError(f"classifier={classifier!r:.200}: expected Classifier.train(…), or None for no such measure.")
    without = several("without", without, "names of measures")
    parts: dict[str, Callable[[], Found]] = {
        "continuity": lambda: continuity(space, seed=seed),
        "completeness": lambda: completeness(space, sampler, seed=seed),
        "reach": lambda: reach(space, sampler, seed=seed),
        "draws in holes": lambda: holes_drawn(space, sampler, seed=seed),
        "prior distance": lambda: mmd(space, sampler, seed=seed),
        "prior gap": lambda: elbo_surgery(space, most=EXAMPLES, seed=seed),
        "active units": lambda: active_share(space),
        "trustworthiness": lambda: _plain("trustworthiness", trustworthiness(space, most=NEIGHBOURS, seed=seed), TRUST),
        "neighbours kept": lambda: _plain("neighbours kept", neighbour_preservation(space, most=NEIGHBOURS, seed=seed), KEPT),
        "class accuracy": lambda: _plain("class accuracy", class_accuracy(space, seed=seed), VOTES),
        "linear probe": lambda: linear_probe(space, seed=seed),
    }
    if classifier is not None:
        parts["recognisable draws"] = lambda: recognisable(space, classifier, sampler, seed=seed)
    if features is not None:
        parts["interpolation gap"] = lambda: interpolation_gap(space, features, seed=seed)
        parts["fidelity"] = lambda: fidelity(space, space.sample(DRAWS, sampler, seed), features, seed=seed)
    for name in without:
        one_of("measure", name, parts)
    return _measured({name: part for name, part in parts.items() if name not in without})


def active_share(space: Encoded) -> Measure:
    """The share of latent dimensions that are in use (`active_units`). It is counted, not estimated: no interval."""
    active = active_units(space).active
    value, count = float(active.mean()), int(active.sum())
    reading = f"{count} of {len(active)} latent dimensions depend on the data (a variance of the codes above .01)."
    details = {"active": float(count), "dimensions": float(len(active))}
    return Measure("active units", value, value, value, reading, details, better="")


def holes_drawn(space: Encoded, sampler: str | Sampler = "prior", *, seed: int = 0) -> Measure:
    """The share of 5,000 draws from a sampling distribution that land in holes (`space.holes`), where .05 of encoded data lies.

    A quick relative of `completeness`, by one density instead of three tests; the interval is Wilson's. Raises DataError,
    ConfigError.
    """
    z = draws_of(space.sampler(sampler), DRAWS, space.dim, rng_of(seed))
    hits = int(space.kept(Holes)(z).sum())
    reading = f"{percent(hits / DRAWS)} of draws land where the density of encoded data is lower than for 95 % of that data."
    return Measure("draws in holes", hits / DRAWS, *wilson(hits, DRAWS), reading, {"encoded": 0.05}, better="lower")


# ---------------------------------------------------------------------- inside

TRUST = "How far the 15 nearest codes of an example are near it in the data: 1 where all are, .5 for codes that know nothing."
KEPT = "How far the 15 nearest examples in the data are near among the codes: 1 where all are, .5 for codes that know nothing."
VOTES = "How often the 10 nearest codes of an example vote for its own class."


def _plain(name: str, value: float, reading: str) -> Measure:
    """A share, the larger the better, whose interval nobody knows."""
    return Measure(name, value, value, value, reading, better="higher")


def _measured(parts: Mapping[str, Callable[[], Found]]) -> Scorecard:
    """Each part, or why there is none, and how long it took."""
    measures: dict[str, Measure] = {}
    absent: dict[str, str] = {}
    seconds: dict[str, float] = {}
    compared: Fidelity | None = None
    for name, part in parts.items():
        start = time.perf_counter()
        try:
            found = part()
        except DataError as error:
            absent[name] = str(error)
            continue
        finally:
            seconds[name] = time.perf_counter() - start
        if isinstance(found, Fidelity):
            compared = found
        elif isinstance(found, Measure):
            measures[name] = found
        else:
            measures[name], information = found
            if information is None:
                absent["mutual information"] = "The posterior of a plain autoencoder is a point, which has no density."
            else:
                measures["mutual information"] = information
    return Scorecard(measures, absent, compared, seconds)
