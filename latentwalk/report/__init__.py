"""What people see: `report.json` with every number first, then one self-contained `report.html` drawn from it alone.

gather.py     a comparison (or one trained model) → the content of a report: JSON-able numbers and pictures
plane.py      the two-dimensional picture of a latent space: codes, posteriors, holes
sheets.py     many examples → one PNG
words.py      the sentences that follow from the numbers
figures.py    the charts, once for a light page and once for a dark one
document.py   content → HTML; both files written so that they appear whole or not at all
"""

from latentwalk.report.content import content
from latentwalk.report.page import page, redraw, write

__all__ = ["content", "page", "redraw", "write"]
