"""`latentwalk data`: what data sets there are."""

import typer

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
        typer.echo(f"{name:{width}}  {what}")
    typer.echo("or a path: .npy .npz .csv .tsv .parquet, IDX (.gz), a folder or .zip of images")
