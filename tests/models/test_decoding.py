"""How units are chosen: the likeliest, drawn, searched for; and where there are none to choose."""

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, Decoding, load
from latentwalk.errors import ConfigError
from latentwalk.networks.build import Network

SMALL = {"latent": 3, "epochs": 3, "network": Network("gru", widths=(16, 8)), "random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def model():
    return Autoencoder("vae", **SMALL).fit(load("phrases", n=300))


def likely(model, texts, z):
    x = torch.from_numpy(model.spec_.vocabulary.rows(texts, model.spec_.size)).long()
    with torch.no_grad():
        return model.model_.decoder(torch.from_numpy(z)).log_prob(x).numpy()


def chosen(model, z, decoding):
    return model.spec_.said(model.trained_.decode(z, decoding=decoding))


def test_a_search_finds_what_is_at_least_as_likely(model):
    z = np.random.default_rng(0).standard_normal((12, 3), dtype=np.float32)
    greedy, beam = chosen(model, z, Decoding("greedy")), chosen(model, z, Decoding("beam", width=8))
    assert greedy == model.inverse_transform(z)
    assert chosen(model, z, Decoding("beam", width=1)) == greedy
    assert likely(model, beam, z).sum() >= likely(model, greedy, z).sum()


def test_draws_are_repeatable_and_the_coldest_are_the_likeliest(model):
    z = np.random.default_rng(0).standard_normal((12, 3), dtype=np.float32)
    greedy = model.inverse_transform(z)
    assert chosen(model, z, Decoding("sample", temperature=1e-6)) == greedy
    assert chosen(model, z, Decoding("sample", top_p=1e-6)) == greedy
    warm = Decoding("sample")
    assert chosen(model, z, warm) == chosen(model, z, warm) != greedy
    assert model.sample(5, decoding="sample") == model.sample(5, decoding="sample")


def test_it_is_asked_for_by_name_everywhere(model):
    data = load("phrases", n=300)
    for decoding in ("greedy", "sample", "beam"):
        assert len(model.sample(3, decoding=decoding)) == 3
    assert model.reconstruct(data.texts[:4], decoding="greedy") == model.reconstruct(data.texts[:4])
    space = model.space(data.texts[:60], decoding=Decoding("sample"))
    assert len(space.walk(0, 1, steps=4).texts) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "bean"}, "Did you mean 'beam'"),
        ({"method": "sample", "top_p": 1.5}, "top_p=1.5"),
        ({"method": "sample", "temperature": 0}, "temperature=0"),
        ({"method": "greedy", "top_p": 0.5}, "for units that are drawn"),
        ({"method": "beam", "width": 0}, "width=0"),
    ],
)
def test_what_makes_no_sense_is_told(options, told):
    with pytest.raises(ConfigError, match=told):
        Decoding(**options)


def test_other_data_has_no_units_to_choose():
    table = Autoencoder("vae", latent=2, epochs=1, random_state=0, progress=False).fit(
        np.random.default_rng(0).normal(size=(40, 4))
    )
    for ask in (lambda: table.sample(2, decoding="beam"), lambda: table.reconstruct(np.zeros((1, 4)), decoding="greedy")):
        with pytest.raises(ConfigError, match="chooses the units of texts and music, one after the other; the data is a table"):
            ask()
