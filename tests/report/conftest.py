"""Small spaces with judgements made by hand: what is tested here is the report, not the measuring."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pytest

from latentwalk.data.dataset import Dataset
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria import likeness, ratio, region
from latentwalk.latent.criteria.measure import Measure
from latentwalk.studies.comparison import Entry
from latentwalk.studies.judgement import Judgement
from latentwalk.studies.methods import Rival, Tried

HELD = 60  # rows of each data set that count as held out


@pytest.fixture(scope="module", autouse=True)
def hasty() -> Iterator[None]:
    """How well spaces are judged is tested elsewhere; here it may be poorly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "REFITS", 1)
        patch.setattr(region, "ROUNDS", 1)
        patch.setattr(likeness, "logits", partial(ratio.logits, rounds=1))
        yield


def pictures(n: int = 260) -> Dataset:
    """Bright bars at three heights, with noise: (n, 9, 9) bytes, three classes with names that need care."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    x = rng.integers(0, 60, (n, 9, 9))
    for at, label in enumerate(y):
        x[at, 3 * label : 3 * label + 3, 2:7] += 150
    return Dataset.of(x.astype(np.uint8), np.array(["<script>alert(1)</script>", "cost$", "x$y_"])[y])


def judged(recipe: str, latent: int, data: Dataset) -> Entry:
    """A barely trained model with a judgement of round numbers."""
    held_out = np.arange(len(data)) >= len(data) - HELD
    options = {"network": "gru" if data.spec.form.serial else "dense", "epochs": 2, "random_state": 0, "progress": False}
    if recipe == "pca":
        fitted = Rival.fit("pca", latent, data, whiten=True)
    else:
        fitted = Autoencoder(recipe, latent=latent, **options).fit(data)
    curve = {"curve_scales": [0.02, 0.1, 0.5], "curve": [1.0, 0.8, 0.2]}
    share = Measure("completeness", 0.6, 0.55, 0.65, "About 60 % land.", {"odd": float("nan")})
    judgement = Judgement(
        error=0.05,
        measures={
            "continuity": Measure("continuity", 0.8, 0.75, 0.85, "80 % of steps.", curve),
            "prior": share,
            "prior_reach": Measure("reach", 0.9, 0.85, 0.95, "They reach 90 %."),
            "matched": share,
            "matched_reach": Measure("reach", 0.9, 0.85, 0.95, "They reach 90 %."),
        },
        class_accuracy=None if data.y is None else 0.9,
        active=latent,
        collapsed=recipe == "vae",
        warning="It has collapsed. Lower beta." if recipe == "vae" else None,
    )
    return Entry(Tried(fitted, fitted.space(data, held_out=held_out), 1.5), judgement)


@pytest.fixture(scope="session")
def judge_all() -> Callable[[Sequence[tuple[str, int]], Dataset], list[Entry]]:
    """(recipe, latent) pairs and data → entries."""
    return lambda pairs, data: [judged(recipe, latent, data) for recipe, latent in pairs]


@pytest.fixture(scope="session")
def entries() -> list[Entry]:
    """PCA, AE and VAE in two dimensions and a VAE in three, on the same pictures."""
    data = pictures()
    return [judged(recipe, latent, data) for recipe, latent in (("pca", 2), ("ae", 2), ("vae", 2), ("vae", 3))]
