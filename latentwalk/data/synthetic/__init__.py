"""Data sets that are drawn, not read: every generative factor is known."""

from latentwalk.data.synthetic.faces import FACTORS, faces, render
from latentwalk.data.synthetic.factor import Factor
from latentwalk.data.synthetic.phrases import PHRASE_FACTORS, factors_of, phrases, sentence
from latentwalk.data.synthetic.sprites import SPRITE_FACTORS, render_sprites, sprites
from latentwalk.data.synthetic.waves import signals

__all__ = [
    "FACTORS",
    "PHRASE_FACTORS",
    "SPRITE_FACTORS",
    "Factor",
    "faces",
    "factors_of",
    "phrases",
    "render",
    "render_sprites",
    "sentence",
    "signals",
    "sprites",
]
