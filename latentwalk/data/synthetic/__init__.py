"""Data sets that are drawn, not read: every generative factor is known."""

from latentwalk.data.synthetic.faces import FACTORS, Factor, faces, render
from latentwalk.data.synthetic.signals import signals

__all__ = ["FACTORS", "Factor", "faces", "render", "signals"]
