"""How units are chosen, one after the other, by what a decoder says of the next one.

greedy   the likeliest unit at each step, which is what a text is decoded to unless another is asked for
sample   drawn, by the probabilities at a temperature, from the likeliest that together have the share `top_p` (Holtzman et
         al. 2020)
beam     the likeliest text that a search finds which goes on from the `width` likeliest beginnings
"""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor
from torch.distributions import Distribution

from latentwalk.checks import own_numbers, positive, whole
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.serial import Serial
from latentwalk.models.stepwise import Stepwise

__all__ = ["Decoding", "DecodingMethod", "decoding_named"]

DecodingMethod = Literal["greedy", "sample", "beam"]
WIDEST = 1_000  # beginnings


@dataclass(frozen=True, slots=True)
class Decoding:
    """How units are chosen: see the module.

    temperature, of "sample": below 1, likelier units more often. top_p, of "sample": a share in (0, 1]. width, of "beam".
    Raises ConfigError.
    """

    method: DecodingMethod = "greedy"
    temperature: float = 1.0
    top_p: float = 1.0
    width: int = 5

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.method not in get_args(DecodingMethod):
            raise unknown("decoding", self.method, get_args(DecodingMethod))
        positive("temperature", self.temperature)
        positive("top_p", self.top_p)
        if self.top_p > 1:
            raise ConfigError(f"top_p={self.top_p}: expected a share of the probability, above 0 and at most 1.")
        whole("width", self.width, "beginnings", least=1, most=WIDEST)
        if self.method != "sample" and (self.temperature, self.top_p) != (1.0, 1.0):
            raise ConfigError(f'temperature and top_p are for units that are drawn, not for "{self.method}". Use "sample".')

    def rows(self, p: Distribution) -> Tensor:
        """What comes out of p(x | z), a row for each of its batch. Raises ConfigError where p chooses no units."""
        match p, self.method:
            case Serial(), "greedy":
                return p.mean
            case Serial(), "beam":
                return p.beam(self.width)
            case Serial(), "sample":
                return p.sample(temperature=self.temperature, top_p=self.top_p)
            case Stepwise(), "greedy":
                return p.mean
            case Stepwise(), "sample" if (self.temperature, self.top_p) == (1.0, 1.0):
                return p.sample()
        raise ConfigError(
            f"this decoder knows no such decoding ({self.method}): it is for texts, and music as words. Of rolls, "
            'network=\'storn\' knows "greedy", and "sample" without options. Leave it out.'
        )


def decoding_named(decoding: object) -> Decoding | None:
    """The decoding of that name; a Decoding, and None, are given back as they are. Raises ConfigError."""
    if decoding is None or isinstance(decoding, Decoding):
        return decoding
    if isinstance(decoding, str) and decoding in get_args(DecodingMethod):
        return Decoding(decoding)  # type: ignore[arg-type]  # checked
    raise unknown("decoding", decoding, get_args(DecodingMethod))
