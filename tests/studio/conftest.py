"""What tests of the page share: a trained run, an application that shows it, and a browser."""

import base64
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import Dataset, load
from latentwalk.data.dataset import join
from latentwalk.data.footage import frames_of
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.predictor import FramePredictor

try:
    import prometheus_client  # noqa: F401
    import uvicorn  # noqa: F401

    from latentwalk.serving.application import application
    from latentwalk.serving.limits import Limits
    from latentwalk.serving.served import Served
    from latentwalk.serving.socket import listener, server
    from latentwalk.studio.exhibit import Exhibit
    from latentwalk.studio.films import ShownFilms
    from latentwalk.studio.routes import Shows, studio_routes
    from latentwalk.studio.train_routes import training_routes
    from latentwalk.studio.training import Trainings
except ImportError:  # without the extra
    collect_ignore_glob = ["test_*.py"]

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SIZE = {"width": 1280, "height": 800}


def fitted(recipe: str, **options: Any) -> Autoencoder:
    known = {"latent": 2, "epochs": 12, "learning_rate": 0.004, "random_state": 0, "progress": False}
    return Autoencoder(recipe, **(known | options))


@pytest.fixture(scope="session")
def digits() -> Any:
    """All small digits, and of each whether it has much ink, and more of it below than above."""
    rows = load("digits")
    x = np.asarray(rows.x, np.float64)
    ink = {"heavy": x.mean((1, 2)), "low": x[:, 4:].mean((1, 2)) - x[:, :4].mean((1, 2))}
    return replace(rows, factors={name: (values > np.median(values)).astype(float) for name, values in ink.items()})


@pytest.fixture(scope="session")
def vae(digits: Any) -> Autoencoder:
    """A VAE of digits, trained for so long that places are decoded differently."""
    return fitted("vae").fit(digits)


@pytest.fixture(scope="session")
def exhibit(vae: Autoencoder, digits: Any) -> "Exhibit":
    """What the page is told of it."""
    return Exhibit.of("vae", "VAE of <b>digits</b>", vae.space(digits))


@pytest.fixture(scope="session")
def deep(digits: Any) -> "Exhibit":
    """An autoencoder of four dimensions, hardly trained."""
    model = fitted("ae", latent=4, epochs=1).fit(digits)
    return Exhibit.of("ae", "AE", model.space(digits))


@pytest.fixture(scope="session")
def moving() -> Any:
    """Films of a dot that goes to the right, eight learnt from and two of a paler one held out."""
    x = np.zeros((10, 7, 8, 8), np.uint8)
    rows, steps = np.arange(10)[:, None], np.arange(7)
    x[rows, steps, rows % 8, (rows + steps) % 8] = np.where(rows < 8, 255, 180)
    return Dataset.of(x[:8], kind="film"), Dataset.of(x[8:], kind="film")


@pytest.fixture(scope="session")
def predictor(moving: Any) -> FramePredictor:
    """What foresees them, a little."""
    return FramePredictor(latent=4, width=8, innovation=4, epochs=3, random_state=0, progress=False).fit(moving[0])


@pytest.fixture(scope="session")
def cinema(predictor: FramePredictor, moving: Any) -> "Exhibit":
    """Their frames, as a map."""
    films = ShownFilms.of(predictor, moving, 1 << 20)
    frames = [frames_of(part) for part in moving]
    rows = replace(join(*frames), factors={"frame": films.moments})
    space = predictor.frames_.space(rows, held_out=np.arange(len(rows)) >= len(frames[0]))
    return Exhibit.of("films", "Films", space, films.names, films=films)


@pytest.fixture(scope="session")
def clips(moving: Any) -> Autoencoder:
    """An autoencoder whose examples are whole films."""
    return fitted("ae", epochs=40).fit(moving[0])


@pytest.fixture(scope="session")
def shows(
    exhibit: "Exhibit", deep: "Exhibit", cinema: "Exhibit", clips: Autoencoder, vae: Autoencoder, moving: Any, digits: Any
) -> "Iterator[Shows]":
    """All of these, as they are served."""
    found = Shows()
    other = fitted("ae", latent=4, epochs=1).fit(digits)  # another model with the same weights, for other threads
    for one, model in ((exhibit, vae), (deep, other)):
        found.show(one, Served(one.name, model, data=lambda: digits, classes=digits.classes))
    found.show(cinema, Served("films", cinema.films.predictor.frames_))
    found.show(Exhibit.of("clips", "Clips", clips.space(moving[0])), Served("clips", clips))
    yield found
    for served in found.served.values():
        served.close()


@pytest.fixture(scope="session")
def address(shows: "Shows", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the page, with a queue of trainings that nobody works on."""
    trainings = Trainings(tmp_path_factory.mktemp("trained"))
    trainings.queue("digits", "vae", None, 3)
    with listening(shows, training_routes(trainings)) as found:
        yield found


@pytest.fixture(scope="session")
def shown() -> "Callable[..., Any]":
    """Inside, a server of the page shows models, each the space of its rows: by name (model, rows) → address, exhibits."""

    @contextmanager
    def shown(**models: tuple[Autoencoder, Any]) -> "Iterator[tuple[str, dict[str, Exhibit]]]":
        found = Shows()
        for name, (model, rows) in models.items():
            found.show(Exhibit.of(name, name, model.space(rows)), Served(name, model))
        with listening(found) as address:
            yield address, found.exhibits
        for served in found.served.values():
            served.close()

    return shown


@pytest.fixture(scope="session", name="listening")
def listening_fixture() -> "Callable[..., Any]":
    """See `listening`."""
    return listening


@contextmanager
def listening(shows: "Shows", training: Any = None) -> Iterator[str]:
    """Inside, a server of the page listens at the address that is given."""
    bound: socket.socket = listener("127.0.0.1", 0)
    found = server(application(shows.served, routers=[studio_routes(shows, training)]), Limits())
    thread = Thread(target=found.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    until = monotonic() + 60
    while not found.started and monotonic() < until:
        sleep(0.02)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        found.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window; tests are skipped where it or Playwright is absent."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: no page is opened")
    path = next((one for one in CHROMIUM if Path(one).exists()), None)
    if path is None:
        pytest.skip("there is no Chromium here (apt-get install chromium): no page is opened")
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-dev-shm-usage"]
        chromium = playwright.chromium.launch(executable_path=path, args=options)
        yield chromium
        chromium.close()


class Watched:
    """A page of the browser, and all that it complains of or asks others for."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(viewport=SIZE, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)  # a machine may be busy
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, url: str) -> Any:
        """The page, once a picture is decoded and drawn."""
        self.page.goto(url)
        self.page.wait_for_function("() => window.latentwalk?.scenes?.value?.[0]?.decoded.value")
        self.page.wait_for_function("() => latentwalk.maps.size && [...latentwalk.maps.values()].every((one) => one.still)")
        return self.page

    def settle(self) -> None:
        """Wait until nothing is asked for, and what was answered is drawn."""
        self.page.wait_for_function("() => latentwalk.scenes.value.every((one) => !one.busy && !one.wanted)")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def decoded(self, run: str = "vae") -> np.ndarray:
        """The picture under the probe, as it is drawn: (H, W), gray."""
        read = '(run) => latentwalk.root.querySelector(`.big[data-run="${run}"] canvas`).toDataURL()'
        png = base64.b64decode(self.page.evaluate(read, run).partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(png)).convert("L"))

    def dots(self) -> bytes:
        """The layer of points, as it is drawn."""
        return self.page.evaluate("() => [...latentwalk.maps.values()][0].dots.toDataURL()").encode()

    def code(self, at: int = 0) -> np.ndarray:
        """The code under the probe."""
        return np.array(self.page.evaluate("(at) => [...latentwalk.scenes.value[at].z.value]", at), np.float32)

    def on_screen(self, places: np.ndarray) -> np.ndarray:
        """Where places (n, 2) of the first map are on the screen."""
        rect = self.page.evaluate("() => [...latentwalk.maps.values()][0].rect()")
        box = self.page.locator("canvas.top").first.bounding_box()
        return np.stack(
            [
                box["x"] + (places[:, 0] - rect["left"]) * rect["scale"],
                box["y"] + (rect["top"] - places[:, 1]) * rect["scale"],
            ],
            axis=1,
        )


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    """A fresh page; at its end it has complained of nothing."""
    found = Watched(browser)
    yield found
    found.context.close()
    assert found.complaints == []


@pytest.fixture
def opened(watched: Watched, address: str) -> Watched:
    """The page on two runs, opened; at its end it has asked nobody else."""
    watched.open(f"{address}/")
    return watched
