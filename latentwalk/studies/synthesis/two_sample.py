"""Can a classifier tell drawn rows from real ones that the model has not seen? .5 is not at all, 1 always.

Boosted trees, five folds; the area under the ROC curve of each fold, and their mean. The interval is DeLong's.
Sources: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; DeLong et al. 1988.
"""

from statistics import NormalDist

import numpy as np
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedKFold

from latentwalk.arrays import Array, Doubles
from latentwalk.studies.synthesis.records import Records
from latentwalk.studies.synthesis.trees import booster, cut

__all__ = ["area", "told_apart"]

FOLDS = 5
MOST = 5_000  # rows of each side


def told_apart(real: Records, copy: Records, seed: int) -> tuple[float, float, float]:
    """The area under the curve, and its 95 % interval; as many rows of one as of the other, at least ten."""
    rng = np.random.default_rng(seed)
    rows = min(len(real), len(copy), MOST)
    real, copy = real.some(rows, rng), copy.some(rows, rng)
    x = np.concatenate([real.x, copy.x])
    x = cut(x, real.columns, x)
    drawn = np.repeat([0, 1], rows)
    found, variance = [], []
    for learn, judge in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, drawn):
        trees = booster(real.columns, len(learn), seed).fit(x[learn], drawn[learn])
        score = trees.predict_proba(x[judge])[:, 1]
        at, spread = area(score[drawn[judge] == 1], score[drawn[judge] == 0])
        found.append(at)
        variance.append(spread)
    half = NormalDist().inv_cdf(0.975) * float(np.sqrt(np.mean(variance) / FOLDS))
    value = float(np.mean(found))
    return value, max(0.0, value - half), min(1.0, value + half)


def area(positive: Array, negative: Array) -> tuple[float, float]:
    """P(a score of one side is above one of the other), ties half; and its variance."""
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above: Doubles = (ranks[:m] - rankdata(positive)) / n
    below: Doubles = 1 - (ranks[m:] - rankdata(negative)) / m
    least = 1 / 12  # of a share of one row
    spread = [one.var(ddof=1) / len(one) if len(one) > 1 else least for one in (above, below)]
    return float(above.mean()), float(sum(spread))
