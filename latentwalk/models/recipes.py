"""Named ways to put the parts together: an autoencoder of the literature is a row of this table.

A recipe says what the encoder gives (a Gaussian or a point), what is minimised, and what is done to the input. Networks,
likelihood and number of dimensions are chosen beside it, so that two recipes can be compared with all else equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import nn

from latentwalk.chance import seeded
from latentwalk.checks import COUNTED, MADE, flag, own_numbers, positive, whole
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.conditional import Appended, Conditional, Shifted
from latentwalk.models.contraction import Sensed
from latentwalk.models.heads import IMAGE_AXES
from latentwalk.models.heard import LogSpectra
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.mixed import Inputs
from latentwalk.models.objective import Objective, Terms, decomposed_elbo, elbo, importance_weighted, reconstruction
from latentwalk.models.posterior import DiagonalGaussian, PointHead
from latentwalk.models.prior import PRIORS, Prior, prior_named
from latentwalk.models.schedule import Schedule, constant, linear
from latentwalk.models.serial import SerialConditional
from latentwalk.models.sparsity import Sparsity
from latentwalk.models.spectra import Frames
from latentwalk.models.spectral import with_spectra
from latentwalk.models.stepwise import StepwiseConditional
from latentwalk.networks.build import Network, network_named
from latentwalk.networks.line import DecoderLine, EncoderLine
from latentwalk.networks.stepwise import STEPWISE

__all__ = ["EARLIER", "HEARD_BY", "RECIPES", "WIDE", "Recipe", "assemble", "has_own", "recipe_named", "suited"]

RATE = 8.0  # nats of the KL of a VAE of texts that are not pressed
WARM = 5.0  # epochs over which its KL is warmed up
WIDE = 32  # dimensions of a code of a text, where the user names no other number
HEARD_BY = 16  # of a sound
HEARD = 1.0  # weight of the spectral term of sounds
SEEN = 0.5  # weight of that of images
FINE = 48  # pixels that each side of an image has from which on one sees texture in it
ANY = (0.05, 1.0)  # noise of unknown strength, in units of an image's range or a signal's deviation
TRIED = 2  # examples with which an objective of one's own is tried
ObjectiveName = Literal["elbo", "decomposed_elbo", "importance_weighted", "reconstruction"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One family of autoencoders.

    posterior: "gaussian" or "point".
    objective: "elbo", "decomposed_elbo", "reconstruction", "importance_weighted", or a function of one's own from a pass and
        the time in epochs (None at the end) to `Terms`.
    beta: weight of the KL, or of its total correlation in a decomposed bound, a number or a Schedule.
    free_nats, target_rate: see `elbo`.
    sparsity, contraction: see `reconstruction`.
    draws: codes drawn for each input while training.
    corruption: noise put on the input, whose clean version is the target.
    pretraining: of texts and music, epochs at the beginning in which the KL has no weight, as in an autoencoder; after them the
        decoder begins anew, with an encoder that has something to say, and beta its schedule (Li et al. 2019, "A surprisingly
        effective fix for deep latent variable modeling of text").
    denoiser: whether a network of its own learns beside the codes to take that noise off images and signals, see `Denoiser`.
    spectral: of sounds and images, the weight of how far spectra are apart, beside the likelihood: see `with_spectra`. None is
        the usual: 1 for sounds, .5 for images from 48 x 48 pixels on where the recipe is to draw images, 0 for all else. 0 is a
        likelihood alone.
    generative: whether the recipe trains its codes to fill the prior, so that drawing from it makes sense.
    latent: dimensions of a code where the user names none; None is as many as an example has numbers.
    prior: a name in `PRIORS`, or a `Prior` of one's own.
    """

    name: str
    posterior: Literal["gaussian", "point"] = "gaussian"
    objective: ObjectiveName | Objective = "elbo"
    beta: float | Schedule = 1.0
    free_nats: float = 0.0
    sparsity: Sparsity | None = None
    contraction: float = 0.0
    draws: int = 1
    corruption: Corruption | None = None
    generative: bool = False
    latent: int | None = 2
    source: str = ""
    prior: str | Prior = "normal"
    denoiser: bool = False
    pretraining: float = 0.0
    target_rate: float = 0.0
    spectral: float | None = None

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.posterior not in ("gaussian", "point"):
            raise unknown("posterior", self.posterior, ("gaussian", "point"))
        self._check_own()
        if self.posterior == "point" and self.objective in get_args(ObjectiveName)[:-1]:
            raise ConfigError(f"objective={self.objective!r} needs posterior='gaussian': a point has no KL to the prior.")
        whole("draws", self.draws, "codes for each input", least=1, most=MADE)
        whole("latent", self.latent, "dimensions", least=1, most=MADE, none="as many as an example has numbers")
        for name in ("free_nats", "target_rate", "contraction", "pretraining"):
            positive(name, getattr(self, name), zero=True, most=COUNTED)
        positive("spectral", self.spectral, zero=True, most=COUNTED, none="the usual")
        if not isinstance(self.beta, Schedule):
            positive("beta", self.beta, zero=True, most=COUNTED)
        if self.pretraining and self.objective != "elbo":
            raise ConfigError("pretraining goes with objective='elbo': it is a time without the KL.")
        for name in ("free_nats", "target_rate"):
            if getattr(self, name) and self.objective == "decomposed_elbo":
                raise ConfigError(f"{name} goes with objective='elbo', whose KL is not taken apart.")
        if self.objective != "reconstruction" and (self.sparsity or self.contraction):
            raise ConfigError("sparsity and contraction go with objective='reconstruction', whose codes are points.")
        if self.sparsity and self.spreads:
            raise ConfigError("sparsity goes with posterior='point': a Gaussian's draws are never sparse.")
        if not self.spreads and self.prior != "normal":
            raise ConfigError(
                f"prior={self.prior!r} needs posterior='gaussian': points have no KL by which it could be learnt. Fit a "
                "sampler to the codes instead: fit_sampler(X)."
            )
        if self.free_nats and not self._factorised:
            raise ConfigError("free_nats needs a posterior and a prior that are independent in each dimension.")
        flag("denoiser", self.denoiser)
        if self.denoiser and self.corruption is None:
            raise ConfigError(
                "denoiser=True needs a corruption: the noise that is to be taken away, say Corruption(amount=0.3)."
            )
        self.schedule()

    def _check_own(self) -> None:
        """Raise ConfigError for an objective or a prior that is none, or that could not be kept."""
        if isinstance(self.objective, nn.Module):
            raise ConfigError(
                "an objective that is a module would have weights which are neither learnt nor saved. Give a function, and put "
                "what is learnt into the network or the prior."
            )
        if callable(self.objective):
            if self.free_nats or self.target_rate or self.beta != 1:
                raise ConfigError(
                    "beta, free_nats and target_rate are for objectives that have a name. Give one's own its options "
                    "beforehand: functools.partial(objective, beta=…)."
                )
        elif self.objective not in get_args(ObjectiveName):
            raise unknown("objective", self.objective, get_args(ObjectiveName))
        if not (self.corruption is None or isinstance(self.corruption, Corruption)):
            raise ConfigError(f"corruption={self.corruption!r}: expected a Corruption, say Corruption('masking', .3), or None.")
        if not isinstance(self.prior, Prior) and not (isinstance(self.prior, str) and self.prior in PRIORS):
            raise unknown("prior", self.prior, PRIORS)

    @property
    def spreads(self) -> bool:
        """Whether q(z | x) spreads over more than one point, so that it has a density and a KL."""
        return self.posterior == "gaussian"

    @property
    def _factorised(self) -> bool:
        return (PRIORS[self.prior] if isinstance(self.prior, str) else self.prior).factorised

    def schedule(self) -> Schedule:
        """beta as a function of time."""
        found = self.beta if isinstance(self.beta, Schedule) else constant(self.beta)
        return replace(found, after=found.after + self.pretraining)

    def loss(self, examples: int | None = None) -> Objective:
        """What training makes small. examples: how many there are to learn from, where that is known."""
        found = self._named_loss(examples)
        return with_spectra(found, self.spectral) if self.spectral else found

    def _named_loss(self, examples: int | None) -> Objective:
        if not isinstance(self.objective, str):
            return self.objective
        match self.objective:
            case "elbo":
                return partial(elbo, beta=self.schedule(), free_nats=self.free_nats, target_rate=self.target_rate)
            case "decomposed_elbo":
                return partial(decomposed_elbo, beta=self.schedule(), examples=examples)
            case "importance_weighted":
                return importance_weighted
            case _:
                return partial(reconstruction, sparsity=self.sparsity, contraction=self.contraction)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """scikit-learn's protocol, so that `clone` and `GridSearchCV` see into a recipe (`recipe__beta`)."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_params(self, params: Mapping[str, Any]) -> "Recipe":
        """A copy with some fields changed. Raises ConfigError for a field it does not have."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise unknown("recipe option", name, known)
        return replace(self, **params)


def _plain(name: str, source: str, **options: Any) -> Recipe:
    return Recipe(name, "point", "reconstruction", source=source, **options)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _plain("ae", "Hinton & Salakhutdinov 2006; the undercomplete autoencoder"),
        _plain("sparse", "Ng 2011", sparsity=Sparsity("rate"), latent=None),
        _plain("l1-sparse", "Ng 2011", sparsity=Sparsity("l1"), latent=None),
        _plain("k-sparse", "Makhzani & Frey 2014", sparsity=Sparsity("top-k"), latent=None),
        _plain("dropout", "Srivastava et al. 2014", sparsity=Sparsity("dropout"), latent=None),
        _plain("denoising", "Vincent et al. 2010", corruption=Corruption(amount=ANY), latent=64, denoiser=True),
        _plain("contractive", "Rifai et al. 2011", contraction=1.0),
        Recipe("vae", generative=True, source="Kingma & Welling 2014"),
        Recipe("vae-without-kl", beta=0.0, source="what is left of a VAE when its loss is only reconstruction"),
        Recipe("denoising-vae", corruption=Corruption(), generative=True, source="Im et al. 2017"),
        Recipe("beta-tcvae", objective="decomposed_elbo", beta=6.0, generative=True, latent=10, source="Chen et al. 2018"),
        Recipe("iwae", objective="importance_weighted", draws=5, generative=True, source="Burda et al. 2016"),
    )
}


EARLIER = {"denoising": replace(RECIPES["denoising"], corruption=Corruption(), denoiser=False)}
"""What a name meant, where models made by it may be gone on with."""


def recipe_named(recipe: str | Recipe) -> Recipe:
    """The recipe of that name; a Recipe is given back as it is. Raises ConfigError."""
    if type(recipe) is Recipe:
        return recipe
    if isinstance(recipe, Recipe):
        raise ConfigError(
            f"{type(recipe).__name__} is a subclass of Recipe, and a saved model could not be loaded again. Give a Recipe "
            "whose objective is a function, or whose prior is one of your own."
        )
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise unknown("recipe", recipe, RECIPES)
    return RECIPES[recipe]


def suited(recipe: Recipe, spec: DataSpec) -> Recipe:
    """The recipe as data like `spec` needs it: of sounds and large images with spectra, the VAE of texts with its cure.

    A decoder of units knows what came before, and learns to do without the code; its KL then falls to 0, and does not come
    back. So the KL is warmed up, and `RATE` nats of it are not pressed, of all dimensions together: shared out among them
    beforehand, each would say a little, and none anything clearly. Who wants a VAE without that gives a `Recipe` of another
    name.
    Sources: Bowman et al. 2016, section 3.1; Pelsmaeker & Aziz 2020, "Effective estimation of deep generative language models".
    """
    if recipe.spectral is None and isinstance(recipe.objective, str):
        if spec.form.heard:
            return replace(recipe, spectral=HEARD)
        if spec.form.pictured and recipe.generative and min(spec.event[1:]) >= FINE:
            return replace(recipe, spectral=SEEN)
    if not spec.form.serial or recipe != replace(RECIPES["vae"], prior=recipe.prior, corruption=recipe.corruption):
        return recipe
    return replace(recipe, beta=linear(1.0, over=WARM), target_rate=RATE)


def assemble(
    recipe: Recipe,
    spec: DataSpec,
    network: Network | Sequence[nn.Module],
    likelihood: Likelihood,
    latent: int,
    scaling: Scaling,
    classes: int = 0,
) -> LatentModel:
    """The untrained model of a recipe for data like `spec`, with `latent` dimensions. Raises ConfigError.

    network: or an encoder and a decoder of one's own, of which copies are taken; see `Network.bodies`.
    classes: how many labels there are, where encoder and decoder are told the label of an example, (…, classes) of which one
    is 1. The encoder's output is shifted by it, the decoder reads it beside the code; p(z) does not depend on it.
    """
    network = network_named(network)
    code = DiagonalGaussian() if recipe.spreads else _point(recipe, latent)
    raw = code.each * latent
    if classes and network.kind == "fully-conv":
        raise ConfigError("network='fully-conv' has no place for a condition: its code is an image. Use network='conv'.")
    if likelihood.kind == "spectral" and network.kind == "fully-conv":
        raise ConfigError(
            "network='fully-conv' gives each place of a wave a part of the code, and likelihood='spectral' knows no waves. Use "
            "likelihood='gaussian', or network='conv'."
        )
    if recipe.pretraining and not spec.form.serial:
        raise ConfigError(f"pretraining={recipe.pretraining:g} is for texts and music; the data is a {spec.kind}.")
    if recipe.spectral and not (spec.form.heard or spec.form.pictured):
        raise ConfigError(f"spectral={recipe.spectral:g} is for sounds and images; the data is a {spec.kind}. Leave it out.")
    if recipe.contraction and spec.form.serial:
        raise ConfigError(f'recipe "{recipe.name}" needs values to take gradients of, and a text has units. Use "ae" or "vae".')
    if network.kind == STEPWISE:
        return _stepwise(recipe, spec, network, likelihood, latent, scaling, classes)
    straight = network.start == "line" and recipe.sparsity is None and network.kind != "fully-conv"
    reader = _encoder(network, spec, likelihood, (raw,), straight)
    if classes:
        reader = Shifted(reader, classes, raw)
    encoder = Conditional(reader, code, axes=len(spec.event))
    decoder = _decoder(network, spec, likelihood, latent, classes, straight)
    prior = prior_named(recipe.prior, latent)
    model = LatentModel(scaling, Sensed(encoder) if recipe.contraction else encoder, prior, decoder)
    if not isinstance(recipe.objective, str):
        _try(recipe.objective, model, spec)
    pictures = len(spec.event) == IMAGE_AXES  # convolutions on a CPU prefer their channels innermost in memory
    return model.to(memory_format=torch.channels_last) if pictures else model  # type: ignore[call-overload]


def has_own(recipe: Recipe, network: Network) -> bool:
    """Whether a part of such a model is its maker's own, of which nobody knows how it is made."""
    return network.bodies is not None or isinstance(recipe.prior, Prior) or not isinstance(recipe.objective, str)


def _begins(network: Network, spec: DataSpec) -> bool:
    """Whether encoder and decoder have a place to begin at: those of one's own begin as they are, and those of texts."""
    return network.start != "plain" and network.bodies is None and not spec.form.serial


def _stepwise(
    recipe: Recipe, spec: DataSpec, network: Network, likelihood: Likelihood, latent: int, scaling: Scaling, classes: int
) -> LatentModel:
    """The model of a roll with a code for every step. Raises ConfigError for what it has no place for."""
    if classes or recipe.contraction or recipe.sparsity or likelihood.kind != "bernoulli":
        what = "condition" if classes else f'recipe "{recipe.name}"' if likelihood.kind == "bernoulli" else "such likelihood"
        raise ConfigError(f"network='{STEPWISE}' knows no {what}: a code for every step says which keys sound. Use 'gru'.")
    code = DiagonalGaussian() if recipe.spreads else PointHead()
    reader, writer = network.stepwise(spec, latent, code.each)
    encoder = Conditional(reader, code, axes=len(spec.event))
    return LatentModel(scaling, encoder, prior_named(recipe.prior, latent), StepwiseConditional(writer))


def _decoder(
    network: Network, spec: DataSpec, likelihood: Likelihood, latent: int, classes: int, straight: bool
) -> Conditional | SerialConditional:
    if spec.form.serial:
        return SerialConditional(network.writer(spec, latent + classes, classes))
    data = likelihood.head(spec)
    raw = data.raw_shape(spec.event)
    writer = network.decoder(_framed(spec) if likelihood.kind == "spectral" else spec, latent + classes, raw)
    if _begins(network, spec):
        writer = DecoderLine(writer, latent + classes, raw, straight=straight)
    return Conditional(Appended(writer, classes) if classes else writer, data, axes=1)


def _encoder(network: Network, spec: DataSpec, likelihood: Likelihood, out: tuple[int, ...], straight: bool) -> nn.Module:
    inputs: nn.Module | None = None
    read = spec
    if spec.columns:
        inputs = Inputs(spec.columns, spec.missing, spec.totals)
        read = replace(spec, shape=(inputs.size,), missing=False, columns=(), limits=(), powers=(), gaps=None, totals=None)
    if likelihood.kind == "spectral" and network.bodies is None:
        inputs, read = LogSpectra(Frames.usual(spec.shape[0], spec.rate)), _framed(spec)
    body, everywhere = network.encoder(read, out), network.kind == "fully-conv"
    if _begins(network, spec):
        return EncoderLine(body, read.event, out, inputs=inputs, straight=straight, missing=read.missing, everywhere=everywhere)
    return body if inputs is None else nn.Sequential(inputs, body)


def _framed(spec: DataSpec) -> DataSpec:
    """A sound as networks see it by its spectra: frames, of the magnitudes of each channel."""
    frames = Frames.usual(spec.shape[0], spec.rate)
    return replace(spec, shape=(frames.count, spec.event[0] * frames.bins), layout="TF")


def _try(objective: Objective, model: LatentModel, spec: DataSpec) -> None:
    """Raise ConfigError where an objective of one's own, on a pass over two examples, does not give what training needs."""
    if next(model.parameters()).device.type == "meta":  # shapes alone
        return
    name = getattr(objective, "__name__", type(objective).__name__)
    given = torch.zeros(TRIED, model.classes) if model.classes else None
    kind = torch.long if spec.form.serial else torch.float32
    model.eval()
    with seeded(0):
        try:
            terms = objective(model(torch.zeros(TRIED, *spec.event, dtype=kind), given=given), 0.0)
        except Exception as error:  # anybody's function
            raise ConfigError(
                f"the objective {name} cannot read a pass: {str(error).strip() or type(error).__name__}"
            ) from error
    model.train()
    if not isinstance(terms, Terms):
        raise ConfigError(f"the objective {name} gives a {type(terms).__name__}. Expected Terms(values, loss).")
    shapes = {term: tuple(value.shape) for term, value in terms.values.items()}
    if not shapes or set(shapes.values()) != {(TRIED,)} or terms.loss.ndim or not terms.loss.requires_grad:
        raise ConfigError(
            f"the objective {name} gives terms of shapes {shapes} for {TRIED} examples and a loss of shape "
            f"{tuple(terms.loss.shape)}. Expected a number for each example, and one loss, which depends on the weights."
        )


def _point(recipe: Recipe, latent: int) -> PointHead:
    return PointHead() if recipe.sparsity is None else recipe.sparsity.head(latent)
