"""A decoder of texts, or of music as words, that learns without a code: what a VAE's code is held against."""

import copy
import time

import numpy as np
import torch
from torch import Tensor

from latentwalk import Dataset, Network
from latentwalk.chance import seeded
from latentwalk.data.batches.resident import Resident
from latentwalk.data.units import read_to
from latentwalk.models.serial import SerialConditional
from latentwalk.training.optimise import rate_share, set_rate
from latentwalk.training.runtime import autocast

LATENT = 32  # numbers of the code that is 0 for every row
CLIP = 5.0


def codeless(
    network: Network,
    train: Dataset,
    held: Dataset,
    epochs: int,
    *,
    batch: int,
    rate: float,
    precision: str = "float32",
    minutes: float | None = None,
) -> tuple[SerialConditional, float]:
    """The decoder of this network at the epoch that is best on `held`, and the seconds it took.

    minutes: where a fit was given them, its rate falls to 0 over the last third of the epochs, and so does this one's.
    """
    start = time.perf_counter()
    with seeded(0):
        model = SerialConditional(network.writer(train.spec, LATENT))
    batches = Resident(torch.from_numpy(np.asarray(train.x)), batch, 0, np.arange(len(train)), lengths=read_to(train.x))
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    best, kept = np.inf, model.state_dict()
    for epoch in range(1, epochs + 1):
        model.train()
        for index, part in enumerate(batches.epoch(epoch)):
            x, now = part.raw.long(), epoch - 1 + index / len(batches)
            set_rate(optimiser, rate * rate_share("constant", 0, epochs, now, minutes and now / epochs))
            with autocast(precision, x.device):
                p = model(torch.zeros(len(x), LATENT), target=x)
            loss = -p.log_prob(x).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
        if (found := float(nats(model.eval(), held.x).mean())) < best:
            best, kept = found, copy.deepcopy(model.state_dict())
    seconds = time.perf_counter() - start
    model.load_state_dict(kept)
    return model.eval(), seconds


@torch.no_grad()
def nats(model: SerialConditional, x: np.ndarray) -> Tensor:
    """What rows x (n, T) cost without a code: (n,)."""
    parts = torch.from_numpy(np.asarray(x)).long().split(128)
    return -torch.cat([model(torch.zeros(len(some), LATENT)).log_prob(some) for some in parts])
