"""What tests of the server share: small trained models, and clients of an application that serves them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.serving.application import application
from latentwalk.serving.served import Served

HERE = "http://127.0.0.1"


@pytest.fixture(scope="session")
def digits() -> Served:
    """A VAE of digits."""
    rows = load("digits").take(np.arange(600))
    model = Autoencoder("vae", latent=3, epochs=4, random_state=0, progress=False).fit(rows)
    return Served("digits", model, data=lambda: rows, classes=rows.classes)


@pytest.fixture(scope="session")
def client_of() -> Callable[..., TestClient]:
    """A client of an application that serves these runs."""

    def client_of(*runs: Served, **options: Any) -> TestClient:
        return TestClient(application({run.name: run for run in runs}, **options), base_url=HERE)

    return client_of


@pytest.fixture(scope="session")
def client(client_of: Callable[..., TestClient], digits: Served) -> Iterator[TestClient]:
    """A client of the digits."""
    yield client_of(digits)
    digits.close()
