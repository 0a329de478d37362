"""What people see: `report.json` with every number first, then one self-contained `report.html` drawn from it alone.

content.py      a comparison (or one trained model) → the content of a report: JSON-able numbers and pictures
one_model.py    what a report on one model says besides: all measures, a diagnosis, blends, transplants
region.py       where encoded data lies on the plane of a space, and which draws fall into holes
earlier.py      the content of reports of earlier versions, in the keys of today
words.py        the sentences that follow from the numbers
figures.py      the charts, once for a light page and once for a dark one
page.py         content → HTML; both files written so that they appear whole or not at all
leaflet.py      a short page of charts, a table and strips, which these are made with:
                reduction.py (maps, numbers of dimensions) · denoising.py (noise) · sweep.py (curves) ·
                synthesis.py (copies)
"""

from latentwalk.report.content import content
from latentwalk.report.page import page, redraw, write_page

__all__ = ["content", "page", "redraw", "write_page"]
