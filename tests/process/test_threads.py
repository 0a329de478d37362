"""The same seed gives the same model in any thread, in any order, beside anything else that draws."""

import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_info
from torch import nn

from latentwalk import Autoencoder, Corruption, Network, Recipe, Settings, Sparsity
from latentwalk.chance import covered, from_seed, lent, normal, part_of, seeded
from latentwalk.latent.samplers import KINDS
from latentwalk.surroundings import heard, hushed
from latentwalk.training import runtime
from latentwalk.training.runtime import one_thread, quick, roomy

X = np.random.default_rng(0).normal(size=(60, 4))
QUICK: dict[str, Any] = {"epochs": 3, "progress": False, "random_state": 0, "batch_size": 16}
SMALL = Network("dense", widths=(8,), dropout=0.2)
COUNTS = np.random.default_rng(1).poisson(4.0, (60, 3))


def bodies() -> tuple[nn.Module, nn.Module]:
    with seeded(5):
        encoder, decoder = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3)), nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.3))
    return encoder, decoder


FITS: dict[str, Callable[[], Any]] = {
    "vae": lambda: Autoencoder("vae", network=SMALL, **QUICK).fit(X),
    "noise": lambda: Autoencoder("denoising", network=SMALL, noise=Corruption("gaussian", (0.1, 0.5)), **QUICK).fit(X),
    "counts": lambda: Autoencoder("vae", network=SMALL, **QUICK).fit(COUNTS),
    "mixture prior": lambda: Autoencoder(Recipe("m", prior="mixture"), network=SMALL, **QUICK).fit(X),
    "silenced": lambda: Autoencoder(Recipe("s", "point", "reconstruction", sparsity=Sparsity("dropout")), **QUICK).fit(X),
    "parts": lambda: Autoencoder("vae", network=SMALL, training=Settings(accumulate=2), **QUICK).fit(X),
    "own": lambda: Autoencoder("vae", latent=2, network=bodies(), likelihood="gaussian", **QUICK).fit(X),
}


@pytest.fixture(autouse=True)
def alone():
    with one_thread():
        yield


@pytest.mark.parametrize("name", FITS)
def test_four_threads_fit_the_model_that_one_fits(name):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    expected = FITS[name]().transform(X if name != "counts" else COUNTS)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: FITS[name]().transform(X if name != "counts" else COUNTS), range(4)))
    assert all(np.array_equal(codes, expected) for codes in found)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("flow", "resampled", "vamp")])
def test_samplers_of_four_threads_draw_the_same(kind):
    model = FITS["vae"]()
    codes = np.random.default_rng(0).normal(size=(80, 2))

    def draws(_: int) -> np.ndarray:
        return np.asarray(KINDS[kind].fit(codes, 3)(9, np.random.default_rng(1)))

    expected = draws(0)
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(found, expected) for found in pool.map(draws, range(4)))
    assert model.sample(3).shape == (3, 4)


def test_a_program_that_draws_meanwhile_and_a_fit_do_not_see_each_other():
    expected = FITS["vae"]().transform(X)
    torch.manual_seed(8)
    undisturbed = [torch.rand(3) for _ in range(400)]
    torch.manual_seed(8)
    drawn: list[torch.Tensor] = []
    going = threading.Event()

    def draw() -> None:
        while len(drawn) < 400:
            drawn.append(torch.rand(3))
        going.set()

    thread = threading.Thread(target=draw)
    thread.start()
    found = [FITS["vae"]().transform(X)]
    while not going.is_set():
        found.append(FITS["vae"]().transform(X))
    thread.join()
    assert all(np.array_equal(codes, expected) for codes in found)
    assert torch.equal(torch.stack(drawn), torch.stack(undisturbed))


# ---------------------------------------------------------------------- laws


DRAWS: dict[str, Callable[[], torch.Tensor]] = {
    "randn": lambda: torch.randn(5),
    "rand": lambda: torch.rand(4, dtype=torch.float64),
    "randint": lambda: torch.randint(9, (6,)),
    "randint from": lambda: torch.randint(3, 9, (6,)),
    "randperm": lambda: torch.randperm(9),
    "like": lambda: torch.rand_like(torch.zeros(4)) + torch.randn_like(torch.zeros(4)) + torch.randint_like(torch.zeros(4), 9),
    "normal": lambda: torch.normal(torch.zeros(20), torch.ones(20)),
    "multinomial": lambda: torch.multinomial(torch.ones(5), 3),
    "poisson": lambda: torch.poisson(torch.full((6,), 3.0)),
    "gamma": lambda: torch.distributions.Gamma(2.0, 1.0).sample((4,)),
    "dropout": lambda: nn.functional.dropout(torch.ones(30)),
    "alpha dropout": lambda: nn.functional.alpha_dropout(torch.ones(30), training=True),
    "rrelu": lambda: nn.functional.rrelu(-torch.ones(9), training=True),
    "weights": lambda: torch.cat([weight.flatten() for weight in nn.GRU(3, 4, 2).parameters()]),
    "dropout of a GRU": lambda: nn.GRU(3, 4, 2, dropout=0.5).train()(torch.ones(2, 5, 3))[0].detach(),
    "in place": lambda: torch.empty(9).exponential_() + torch.empty(9).cauchy_() + torch.empty(9).geometric_(0.4),
    "trunc_normal": lambda: nn.init.trunc_normal_(torch.empty(9)),
}


@pytest.mark.parametrize("way", [seeded, "lent"])
@pytest.mark.parametrize("name", DRAWS)
def test_whatever_draws_gives_what_pytorch_gives_after_the_same_seed(name, way):
    torch.manual_seed(4)
    expected = [DRAWS[name](), torch.rand(2), DRAWS[name]()]
    torch.manual_seed(9)
    before = torch.get_rng_state()
    found = []
    if way == "lent":
        with from_seed(4):
            with lent():
                found.append(DRAWS[name]())
            with covered():
                found.append(torch.rand(2))
            with lent():
                found.append(DRAWS[name]())
    else:
        with seeded(4):
            found = [DRAWS[name](), torch.rand(2), DRAWS[name]()]
    assert all(map(torch.equal, found, expected))
    if way != "lent":
        assert torch.equal(torch.get_rng_state(), before)


def test_a_part_of_a_batch_belongs_to_the_thread_that_works_on_it():
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with part_of(2, 1, 9):
            inside.set()
            done.wait()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    with from_seed(0):
        found = normal((9, 2), torch.empty(0))
    done.set()
    thread.join()
    assert torch.equal(found, torch.empty(9, 2).normal_(generator=torch.Generator().manual_seed(0)))


def overlapping(context: Callable[[], Any]) -> None:
    """One thread enters, another enters, the first leaves, the other leaves."""
    first, second, left = (threading.Event() for _ in range(3))

    def one() -> None:
        with context():
            first.set()
            second.wait()
        left.set()

    def other() -> None:
        first.wait()
        with context():
            second.set()
            left.wait()

    threads = [threading.Thread(target=each) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("context", [one_thread, hushed, heard, roomy, quick, lambda: seeded(1), lambda: from_seed(1)])
def test_contexts_that_overlap_in_two_threads_leave_all_as_it_was(context):
    def state() -> Any:
        counts = [(library["filepath"], library["num_threads"]) for library in threadpool_info()]
        return list(warnings.filters), counts, torch.get_num_threads(), torch.get_rng_state().tolist()

    before = state()
    overlapping(context)
    assert state() == before


@contextmanager
def noticed():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


def test_what_one_thread_says_is_heard_and_shown_to_nobody():
    with noticed() as seen, heard() as said:
        warnings.warn("of mine", UserWarning, stacklevel=1)
        warnings.warn("of mine", UserWarning, stacklevel=1)
        other = threading.Thread(target=lambda: warnings.warn("of another", UserWarning, stacklevel=1))
        other.start()
        other.join()
    assert said == ["of mine"]
    assert [str(one.message) for one in seen] == ["of another"]


def test_what_is_hushed_in_one_thread_is_heard_from_another():
    with noticed() as seen, hushed(UserWarning):
        warnings.warn("here", UserWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: warnings.warn("there", UserWarning, stacklevel=1))
        thread.start()
        thread.join()
    assert [str(one.message) for one in seen] == ["there"]


def test_scikit_learn_works_in_parallel_inside():
    with hushed(beginning="Glyph"):
        distances, _ = NearestNeighbors(n_neighbors=2, n_jobs=2).fit(X).kneighbors(X)
    assert (distances[:, 1] > 0).all()


@pytest.mark.skipif(runtime._glibc() is None, reason="glibc's own")
def test_memory_that_training_frees_is_given_back():
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    with roomy():
        pass
    before = resident()
    with roomy():
        buffers = [np.ones(2 << 17) for _ in range(50)]
        full = resident()
        del buffers
        kept = resident()
    assert full - before > 90 << 20
    assert kept - before > 60 << 20  # inside it stays
    assert resident() - before < 20 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's fenv")
def test_subnormals_count_inside_as_zero_and_outside_as_what_they_are():
    tiny = np.array([5e-324])
    with quick():
        assert (tiny * 1.0 == 0).all()
    assert (tiny * 1.0 > 0).all()
    torch.set_flush_denormal(True)
    try:
        with quick():
            pass
        assert (tiny * 1.0 == 0).all()
    finally:
        torch.set_flush_denormal(False)
