"""Streams: what passes by is the same each time, and no example is seen twice, nor decoded in vain."""

import threading

import numpy as np
import pytest
import torch

from latentwalk.data.batches.passing import Stream, is_stream
from latentwalk.errors import ConfigError, DataError

datasets = pytest.importorskip("datasets")
CPU = torch.device("cpu")


def numbers(n, shards=1):
    """Example i holds i."""
    return datasets.Dataset.from_dict({"value": np.arange(n, dtype=np.int64)}).to_iterable_dataset(num_shards=shards)


def seen(batches, epoch=1, start=0):
    found = [(b.raw.flatten().tolist(), b.first, b.total, b.counted) for b in batches.epoch(epoch, start)]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("latentwalk")]
    return found


def test_the_first_examples_are_held_and_all_others_pass_by():
    stream = Stream.of(numbers(100, 4), held=30)
    assert stream.held.x.flatten().tolist() == list(range(30))
    batches = stream.batches(CPU, 8, seed=0)
    passed = [value for values, *_ in seen(batches) for value in values]
    assert sorted(passed) == list(range(30, 100)) and passed != list(range(30, 100))
    assert len(batches) == 9  # known once there was a pass
    together = stream.batches(CPU, 8, apart=False)
    assert [value for values, *_ in seen(together) for value in values] == list(range(100))


def test_the_order_is_of_the_seed_and_the_epoch_alone():
    stream = Stream.of(numbers(100), held=10, mixed=50)
    first = seen(stream.batches(CPU, 8, seed=0), 3)
    assert seen(Stream.of(numbers(100), held=10, mixed=50).batches(CPU, 8, seed=0), 3) == first
    assert seen(stream.batches(CPU, 8, seed=0), 4) != first
    assert seen(stream.batches(CPU, 8, seed=1), 3) != first


@pytest.mark.parametrize("steps", [None, 4, 15])
def test_an_epoch_can_be_begun_anywhere(steps):
    stream = Stream.of(numbers(90), held=9, steps=steps)  # 10 batches a pass, the lonely last row left out
    one_after_another = stream.batches(CPU, 8, seed=0)
    epochs = [seen(one_after_another, number) for number in (1, 2, 3)]
    assert [len(epoch) for epoch in epochs] == [steps or 10] * 3
    for start in range(4):
        assert seen(stream.batches(CPU, 8, seed=0), 2, start) == epochs[1][start:]
    assert seen(one_after_another, 1) == epochs[0]


def test_epochs_of_few_steps_go_on_through_the_stream():
    batches = Stream.of(numbers(90), held=10, steps=2).batches(CPU, 8, seed=0)
    values = [value for number in range(1, 6) for values, *_ in seen(batches, number) for value in values]
    assert sorted(values) == list(range(10, 90))


@pytest.mark.parametrize("n", [80, 83])
def test_shares_are_the_whole_without_overlap(n):
    stream = Stream.of(numbers(n), held=10)
    shares = [seen(stream.batches(CPU, 8, seed=0, share=(part, 3))) for part in range(3)]
    for whole, *own in zip(seen(stream.batches(CPU, 8, seed=0)), *shares, strict=True):
        assert [value for values, *_, counted in own if counted for value in values] == whole[0]


def test_images_are_decoded_for_the_own_part_only():
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
    table = datasets.Dataset.from_dict({"image": [Image.fromarray(one) for one in pixels], "label": [0] * 40})
    stream = Stream.of(table.to_iterable_dataset(), held=8)
    assert (stream.held.spec.kind, stream.held.spec.high, stream.held.x.dtype) == ("image", 255, np.uint8)
    np.testing.assert_array_equal(np.concatenate([b.raw for b in stream.batches(CPU, 8).epoch(1)]), pixels[8:])
    np.testing.assert_array_equal(np.concatenate(list(stream.parts(7))), pixels)


def test_a_generator_without_known_features_will_do():
    def examples():
        for i in range(50):
            yield {"signal": np.full((4, 2), i, np.float32), "name": str(i)}

    stream = Stream.of(datasets.IterableDataset.from_generator(examples), held=20)
    assert stream.held.x.shape == (20, 4, 2) and stream.held.skipped == ("name: neither numbers nor images",)
    assert sum(len(batch) for batch in stream.batches(CPU, 8, seed=0).epoch(1)) == 30


def test_what_is_wrong_is_said():
    assert is_stream(numbers(3)) and not is_stream(np.eye(2))
    with pytest.raises(DataError, match="held=…"):
        seen(Stream.of(numbers(10)).batches(CPU, 8))
    with pytest.raises(ConfigError, match="steps=0"):
        Stream.of(numbers(10), steps=0)
    late = datasets.Dataset.from_dict({"a": [1.0] * 20 + [np.inf] * 20}).to_iterable_dataset()
    with pytest.raises(DataError, match="infinity"):
        seen(Stream.of(late, held=10).batches(CPU, 8))
