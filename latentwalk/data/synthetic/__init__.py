"""Data sets that are drawn, not read: every generative factor is known."""

from latentwalk.data.synthetic.bouncing import BOUNCING_FACTORS, bouncing_digits, bouncing_shapes, render_bouncing
from latentwalk.data.synthetic.faces import FACTORS, faces, render
from latentwalk.data.synthetic.factor import Factor
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, factors_of_tune, melodies, tune
from latentwalk.data.synthetic.phrases import PHRASE_FACTORS, factors_of, phrases, sentence
from latentwalk.data.synthetic.sprites import SPRITE_FACTORS, render_sprites, sprites
from latentwalk.data.synthetic.tones import TONE_FACTORS, factors_of_tones, render_tones, tones
from latentwalk.data.synthetic.waves import signals

__all__ = [
    "BOUNCING_FACTORS",
    "FACTORS",
    "MELODY_FACTORS",
    "PHRASE_FACTORS",
    "SPRITE_FACTORS",
    "TONE_FACTORS",
    "Factor",
    "bouncing_digits",
    "bouncing_shapes",
    "faces",
    "factors_of",
    "factors_of_tones",
    "factors_of_tune",
    "melodies",
    "phrases",
    "render",
    "render_bouncing",
    "render_sprites",
    "render_tones",
    "sentence",
    "signals",
    "sprites",
    "tones",
    "tune",
]
