"""What goes in: arrays, files, named data sets, and what is known about them."""

from latentwalk.data.catalog import load, names
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources import read
from latentwalk.data.spec import DataSpec

__all__ = ["DataSpec", "Dataset", "load", "names", "read"]
