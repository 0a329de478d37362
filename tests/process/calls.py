"""Makes every public call in a fresh process, and prints what each changed in that process: a line of JSON a call.

python calls.py FOLDER    all of them; then some again, once the program flushes subnormals, hears of no floating-point error
                          and computes with two threads
"""

import ctypes
import gc
import json
import locale
import logging
import os
import platform
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import latentwalk as lw
from latentwalk.latent.criteria import region

FONTS = (".ttf", ".otf", ".afm")  # matplotlib keeps the files of its fonts open, a few in all
SUBNORMAL = torch.full((1 << 18,), 1e-310, dtype=torch.float64)  # so many that PyTorch's threads share them
ODD = ("load", "fit", "save", "transform", "export", "fit_sampler gaussian")
SMALL: dict[str, Any] = {"epochs": 1, "progress": False, "random_state": 0}


class Exit(Exception):
    """A command left with another code than 0."""


def state() -> dict[str, Any]:
    """All of this process that somebody else in it may rely on."""
    float_modes = ctypes.create_string_buffer(256)
    ctypes.CDLL("libm.so.6").fegetenv(float_modes)
    return {
        "float modes": _control(float_modes.raw),
        "subnormals of Python": 1e-310 * float("1") > 0,
        "subnormals of NumPy": bool((np.array([1e-310]) * np.array([1.0]))[0] > 0),
        "subnormals of PyTorch": int(((SUBNORMAL * 1.0).view(torch.int64) != 0).sum()),
        "filters of warnings": list(map(str, warnings.filters)),
        "showwarning": warnings.showwarning.__module__,
        "random": hash(random.getstate()),
        "NumPy's random": hash(np.random.get_state()[1].tobytes()),  # type: ignore[union-attr]
        "PyTorch's random": hash(bytes(torch.get_rng_state().tolist())),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "signals": [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGALRM)],
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits(),
        "hooks": (str(sys.excepthook), str(sys.displayhook), str(threading.excepthook)),
        "trace": (sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), gc.get_threshold(), gc.isenabled()),
        "logging": (logging.getLogger().level, len(logging.getLogger().handlers), logging.root.manager.disable),
        "threads": [thread.name for thread in threading.enumerate()],
        "files": sorted(name for name in map(_opened, os.listdir("/proc/self/fd")) if not name.endswith(FONTS)),
        "umask": _umask(),
        "NumPy's errors": (str(np.geterr()), str(np.get_printoptions())),
        "dtype": (str(torch.get_default_dtype()), str(torch.get_default_device()), str(torch._tensor_str.PRINT_OPTS)),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "threads of PyTorch": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "flags": (
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
            torch.backends.mkldnn.enabled,
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.distributions.Distribution._validate_args,
            torch.is_autocast_enabled("cpu"),
        ),
        "others": _of_others(),
    }


def _control(modes: bytes) -> int:
    """How floats are computed, without what was met on the way: x86's MXCSR less its six flags."""
    return int.from_bytes(modes[28:32], "little") & ~0x3F if platform.machine() == "x86_64" else 0


def _of_others() -> list[Any]:
    """Settings of packages that are there by now."""
    image, pyplot = (sys.modules.get(name) for name in ("PIL.Image", "matplotlib"))
    return [
        image and image.MAX_IMAGE_PIXELS,
        pyplot and {key: str(value) for key, value in dict.items(pyplot.rcParams)},
    ]


def _opened(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:  # that of the listing itself
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def calls(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Public calls by name, one after the other: a later one may need what an earlier one made."""
    made: dict[str, Any] = {}
    rng = np.random.default_rng(0)
    table = rng.normal(size=(140, 4))
    table[::9, 1] = np.nan

    def keep(name: str, call: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: made.update({name: call()})

    def command(*words: object) -> Callable[[], Any]:
        def call() -> None:
            from latentwalk.app.cli import app

            try:
                code = app([str(word) for word in words], prog_name="latentwalk", standalone_mode=False)
            except SystemExit as left:
                code = left.code
            if code:
                raise Exit(code)

        return call

    yield "names", lw.names
    yield "load", keep("digits", lambda: lw.load("digits").take(np.arange(320)))
    yield "Dataset.of", lambda: lw.Dataset.of(table)
    yield "adopt", lambda: lw.adopt(table)
    yield "read a CSV", lambda: lw.read(_csv(folder, rng))
    yield "read images", lambda: lw.read(_images(folder, rng), lazy=True).x[:3]
    yield "fit", keep("vae", lambda: lw.Autoencoder("vae", latent=2, **SMALL).fit(made["digits"]))
    vae: Callable[[], Any] = lambda: made["vae"]  # noqa: E731  # it is there when it is asked for
    yield "fit again, warm", lambda: lw.Autoencoder("vae", warm_start=True, **SMALL).fit(made["digits"]).fit(made["digits"])
    yield "fit with a checkpoint", lambda: lw.Autoencoder("ae", **SMALL).fit(made["digits"], checkpoint=folder / "checkpoint")
    yield (
        "fit without a seed",
        lambda: lw.Autoencoder("vae", epochs=1, progress=False, complete="gaussian").fit(table).sample(2),
    )
    yield "fit with noise", lambda: lw.Autoencoder("denoising", **SMALL).fit(made["digits"])
    own = _own()
    yield "fit parts of one's own", lambda: own.fit(table[:, [0, 2]])
    yield (
        "fit with Adamax and EMA",
        lambda: lw.Autoencoder(**SMALL, training=lw.Settings(optimizer="adamax", ema=0.9)).fit(table),
    )
    yield "fit anew in vain", lambda: _refused(lambda: lw.Autoencoder("vae", likelihood="bernoulli", **SMALL).fit(table))
    yield "transform", keep("codes", lambda: vae().transform(made["digits"]))
    yield "inverse_transform", lambda: vae().inverse_transform(made["codes"])
    yield "reconstruct", lambda: vae().reconstruct(made["digits"])
    yield "sample", lambda: vae().sample(5)
    yield "score_samples", lambda: vae().score_samples(made["digits"], 2)
    yield "score", lambda: vae().score(made["digits"])
    yield "score_each", lambda: vae().score_each(made["digits"])
    yield "impute", lambda: lw.Autoencoder(**SMALL).fit(table).impute(table)
    yield "save", lambda: vae().save(folder / "vae")
    yield "Autoencoder.load", lambda: lw.Autoencoder.load(folder / "vae")
    for kind in ("gaussian", "mixture", "neighbours"):
        yield f"fit_sampler {kind}", lambda kind=kind: vae().fit_sampler(made["digits"], kind).sample(3)
    yield "space", keep("space", lambda: vae().space(made["digits"]))
    space: Callable[[], Any] = lambda: made["space"]  # noqa: E731
    yield "completeness", lambda: lw.completeness(space(), "gaussian")
    yield "continuity", lambda: lw.continuity(space())
    yield "prior_gap, mutual_information", lambda: (lw.prior_gap(space()), lw.mutual_information(space()))
    yield "mmd, linear_probe", lambda: (lw.mmd(space()), lw.linear_probe(space()))
    yield "active_units, collapsed", lambda: (lw.active_units(space()), lw.collapsed(space()))
    yield "hole_map", lambda: lw.hole_map(space(), steps=8).plot()
    yield "diagnose", lambda: space().diagnose()
    yield "walk", lambda: space().walk(0, 1, path="density")
    yield "grid, blend, traverse", lambda: (space().grid(steps=3), space().blend([0, 1]), space().traverse(0, 1))
    yield "the notebook's view", lambda: (space()._repr_html_(), space().plot())
    yield "denoised_picture", lambda: lw.denoised_picture(lw.Autoencoder("denoising", **SMALL).fit(made["digits"]), np.eye(12))
    yield "AnomalyDetector", keep("detector", lambda: lw.AnomalyDetector(random_state=0, epochs=1).fit(table))
    yield "AnomalyDetector without a seed", lambda: lw.AnomalyDetector(epochs=1).fit(table)
    yield "AnomalyDetector.predict", lambda: (made["detector"].predict(table), made["detector"].blame(table))
    yield (
        "AnomalyDetector.save, load",
        lambda: (
            made["detector"].save(folder / "detector"),
            lw.AnomalyDetector.load(folder / "detector"),
        ),
    )
    yield "export", lambda: vae().export(folder / "vae")
    yield "latentwalk fit", command("fit", "digits", "--epochs", 1, "--out", folder / "run")
    yield "latentwalk fit --resume", command("fit", "digits", "--epochs", 2, "--out", folder / "run", "--resume")
    yield "latentwalk sample", command("sample", folder / "run", "-n", 4)
    yield "latentwalk encode", command("encode", folder / "run", "digits", "--out", folder / "codes.csv")
    yield "latentwalk walk", command("walk", folder / "run", "--from", "3", "--to", "7")
    yield "latentwalk in vain", lambda: _refused(command("report", folder / "nowhere"))


def _refused(call: Callable[[], Any]) -> None:
    try:
        call()
    except (lw.LatentwalkError, Exit):
        return
    raise AssertionError("it was not refused")


def _csv(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "table.csv"
    path.write_text(
        "a;b\n" + "".join(f"{a:.3f};{b}\n" for a, b in zip(rng.normal(size=30), rng.integers(9, size=30), strict=True))
    )
    return path


def _images(folder: Path, rng: np.random.Generator) -> Path:
    from PIL import Image

    (folder / "images").mkdir(exist_ok=True)
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)).save(folder / "images" / f"{number}.png")
    return folder / "images"


def _own() -> Any:
    """A model whose parts draw as they like from PyTorch's generator."""
    encoder = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 4))
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    return lw.Autoencoder("vae", latent=2, network=(encoder, decoder), likelihood="gaussian", **SMALL)


def main() -> None:
    """Make each call, then some again in other surroundings."""
    folder = Path(sys.argv[1])
    region.REFITS = region.ROUNDS = 1  # how well a region is learnt is tested elsewhere
    SUBNORMAL.mul(1.0)  # its threads begin here
    for name, call in calls(folder):
        told(name, call)
    torch.set_num_threads(2)
    SUBNORMAL.mul(1.0)  # the second begins here
    torch.set_flush_denormal(True)
    np.seterr(all="ignore")
    for name, call in calls(folder):
        if name in ODD:
            told(f"{name}, otherwise", call)


def told(name: str, call: Callable[[], Any]) -> None:
    """Make the call, and print its name, the error it ended in, and what it changed."""
    before, failure, start = state(), None, time.perf_counter()
    try:
        call()
    except Exception as error:  # it is told
        failure = f"{type(error).__name__}: {error}"
    now = state()
    changed = {what: (str(before[what]), str(now[what])) for what in now if before[what] != now[what]}
    if None in before["others"]:  # the package came with this call
        changed.pop("others", None)
    print(
        json.dumps({"call": name, "failure": failure, "changed": changed, "seconds": time.perf_counter() - start}), flush=True
    )


if __name__ == "__main__":
    main()
