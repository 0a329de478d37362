"""Data sets that are drawn, not read: every generative factor is known."""

from latentwalk.data.synthetic.faces import FACTORS, faces, render
from latentwalk.data.synthetic.factor import Factor
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, factors_of_tune, melodies, tune
from latentwalk.data.synthetic.phrases import PHRASE_FACTORS, factors_of, phrases, sentence
from latentwalk.data.synthetic.sprites import SPRITE_FACTORS, render_sprites, sprites
from latentwalk.data.synthetic.waves import signals

__all__ = [
    "FACTORS",
    "MELODY_FACTORS",
    "PHRASE_FACTORS",
    "SPRITE_FACTORS",
    "Factor",
    "faces",
    "factors_of",
    "factors_of_tune",
    "melodies",
    "phrases",
    "render",
    "render_sprites",
    "sentence",
    "signals",
    "sprites",
    "tune",
]
