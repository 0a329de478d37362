"""`latentwalk data`: what data sets there are."""

from latentwalk.app.output import say

__all__ = ["data"]


def data() -> None:
    """List the data sets that have a name.

    \b
    Example:
      latentwalk data
    """
    from latentwalk.data import names

    known = names()
    width = max(map(len, known))
    for name, what in known.items():
        say(f"{name:{width}}  {what}")
    say("or a path: .npy .npz .csv .tsv .parquet, IDX (.gz), .txt .mid .wav .flac .mp3 .gif .mp4, a folder or .zip of images")
