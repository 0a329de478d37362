"""Train autoencoders of any family, measure whether their latent space is continuous and complete, and walk in it.

    Autoencoder("vae", latent=2).fit(X)     learn          Comparison(["ae", "vae"]).fit(data)     several, side by side
    .space(X) -> LatentSpace                walk           continuity(space), completeness(space)  measure
    .denoise(X)  .impute(X)  .transform(X)  use            AnomalyDetector().fit_predict(X)        find what is strange
    Sweep({"latent": [2, 8]}).fit(data)     compare curves over dimensions, beta, networks, amounts of data

Names are imported when they are first used, so that `import latentwalk` and `latentwalk --help` do not wait for PyTorch.
"""

from typing import Any


def _homes() -> dict[str, str]:
    """Name → the module it lives in, as `__init__.pyi` has them: a line for each, `from home import name as name`."""
    with open(f"{__file__}i", encoding="utf-8") as stub:
        lines = [line.split() for line in stub if line.startswith("from ")]
    return {name: home for _, home, _, name, *_ in lines}


_HOME_OF = _homes()
__all__ = [*_HOME_OF, "__version__"]


def __getattr__(name: str) -> Any:
    """PEP 562: the name from the module it lives in, kept for the next time."""
    if name == "__version__":
        value: Any = _version()
    elif name in _HOME_OF:
        from latentwalk.surroundings import imported

        value = getattr(imported(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The installed package's version; that of a mere checkout is unknown."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:
        return "0+unknown"
