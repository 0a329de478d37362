"""How soon the studio answers: first paint, frames of 100,000 points, from the pointer to a picture, a map taken away.

Needs latentwalk[studio,export], Playwright and Chromium (Debian's; WebGL and WebGPU are switched off). The run is one of
100,000 images, a convolutional VAE: of the 70,000 digits of MNIST and 30,000 articles of Fashion-MNIST in one .npz, say:

    latentwalk fit hundred.npz --network conv --epochs 1 --complete none --out hundred
    python benchmarks/studio.py hundred
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common.facts import RESULTS, facts
from playwright.sync_api import sync_playwright

from latentwalk.estimators.autoencoder import Autoencoder

CHROMIUM = "/usr/bin/chromium"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-webgpu", "--disable-dev-shm-usage"]
SIZES = {"1280x800": (1280, 800), "390x844": (390, 844)}
ROUNDS, POINTERS, CODES = 3, 300, 200
READY = "() => window.latentwalk?.scenes?.value?.[0]?.decoded.value && [...latentwalk.maps.values()][0]?.ink && true"
WATCH = """() => {
    window.between = [];
    let last = 0;
    const tick = (now) => {
        if (last && window.moving) between.push(now - last);
        last = now;
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    [...latentwalk.maps.values()][0].frames.length = 0;
    window.moving = true;
}"""
DECODE = """async (codes) => {
    const scene = latentwalk.scenes.value[0], out = [], took = [];
    for (const z of codes) {
        const start = performance.now(), { values } = await scene.source.decode(scene.name, Float32Array.from(z));
        took.push(performance.now() - start);
        out.push([...values]);
    }
    return { out, took };
}"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path)
    run = options.parse_args().run
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        with served(run, Path(folder)) as url:
            paints = {(size, scheme): painted(chromium, url, size, scheme) for size in SIZES for scheme in ("light", "dark")}
            rows = {size: moved(chromium, url, size) for size in SIZES}
        away = taken_away(chromium, run, Path(folder) / "map.html")
        text = written(chromium.version, paints, rows, away)
        chromium.close()
    (RESULTS / "studio.md").write_text(text)
    print(text)


@contextmanager
def served(run: Path, folder: Path) -> Iterator[str]:
    """A server of the run: its address."""
    words = [sys.executable, "-m", "latentwalk", "studio", str(run), "--port", "0", "--trained", str(folder / "trained")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"serving at (\S+)", line):
                yield found[1]
                break
        server.terminate()


def opened(chromium: Any, url: str, size: str, scheme: str = "light") -> Any:
    """A fresh page, once a picture is decoded."""
    wide, high = SIZES[size]
    context = chromium.new_context(viewport={"width": wide, "height": high}, color_scheme=scheme)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(url)
    page.wait_for_function(READY)
    return page


def painted(chromium: Any, url: str, size: str, scheme: str) -> tuple[float, float]:
    """Milliseconds until something is painted, and until the map is, medians."""
    found = []
    for _ in range(ROUNDS):
        page = opened(chromium, f"{url}/studio/", size, scheme)
        first = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
        found.append((first, page.evaluate("() => [...latentwalk.maps.values()][0].first")))
        assert not page.complaints, page.complaints
        page.context.close()
    return median(one[0] for one in found), median(one[1] for one in found)


def moved(chromium: Any, url: str, size: str) -> dict[str, list[float]]:
    """Milliseconds between frames while the map is moved and zoomed, of drawing one, and from the pointer to the picture."""
    page = opened(chromium, f"{url}/studio/", size)
    page.wait_for_timeout(1500)
    box = page.locator("canvas.top").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(WATCH)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(150):
        page.mouse.move(x + 40 * np.sin(step / 9), y + 30 * np.cos(step / 7))
    page.mouse.up()
    for step in range(120):
        page.mouse.wheel(0, -40 if step % 60 < 30 else 40)
    found = page.evaluate(
        "() => { window.moving = false; return { between, drawn: [...latentwalk.maps.values()][0].frames }; }"
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Whole map").click()
    page.evaluate("() => { latentwalk.scenes.value[0].timings.length = 0; }")
    for step in range(POINTERS):
        page.mouse.move(x + 100 * np.sin(step / 15), y + 90 * np.cos(step / 11))
        page.wait_for_timeout(15)
    page.wait_for_timeout(300)
    found["decoded"] = page.evaluate("() => latentwalk.scenes.value[0].timings")
    page.context.close()
    return found


def taken_away(chromium: Any, run: Path, path: Path) -> dict[str, Any]:
    """The file of the map: its bytes, milliseconds of a decode, and how far it is from PyTorch, as a share of the range."""
    subprocess.run([sys.executable, "-m", "latentwalk", "studio", str(run), "--export", str(path)], check=True)
    page = opened(chromium, path.as_uri(), "1280x800")
    model = Autoencoder.load(run)
    codes = np.random.default_rng(0).normal(0, 1, (CODES, model.model_.dim)).astype(np.float32)
    found = page.evaluate(DECODE, codes.tolist())
    expected = np.asarray(model.trained_.decode(codes), np.float64).reshape(CODES, -1)
    span = model.spec_.high - model.spec_.low
    shown = page.evaluate("() => latentwalk.scenes.value[0].about.shown")
    assert not page.complaints, page.complaints
    page.context.close()
    error = float(np.abs(np.array(found["out"]) - expected).max() / span)
    return {"bytes": path.stat().st_size, "took": found["took"], "error": error, "shown": shown}


def written(version: str, paints: Any, rows: Any, away: Any) -> str:
    """The results as a page."""
    said = [
        "# The studio\n",
        f"{facts('torch', 'fastapi', 'uvicorn', 'latentwalk')} Headless Chromium {version}, no GPU, WebGL and WebGPU off; "
        "server and browser on the same two cores, which other people's work shared "
        f"({os.getloadavg()[0]:.0f} processes wanted them, on average). 100,000 images of 28 x 28 (MNIST and 30,000 of "
        f"Fashion-MNIST), a convolutional VAE, D = 2. First paints: medians of {ROUNDS}. Script: `benchmarks/studio.py`.\n",
        "| page | first paint, ms | map of 100,000 points drawn, ms |\n|---|---:|---:|",
        *(f"| {size}, {scheme} | {first:,.0f} | {whole:,.0f} |" for (size, scheme), (first, whole) in paints.items()),
        "\nFrom the navigation on, over loopback; the aim is a first paint within 1,500 ms.\n",
        "| 100,000 points, moved and zoomed | median, ms | 95 %, ms | 99 %, ms |\n|---|---:|---:|---:|",
    ]
    for size, found in rows.items():
        said.append(f"| {size}: between frames | {_quantiles(found['between'])} |")
        said.append(f"| {size}: drawing one | {_quantiles(found['drawn'])} |")
        said.append(f"| {size}: from the pointer to the picture | {_quantiles(found['decoded'])} |")
    took = away["took"]
    said += [
        "\nAims: 16 ms a frame in the median, 33 at 95 %; 50 ms from the pointer to the picture, 150 at 99 %. A frame comes "
        "every 16.7 ms.\n",
        "| the map as one file | |\n|---|---:|",
        f"| size, MB (at most 8) | {away['bytes'] / 1e6:.2f} |",
        f"| examples in it | {away['shown']:,} |",
        f"| a decode, ms: median, 99 % (at most 16) | {np.median(took):.2f}, {np.quantile(took, 0.99):.2f} |",
        f"| largest difference from PyTorch, share of the range (at most 1e-4) | {away['error']:.1e} |",
    ]
    return "\n".join(said) + "\n"


def _quantiles(values: list[float]) -> str:
    return " | ".join(f"{np.quantile(values, share):.1f}" for share in (0.5, 0.95, 0.99))


if __name__ == "__main__":
    main()
