"""What training makes small: functions from one forward pass to named terms.

    reconstruction        -log p(x | z)  [+ sparsity] [+ contraction]              a plain autoencoder, sparse, contractive
    elbo                  -E_q log p(x | z) + beta KL(q(z | x) || p(z))            a VAE (beta = 1), beta-VAE, VAE without KL
    decomposed_elbo       the same, KL = mutual information + beta total correlation + the rest   beta-TCVAE
    importance_weighted   -log 1/K sum_k p(x, z_k) / q(z_k | x)                    IWAE

Every term is in nats an example. The logged numbers are the quantities they are named after, whatever `loss` is minimised.
Time is counted in epochs, as a float, so that "ten epochs of warm-up" means the same for any batch size; None is the end of
every schedule, which is where validation is measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwalk.models.aggregate import Aggregate
from latentwalk.models.divergence import kl, kl_per_dimension
from latentwalk.models.latent_model import Pass
from latentwalk.models.schedule import Schedule, Time, constant
from latentwalk.models.sparsity import Sparsity

__all__ = ["Objective", "Terms", "decomposed_elbo", "elbo", "importance_weighted", "log_weights", "reconstruction"]


@dataclass(frozen=True, slots=True)
class Terms:
    """Named terms, each (B,), in nats an example; and the loss (), which is what gradients are taken of."""

    values: Mapping[str, Tensor]
    loss: Tensor


Objective = Callable[[Pass, Time], Terms]


def reconstruction(p: Pass, epoch: Time = None, *, sparsity: Sparsity | None = None, contraction: float = 0.0) -> Terms:
    """-log p(x | z), and, where asked, what a sparse code costs and `contraction` nats for each ||d z / d x||²."""
    values = {"reconstruction": -p.likelihood.log_prob(p.target).mean(0)}
    cost = None if sparsity is None else sparsity.penalty(p.z)
    if cost is not None:
        values["sparsity"] = cost
    if contraction:
        jacobian = getattr(p.posterior, "jacobian", None)
        assert jacobian is not None, "the encoder is not `Sensed`"
        values["contraction"] = contraction * jacobian
    return Terms(values, sum(values.values(), start=p.z.new_zeros(())).mean())


def elbo(
    p: Pass,
    epoch: Time = None,
    *,
    beta: Schedule = constant(1.0),  # noqa: B008
    free_nats: float = 0.0,
    target_rate: float | Tensor = 0.0,
) -> Terms:
    """The negative evidence lower bound. Terms: reconstruction and kl; their plain sum is the bound.

    beta: weight of the KL. free_nats: nats for each latent dimension, averaged over the batch, that are not pressed.
    target_rate: the same of all dimensions together, which leaves it to them how they share it.
    Sources: Kingma & Welling 2014, eq. 3; Higgins et al. 2017 (beta); Kingma et al. 2016, eq. 15 (free nats); Pelsmaeker & Aziz
    2020, section 3.1 (a rate for all dimensions; there with a Lagrangian, which holds it as well).
    """
    missing = -p.likelihood.log_prob(p.target).mean(0)
    divergence = kl(p.posterior, p.prior, p.z)
    pressed = divergence.mean()
    if free_nats and epoch is not None:
        pressed = kl_per_dimension(p.posterior, p.prior).mean(0).clamp(min=free_nats).sum()
    if target_rate and epoch is not None:
        pressed = pressed.clamp(min=target_rate)
    loss = missing.mean() + beta(epoch) * pressed
    return Terms({"reconstruction": missing, "kl": divergence}, loss)


def decomposed_elbo(
    p: Pass,
    epoch: Time = None,
    *,
    beta: Schedule = constant(1.0),  # noqa: B008
    examples: int | None = None,
) -> Terms:
    """The negative evidence lower bound with its KL in three parts; beta weighs the second, which ties dimensions together.

    mutual_information, between x and z: E[log q(z | x) - log q(z)]. total_correlation: KL(q(z) || prod_d q(z_d)).
    dimension_kl: sum_d KL(q(z_d) || p(z_d)). The first two are estimates from the batch (see `aggregate`), and may dip below 0;
    the third is the rest of the exact KL, so that the plain sum of all terms is the bound. With beta = 1 it is `elbo`.
    examples: how many there are, in training; None takes each batch for all there is. Chen's variant that weighs the parts of a
    batch alike differs by a constant, and learns the same for any number of examples.
    Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", eq. 2 and 4.
    """
    missing = -p.likelihood.log_prob(p.target).mean(0)
    whole = kl(p.posterior, p.prior, p.z)
    aggregate = Aggregate.of(p.posterior, p.z, examples)
    information = (p.posterior.log_prob(p.z) - aggregate.joint).mean(0)
    correlation = aggregate.total_correlation().mean(0)
    values = {
        "reconstruction": missing,
        "mutual_information": information,
        "total_correlation": correlation,
        "dimension_kl": whole - information - correlation,
    }
    return Terms(values, (missing + whole).mean() + (beta(epoch) - 1) * correlation.mean())


def importance_weighted(p: Pass, epoch: Time = None) -> Terms:
    """The negative importance-weighted bound over the K draws of the pass.

    Source: Burda et al. 2016, "Importance weighted autoencoders", eq. 8.
    """
    weights = log_weights(p)
    bound = math.log(len(weights)) - torch.logsumexp(weights, 0)
    return Terms({"importance_weighted": bound, "elbo_gap": (-weights.mean(0) - bound).detach()}, bound.mean())


def log_weights(p: Pass) -> Tensor:
    """log p(x, z) - log q(z | x) for each draw: (K, B), in nats."""
    return p.likelihood.log_prob(p.target) + p.prior.log_prob(p.z) - p.posterior.log_prob(p.z)
