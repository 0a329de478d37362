"""A variational autoencoder in one file, for reading.

Only PyTorch, NumPy and (for its digits) scikit-learn: nothing of latentwalk. It is the same model, trained in the same way, as

    Autoencoder("vae", latent=2, network="dense", likelihood="bernoulli", validation=0)

and a test checks that both have the same loss, epoch by epoch, from the same seed. Run it:

    python examples/one_file_vae.py            trains half a minute, then writes one_file_vae.png, a map of the code plane

The idea (Kingma & Welling 2014). We want a model p(x) of pictures x that are explained by a short code z:

    p(z)      = N(0, I)                       codes, before anything is seen
    p(x | z)  = Bernoulli(decoder(z))         each pixel is white with a probability that the decoder gives

log p(x) is an integral over all z, which nobody can do. So we let a second network guess which codes explain x,

    q(z | x)  = N(mu(x), sigma(x)²)           diagonal; the encoder gives mu and log sigma²

and maximise a lower bound of log p(x), the ELBO, which needs only draws from that guess:

    log p(x)  >=  E_q[ log p(x | z) ]  -  KL( q(z | x) || p(z) )
                  how well x comes back    how far the guess strays from the prior
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (512, 256)  # hidden layers of the encoder; the decoder has them the other way round


def layers(sizes: list[int]) -> nn.Sequential:
    """Linear layers with a ReLU between each two; the last is left linear, since its numbers may be negative."""
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes[:-1]):
        parts += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(sizes[-2], sizes[-1]))


class VAE(nn.Module):
    """An encoder x (B, E) → mu, log sigma² (B, D) each, and a decoder z (B, D) → logits of the pixels (B, E)."""

    def __init__(self, pixels: int, latent: int = 2) -> None:
        super().__init__()
        self.encoder = layers([pixels, *WIDTHS, 2 * latent])
        self.decoder = layers([latent, *reversed(WIDTHS), pixels])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Why the *logarithm* of the variance? A network's output may be any number; a variance may not.
        mu, log_variance = self.encoder(x).chunk(2, dim=-1)
        return mu, log_variance

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction and KL of each picture, in nats: (B,), (B,). Their sum is the negative ELBO."""
        mu, log_variance = self.encode(x)
        z = draw(mu, log_variance)
        return reconstruction(self.decoder(z), x), kl_to_prior(mu, log_variance)


def draw(mu: Tensor, log_variance: Tensor) -> Tensor:
    """One draw z ~ N(mu, sigma²), written so that gradients pass through it.

    A sample has no derivative. But sigma * noise + mu has one, with respect to mu and sigma, once the noise is drawn: the
    randomness comes from outside, and the network only shifts and stretches it. This is the reparameterisation trick.
    """
    sigma = (0.5 * log_variance).exp()  # sigma, not sigma²: half the logarithm
    return mu + sigma * torch.randn_like(sigma)


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z), summed over pixels: (B,). Gray pixels are read as probabilities of white."""
    return functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def kl_to_prior(mu: Tensor, log_variance: Tensor) -> Tensor:
    """KL( N(mu, sigma²) || N(0, I) ), summed over dimensions: (B,). Kingma & Welling 2014, appendix B.

    For each dimension (mu² + sigma² - 1 - log sigma²) / 2: zero when mu = 0 and sigma = 1, and positive anywhere else.
    """
    return 0.5 * (mu**2 + log_variance.exp() - 1 - log_variance).sum(-1)


def train(
    model: VAE, x: Tensor, *, epochs: int, batch: int = 128, learning_rate: float = 1e-3, seed: int = 0
) -> Iterator[tuple[float, float, float]]:
    """Train on x (n, E), values in [0, 1]; after each epoch give the mean loss, reconstruction and KL a picture, in nats."""
    optimiser = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    for epoch in range(1, epochs + 1):
        order = torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(len(x)))
        missing_sum = divergence_sum = 0.0
        seen = 0
        for rows in order.split(batch):
            if len(rows) == 1:
                continue  # a last batch of one picture is mostly noise
            missing, divergence = model(x[rows])
            loss = (missing + divergence).mean()  # the negative ELBO
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            missing_sum += missing.sum().item()
            divergence_sum += divergence.sum().item()
            seen += len(rows)
        yield (missing_sum + divergence_sum) / seen, missing_sum / seen, divergence_sum / seen


def digits() -> np.ndarray:
    """1,797 handwritten digits of 8 x 8 pixels, values in [0, 1]: (n, 64)."""
    from sklearn.datasets import load_digits

    return (load_digits().data / 16).astype(np.float32)


@torch.no_grad()
def code_map(model: VAE, side: int, steps: int = 20, reach: float = 2.0) -> np.ndarray:
    """What the plane of codes decodes to, as one picture (steps * side, steps * side) of bytes. Needs latent=2.

    The decoder has seen codes near N(0, I) only, so we look where that distribution lives: about two sigma around 0.
    """
    line = torch.linspace(-reach, reach, steps)
    z = torch.cartesian_prod(line.flip(0), line).flip(1)  # rows go down, so the second axis goes up
    pixels = torch.sigmoid(model.decoder(z)).reshape(steps, steps, side, side)
    return (255 * pixels.movedim(2, 1).reshape(steps * side, -1)).byte().numpy()


def main(seed: int = 0) -> None:
    from PIL import Image

    x = torch.from_numpy(digits())
    torch.manual_seed(seed)
    model = VAE(x.shape[1])
    for number, (loss, missing, divergence) in enumerate(train(model, x, epochs=60, seed=seed), start=1):
        print(f"epoch {number:3}   loss {loss:6.2f}   reconstruction {missing:6.2f}   KL {divergence:5.2f}   nats a picture")
    Image.fromarray(code_map(model, side=8)).resize((960, 960)).save("one_file_vae.png")
    print("one_file_vae.png: the plane of codes, from (-2, 2) at its upper left to (2, -2) at its lower right")


if __name__ == "__main__":
    main()
