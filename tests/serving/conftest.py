"""What tests of the server share: small trained models, and clients of an application that serves them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from latentwalk.data import Dataset, load
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder

try:
    import prometheus_client  # noqa: F401
    from fastapi.testclient import TestClient

    from latentwalk.serving.application import application
    from latentwalk.serving.limits import Limits
    from latentwalk.serving.served import Served
    from latentwalk.serving.socket import listener, server
except ImportError:  # without the extra
    collect_ignore_glob = ["test_*.py"]

HERE = "http://127.0.0.1"
NPY = {"content-type": "application/x-npy", "accept": "application/x-npy"}


def fresh(run: Served, limits: Limits | None = None) -> Served:
    """The same, with threads of its own."""
    return Served(run.name, run.model, data=lambda: run.rows, classes=run.classes, detector=run.detector, limits=limits)


@pytest.fixture(scope="session")
def anew() -> Callable[..., Served]:
    """A run with threads and limits of its own."""
    return fresh


@pytest.fixture(scope="session")
def digits() -> Served:
    """A VAE of digits."""
    rows = load("digits").take(np.arange(600))
    model = Autoencoder("vae", latent=3, epochs=4, random_state=0, progress=False).fit(rows)
    return Served("digits", model, data=lambda: rows, classes=rows.classes)


@pytest.fixture(scope="session")
def marked(digits: Served) -> Served:
    """The same VAE, and of each digit how much ink it has and where."""
    x = np.asarray(digits.rows.x, np.float64)
    ink = {"heavy": x.mean((1, 2)), "low": x[:, 4:].mean((1, 2)) - x[:, :4].mean((1, 2))}
    factors = {name: (values > np.median(values)).astype(float) for name, values in ink.items()}
    rows = replace(digits.rows, factors=factors)
    return Served("marked", digits.model, data=lambda: rows, classes=digits.classes)


@pytest.fixture(scope="session")
def told() -> Served:
    """A VAE of digits that is told which digit it is."""
    rows = load("digits").take(np.arange(300))
    model = Autoencoder("vae", latent=2, epochs=2, condition=True, random_state=0, progress=False).fit(rows)
    return Served("told", model, data=lambda: rows, classes=rows.classes)


@pytest.fixture(scope="session")
def people() -> Served:
    """A detector of a table of numbers, counts and categories, some of them missing."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    town = rng.choice(["Ulm", "Köln", "=1+1"], 300)
    frame = pandas.DataFrame(
        {
            "height": np.where(rng.random(300) < 0.1, np.nan, rng.normal(170, 10, 300)),
            "visits": rng.poisson(3, 300),
            "town": town,
        }
    )
    detector = AnomalyDetector(random_state=0, epochs=2).fit(frame)
    return Served("people", detector.model_, data=lambda: Dataset.of(frame), detector=detector)


@pytest.fixture(scope="session")
def texts() -> Served:
    """A VAE of short texts."""
    rows = Dataset.of(["ab", "abab", "ba", "baba", "aab", "bba"] * 10, units="characters")
    model = Autoencoder("vae", latent=2, epochs=1, random_state=0, progress=False).fit(rows)
    return Served("texts", model, data=lambda: rows)


@pytest.fixture(scope="session")
def client_of() -> Callable[..., TestClient]:
    """A client of an application that serves these runs."""

    def client_of(*runs: Served, **options: Any) -> TestClient:
        return TestClient(application({run.name: run for run in runs}, **options), base_url=HERE)

    return client_of


@pytest.fixture(scope="session")
def client(
    client_of: Callable[..., TestClient], digits: Served, marked: Served, told: Served, people: Served, texts: Served
) -> Iterator[TestClient]:
    """A client of all of these."""
    with client_of(*map(fresh, (digits, marked, told, people, texts))) as client:
        yield client


@pytest.fixture(scope="session")
def listening() -> Callable[..., Any]:
    """Inside, an application listens at a port of its own, which is what is given; it has ended afterwards."""

    @contextmanager
    def listening(*runs: Served, limits: Limits | None = None, renew: bool = True, **options: Any) -> Iterator[int]:
        limits = replace(limits or Limits(), closing=2)
        served = {run.name: fresh(run, limits) if renew else run for run in runs}
        app = application(served, limits=limits, **options)
        socket = listener("127.0.0.1", 0)
        port, ours = socket.getsockname()[1], server(app, limits)
        thread = Thread(target=ours.run, kwargs={"sockets": [socket]})
        thread.start()
        until = monotonic() + 10
        while not ours.started and monotonic() < until:
            sleep(0.01)
        try:
            yield port
        finally:
            ours.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the server does not end"

    return listening


@pytest.fixture(scope="session")
def npy() -> Callable[[Any], bytes]:
    """An array as a .npy file, pickled where it has to be."""

    def npy(x: Any) -> bytes:
        file = io.BytesIO()
        np.save(file, x, allow_pickle=True)
        return file.getvalue()

    return npy
