"""Data sets that are drawn, not read: every generative factor is known."""

from latentwalk.data.synthetic.faces import FACTORS, Factor, faces, render

__all__ = ["FACTORS", "Factor", "faces", "render"]
