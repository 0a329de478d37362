"""Drawn sentences with known factors, and a parser that gives them back.

    the cat sleeps in the garden         the cats did not sing on the hill         the baker will not wait at the station

Who, one or several, when, whether or not, what and where: each is drawn by itself, so that a direction between two of its
values has nothing to do with the others. The parser reads a sentence, or says that it is none: so a walk can be marked.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latentwalk.chance import rng_of
from latentwalk.checks import COUNTED, whole
from latentwalk.data.dataset import Dataset

__all__ = ["PHRASE_FACTORS", "factors_of", "phrases", "sentence"]

SUBJECTS = (
    *("cat", "dog", "child", "baker", "farmer", "sailor", "teacher", "king"),
    *("queen", "mouse", "horse", "doctor", "woman", "man", "thief", "poet"),
)
SEVERAL = {"child": "children", "mouse": "mice", "woman": "women", "man": "men", "thief": "thieves"}  # else with an s
VERBS = {
    "sleep": "slept",
    "sing": "sang",
    "wait": "waited",
    "dance": "danced",
    "eat": "ate",
    "run": "ran",
    "swim": "swam",
    "fall": "fell",
    "laugh": "laughed",
    "work": "worked",
    "hide": "hid",
    "dream": "dreamt",
}  # and what was done
PLACES = (
    *("in the garden", "in the house", "on the hill", "at the station", "under the bridge", "near the river"),
    *("in the forest", "on the roof", "at the market", "behind the church", "by the sea", "in the kitchen"),
)
TENSES = ("past", "present", "future")
PHRASE_FACTORS: dict[str, tuple[str, ...]] = {
    "subject": SUBJECTS,
    "number": ("one", "several"),
    "tense": TENSES,
    "negation": ("no", "yes"),
    "verb": tuple(VERBS),
    "place": PLACES,
}


def phrases(n: int = 6000, *, seed: int = 0) -> Dataset:
    """`n` sentences, by words; the class is the tense; factors: the place of each in `PHRASE_FACTORS`, (n,) each.

    >>> phrases(2).texts
    ['the horse will not swim behind the church', 'the farmer will not dream in the garden']
    """
    whole("n", n, "sentences", least=1, most=COUNTED)
    rng = rng_of(seed)
    drawn = np.stack([np.floor(rng.random(n) * len(values)) for values in PHRASE_FACTORS.values()], axis=1).astype(np.int64)
    texts = [sentence(dict(zip(PHRASE_FACTORS, row, strict=True))) for row in drawn.tolist()]
    factors = {name: drawn[:, at] for at, name in enumerate(PHRASE_FACTORS)}
    return Dataset.of(texts, np.array(TENSES)[factors["tense"]], units="words", name="phrases", factors=factors)


def sentence(factors: Mapping[str, int]) -> str:
    """The sentence of these factors, by name, each the place of its value in `PHRASE_FACTORS`."""
    subject, number, tense, negation, verb, place = (values[factors[name]] for name, values in PHRASE_FACTORS.items())
    return f"the {_noun(subject, number)} {_doing(verb, number, tense, negation == 'yes')} {place}"


def factors_of(text: str) -> dict[str, int] | None:
    """The factors of a sentence, by name, each the place of its value in `PHRASE_FACTORS`; None for what is no sentence.

    >>> factors_of("the mice do not sleep on the roof")
    {'subject': 9, 'number': 1, 'tense': 1, 'negation': 1, 'verb': 0, 'place': 7}
    >>> factors_of("the mice sleeps on the roof")
    """
    words = text.split(" ")
    found: dict[str, Any] = {"place": " ".join(words[-3:])}
    if len(words) < 6 or words[0] != "the" or found["place"] not in PLACES or words[1] not in _NOUNS:
        return None
    found["subject"], found["number"] = _NOUNS[words[1]]
    doing = _DOING.get((" ".join(words[2:-3]), found["number"]))
    if doing is None:
        return None
    found["verb"], found["tense"], found["negation"] = doing
    return {name: values.index(found[name]) for name, values in PHRASE_FACTORS.items()}


def _noun(subject: str, number: str) -> str:
    return subject if number == "one" else SEVERAL.get(subject, f"{subject}s")


def _doing(verb: str, number: str, tense: str, negated: bool) -> str:
    no = "not " if negated else ""
    if tense == "future":
        return f"will {no}{verb}"
    if negated:
        return f"{'did' if tense == 'past' else 'does' if number == 'one' else 'do'} not {verb}"
    return VERBS[verb] if tense == "past" else f"{verb}s" if number == "one" else verb


_NOUNS = {_noun(subject, number): (subject, number) for subject in SUBJECTS for number in PHRASE_FACTORS["number"]}
_DOING: dict[tuple[str, str], tuple[str, str, str]] = {
    (_doing(verb, number, tense, negation == "yes"), number): (verb, tense, negation)
    for verb in VERBS
    for number in PHRASE_FACTORS["number"]
    for tense in TENSES
    for negation in PHRASE_FACTORS["negation"]
}
