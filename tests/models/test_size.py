"""What would not fit into memory is told before it is asked for; and what is told is what there is."""

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, FramePredictor, Network, memory
from latentwalk.chance import seeded
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.latent.codes import check_draws
from latentwalk.models.size import LEARNING, WEIGHT, check_weights, each_takes

X = np.random.default_rng(0).random((20, 12, 12)).astype(np.float32)
FILMS = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), dtype=np.uint8)
QUIET = {"epochs": 1, "random_state": 0, "progress": False}


@pytest.fixture
def small(monkeypatch):
    """A machine with 256 MiB left."""
    monkeypatch.setattr(memory, "room", lambda: 1 << 28)


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_least_of_machine_container_and_process_is_what_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "SYSTEM", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "OWN", tmp_path)
    monkeypatch.setattr(memory, "resource", None)
    written(tmp_path / "meminfo", "MemTotal: 9000 kB\nMemAvailable:  5000 kB\nSwapFree: 1000 kB\n")
    assert memory.room() == 6000 * 1024
    for folder, most, now, stat in (
        ("groups", "memory.max", "memory.current", "inactive_file 20\nactive_file 25\nslab_reclaimable 5"),
        (
            "groups/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "inactive_file 9\ntotal_inactive_file 20\ntotal_active_file 30",
        ),
    ):
        written(tmp_path / folder / most, "max\n")
        written(tmp_path / folder / now, "300")
        written(tmp_path / folder / "memory.stat", stat)
        assert memory.room() == 6000 * 1024  # no limit
        written(tmp_path / folder / most, "1000\n")
        assert memory.room() == 750
        written(tmp_path / folder / most, "100\n")
        assert memory.room() == 0  # more is taken than there may be
        (tmp_path / folder / most).unlink()


@pytest.mark.skipif(memory.resource is None, reason="limits of POSIX")
def test_the_process_may_be_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(memory.resource, "getrlimit", lambda which: (1 << 30, 1 << 30))
    monkeypatch.setattr(memory, "OWN", tmp_path)
    written(tmp_path / "statm", f"{(1 << 29) // memory.resource.getpagesize()} 3 4")
    assert memory.room() <= 1 << 29


def test_numbers_of_numpys_do_not_wrap_around():
    with pytest.raises(ConfigError, match="n=100000"):
        check_draws(np.int32(100_000), 512, 1_228_800 * 100)


def test_what_is_small_is_not_asked_about(monkeypatch):
    """It would take longer than one row does."""
    monkeypatch.setattr(memory, "room", lambda: pytest.fail("asked"))
    memory.check_room(1 << 26, "that", "No.")


def test_a_machine_that_says_nothing_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "room", lambda: None)
    memory.check_room(2**80, "that", "No.")


@pytest.mark.parametrize("network", ["dense", "conv", "fully-conv"])
def test_weights_are_counted_as_they_come_to_be_and_none_is_made(network, monkeypatch):
    told = []
    monkeypatch.setattr("latentwalk.models.size.check_room", lambda size, what, advice: told.append(size))
    model = Autoencoder("vae", network=network, latent=36, **QUIET).fit(X).model_
    assert told == [LEARNING * sum(weight.numel() for weight in model.parameters())]


def test_counting_draws_nothing():
    def drawn():
        with seeded(3):
            check_weights(lambda: torch.nn.Linear(4, 5), WEIGHT, "this", "Less.")
            return torch.randn(3)

    with seeded(3):
        assert torch.equal(drawn(), torch.randn(3))


def test_what_learns_elsewhere_takes_little_here():
    assert each_takes(torch.device("cpu")) == LEARNING and each_takes(torch.device("cuda")) == WEIGHT


@pytest.mark.parametrize(
    "options",
    [
        {"latent": 10**6},
        {"network": Network("dense", widths=(10**6, 10**6))},
        {"network": Network("conv", channels=(10**6,))},
        {"latent": 10**6, "network": "conv"},
        {"recipe": "ae", "latent": 10**6},
    ],
)
def test_a_model_larger_than_memory_is_told_with_what_makes_it_so(options, small):
    with pytest.raises(ConfigError, match=r"latent=\d+, network=.* weights takes .* GiB, and 256.0 MiB of memory are free"):
        Autoencoder(**options, **QUIET).fit(X)


@pytest.mark.parametrize("options", [{"width": 10**6}, {"innovation": 10**6}])
def test_so_is_one_of_films(options, small):
    with pytest.raises(ConfigError, match=r"width=\d+, innovation=\d+, codes of 32 numbers: a model of .* weights takes"):
        FramePredictor(**options, **QUIET).fit(FILMS)


def test_a_folder_that_claims_a_huge_one_is_told(tmp_path, small):
    FramePredictor(width=8, **QUIET).fit(FILMS).save(tmp_path)
    path = tmp_path / "predictor" / "predictor.json"
    path.write_text(path.read_text().replace('"width": 8', '"width": 1000000'))
    with pytest.raises(CheckpointError, match=r"no whole predictor: width=1000000.* weights takes"):
        FramePredictor.load(tmp_path)


def test_examples_that_no_memory_holds_are_refused_before_they_are_drawn(small):
    model = Autoencoder("vae", **QUIET).fit(X)
    space = model.space(X)
    for asked in (model.sample, space.sample):
        with pytest.raises(ConfigError, match=r"n=1000000000: to draw so many examples takes .* Draw fewer at a time"):
            asked(10**9)
    assert len(model.sample(10)) == len(space.sample(10).x) == 10
    with pytest.raises(ConfigError, match="the answer for 1,000,000 rows takes"):
        model.inverse_transform(np.zeros((10**6, 2), np.float32))
