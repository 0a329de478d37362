"""Train and keep the feature spaces in which the benchmarks compare examples: a small classifier of each data set.

    python benchmarks/features.py [--data mnist fashion-mnist]

About a minute each on one core. Kept under runs/features/NAME, and loaded from there the next time. Other benchmarks call
`feature_space(data)`.
"""

import argparse
from pathlib import Path

from latentwalk.data import Dataset, load
from latentwalk.latent.criteria.classifier import classifier_features
from latentwalk.latent.criteria.features import Features

KEPT = Path("runs/features")


def feature_space(train: Dataset, seed: int = 0) -> Features:
    """The last hidden layer of a classifier of the training rows `train`; trained now unless kept from an earlier run."""
    return classifier_features(train, seed, folder=KEPT / train.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    for name in parser.parse_args().data:
        print(feature_space(load(name)).name)


if __name__ == "__main__":
    main()
