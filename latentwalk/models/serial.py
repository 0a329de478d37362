"""p(x | z) of a row of units: each given the code and those before it, up to an end. One distribution over whole rows.

A row has room for T units, the last of which can only be the end: so the probabilities of all rows sum to one, whatever the
network says. What stands behind the end has no part.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from latentwalk import chance
from latentwalk.data.units import END
from latentwalk.models.conditional import Lazy
from latentwalk.models.forced import Forced
from latentwalk.networks.serial import AutoregressiveDecoder, ends_of

__all__ = ["Serial", "SerialConditional"]

Choice = Callable[[Tensor], Tensor]  # scores (B, units) → units (B,)
SCORED = 256  # units that are scored at once where nothing is learnt: products of one shape round alike
FLOOR = 1e-9  # the least temperature; below it the likeliest unit is taken


class SerialConditional(Lazy):
    """p(x | z) as a decoder's body gives it. Given what should come out, its log-probability is found at once, in one pass."""

    def __init__(self, body: AutoregressiveDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, c: Tensor | None = None, given: Tensor | None = None, target: Tensor | None = None) -> "Serial":
        """c (…, D) → a distribution with batch (…) over rows (T,). given: a condition (…, G), or with fewer leading axes.

        target: what should come out, (…, T) or with fewer leading axes; T may be less than there is room for, if no
            row's end is left out.
        """
        assert c is not None, "a conditional depends on something"
        if given is not None:
            c = torch.cat([c, given.expand(*c.shape[:-1], given.shape[-1])], dim=-1)
        found = Serial(self.body, c)
        if target is not None:
            found.force(target)
        return found


class Serial(Forced):
    """A distribution over rows of units (T,), each given those before it. c: (…, D) codes."""

    body: AutoregressiveDecoder

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) of rows (…, T): (…), the sum of that of each unit, its end included and nothing behind it."""
        return self.log_prob_each(value).sum(-1)

    @property
    def mean(self) -> Tensor:
        """The rows (…, T) that begin likeliest: at each step the likeliest unit. Units have no mean."""
        return self.unrolled(lambda scores: scores.argmax(-1))

    def sample(  # type: ignore[override]
        self, sample_shape: torch.Size | tuple[int, ...] = (), *, temperature: float = 1.0, top_p: float = 1.0
    ) -> Tensor:
        """Rows (*sample_shape, …, T), unit after unit. temperature: below 1, likelier units more often; 0 takes the likeliest.

        top_p: only the likeliest units, which have so much of the probability together, are drawn (Holtzman et al. 2020).
        """
        return self.expanded(sample_shape).unrolled(lambda scores: drawn(scores, temperature, top_p))

    @torch.no_grad()
    def unrolled(self, choice: Choice) -> Tensor:
        """Rows (…, T) of units that are chosen one after the other, each by the scores given those before."""
        body, z = self.body, self.c.flatten(0, -2)
        rows = torch.full((len(z), body.length), END, device=z.device)
        last, over = rows[:, 0], torch.zeros(len(z), dtype=torch.bool, device=z.device)
        known, memory = body.begin(z)
        for at in range(body.length - 1):
            scores, memory = body.step(last, known, memory)
            last = torch.where(over, END, choice(_wide(scores)))
            rows[:, at] = last
            over = over | (last == END)
            if bool(over.all()):
                break
        return rows.unflatten(0, self.c.shape[:-1])

    def beam(self, width: int = 5) -> Tensor:
        """The likeliest rows (…, T) that a search finds which goes on from the `width` likeliest beginnings."""
        with torch.no_grad():
            found = [self._searched(z[None], width) for z in self.c.flatten(0, -2)]
        return torch.stack(found).unflatten(0, self.c.shape[:-1])

    def _searched(self, z: Tensor, width: int) -> Tensor:
        """The likeliest row (T,) of one code z (1, D)."""
        body = self.body
        known, memory = body.begin(z)
        rows, nats = torch.full((1, body.length), END, device=z.device), torch.zeros(1, device=z.device)
        last, over = rows[:, 0], torch.zeros(1, dtype=torch.bool, device=z.device)
        for at in range(body.length - 1):
            scores, memory = body.step(last, known.expand(len(rows), -1), memory)
            each = _wide(scores).log_softmax(-1)
            closed = torch.full_like(each, -torch.inf)
            closed[:, END] = 0.0
            total = nats[:, None] + torch.where(over[:, None], closed, each)
            nats, best = total.flatten().topk(min(width, int((total > -torch.inf).sum())))
            before, last = best // body.units, best % body.units
            rows, memory = rows[before].clone(), tuple(part[:, before] for part in memory)
            rows[:, at] = last
            over = over[before] | (last == END)
            if bool(over.all()):
                break
        return rows[int(nats.argmax())]

    def _event(self) -> tuple[int, ...]:
        return (self.body.length,)

    def _each(self, value: Tensor) -> Tensor:
        lead, length = self.c.shape[:-1], value.shape[-1]
        target = value.expand(*lead, length).reshape(-1, length)
        remembered = self.body(self.c.reshape(-1, self.c.shape[-1]), target)
        places = torch.arange(length, device=target.device)
        counted = (places <= ends_of(target)[:, None]) & (places < self.body.length - 1)  # the last can only be the end
        found = _log_probs(self.body, remembered[counted], target[counted])
        return (
            torch.zeros(target.shape, device=found.device, dtype=found.dtype).masked_scatter(counted, found).unflatten(0, lead)
        )


def drawn(scores: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    """Units (B,) drawn by their scores (B, units); see `Serial.sample`."""
    if temperature <= FLOOR:
        return scores.argmax(-1)
    share = (scores / temperature).softmax(-1)
    if top_p < 1:
        ordered, places = share.sort(-1, descending=True)
        kept = ordered.cumsum(-1) - ordered < top_p  # the first one always
        share = torch.zeros_like(share).scatter(-1, places, ordered * kept)
    level = chance.uniform((len(share), 1), share) * share.sum(-1, keepdim=True)
    return (share.cumsum(-1) <= level).sum(-1).clamp(max=share.shape[-1] - 1)


def _log_probs(body: AutoregressiveDecoder, remembered: Tensor, units: Tensor) -> Tensor:
    """log p of units (m,) by what is remembered (m, H) before each: (m,)."""
    if torch.is_grad_enabled():
        return -cross_entropy(_wide(body.scores(remembered)), units, reduction="none")
    found = []
    for some, of in zip(remembered.split(SCORED), units.split(SCORED), strict=True):
        full = torch.nn.functional.pad(some, (0, 0, 0, SCORED - len(some)))
        scores = _wide(body.scores(full)[: len(some)])
        found.append(-cross_entropy(scores, of, reduction="none"))
    return torch.cat(found) if found else remembered.new_zeros(0)


def _wide(scores: Tensor) -> Tensor:
    """Scores as float32 at least: log-probabilities need the digits."""
    return scores.float() if scores.dtype.itemsize < 4 else scores
