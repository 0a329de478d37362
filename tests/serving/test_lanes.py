"""One thread does what many ask for: together where it can, in order, and no more than it can keep."""

import asyncio
import threading
import time

import numpy as np
import pytest

from latentwalk.errors import DataError
from latentwalk.serving.lanes import Lane, Late, Saturated


def doubled(x):
    return (2 * x,)


@pytest.fixture
def lane():
    made = []

    def lane(**options):
        made.append(Lane("test", **{"most": 100, "batch": 64, **options}))
        return made[-1]

    yield lane
    for one in made:
        one.close()


class Held:
    """Work that goes on until it is let go."""

    def __init__(self):
        self.begun, self.free = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        self.free.wait(5)

    async def begin(self, lane):
        task = asyncio.create_task(lane.do(self, 5))
        while not self.begun.is_set():
            await asyncio.sleep(0.001)
        return task


def test_each_gets_its_own_and_few_calls_do_it_all(lane):
    one, sizes, threads = lane(), [], set()

    def work(x):
        sizes.append(len(x))
        threads.add(threading.get_ident())
        return 2 * x, x + 1

    async def scene():
        held = Held()
        busy = await held.begin(one)
        rows = [np.full((1 + at % 3, 2), at) for at in range(30)]
        asked = [asyncio.create_task(one.rows(work, "same", (x,), 5)) for x in rows]
        await asyncio.sleep(0.05)
        held.free.set()
        for x, answer in zip(rows, await asyncio.gather(*asked), strict=True):
            np.testing.assert_array_equal(answer[0], 2 * x)
            np.testing.assert_array_equal(answer[1], x + 1)
        await busy

    asyncio.run(scene())
    assert sum(sizes) == 60 and len(sizes) == 1 and len(threads) == 1
    assert one.rows_done == 60


def test_other_kinds_and_too_many_rows_are_done_apart(lane):
    one, calls = lane(batch=4), []

    def work(x):
        calls.append(x[:, 0].tolist())
        return (x,)

    async def scene():
        held = Held()
        busy = await held.begin(one)
        keys = ["a", "b", "a", "a", "b"]
        asked = [one.rows(work, key, (np.full((2, 1), at),), 5) for at, key in enumerate(keys)]
        asked = [asyncio.create_task(job) for job in asked]
        await asyncio.sleep(0.05)
        held.free.set()
        await asyncio.gather(busy, *asked)

    asyncio.run(scene())
    assert calls == [[0, 0, 2, 2], [1, 1, 4, 4], [3, 3]]


def test_one_who_is_at_fault_spoils_it_for_nobody_else(lane):
    def work(x):
        if (x < 0).any():
            raise DataError("below 0")
        return (x,)

    async def scene():
        one, held = lane(), Held()
        busy = await held.begin(one)
        asked = [asyncio.create_task(one.rows(work, "same", (np.array([at]),), 5)) for at in (1, -1, 2)]
        await asyncio.sleep(0.05)
        held.free.set()
        found = await asyncio.gather(busy, *asked, return_exceptions=True)
        assert found[1][0] == [1] and found[3][0] == [2] and str(found[2]) == "below 0"

    asyncio.run(scene())


def test_a_full_queue_turns_away_and_is_open_again_afterwards(lane):
    async def scene():
        one, held = lane(most=3), Held()
        busy = await held.begin(one)
        asked = [asyncio.create_task(one.rows(doubled, "same", (np.ones(1),), 5)) for _ in range(3)]
        await asyncio.sleep(0.02)
        with pytest.raises(Saturated, match="3 requests wait") as full:
            await one.rows(doubled, "same", (np.ones(1),), 5)
        assert full.value.again >= 1
        held.free.set()
        await asyncio.gather(busy, *asked)
        assert (await one.rows(doubled, "same", (np.ones(1),), 5))[0] == [2]

    asyncio.run(scene())


def test_who_has_waited_too_long_is_told_and_is_not_done_any_more(lane):
    async def scene():
        one, held, done = lane(), Held(), []
        busy = await held.begin(one)
        with pytest.raises(Late, match=r"not done in 0\.05 seconds"):
            await one.do(lambda: done.append(1), 0.05)
        held.free.set()
        await busy
        await one.do(lambda: None, 5)
        assert done == []

    asyncio.run(scene())


def test_closing_ends_the_thread_and_turns_the_rest_away(lane):
    async def scene():
        one, held = lane(), Held()
        busy = await held.begin(one)
        waiting = asyncio.create_task(one.do(lambda: None, 5))
        await asyncio.sleep(0.02)
        closing = asyncio.create_task(asyncio.to_thread(one.close))
        with pytest.raises(Saturated, match="closing"):
            await waiting
        held.free.set()
        await asyncio.gather(busy, closing)
        with pytest.raises(Saturated, match="closing"):
            await one.do(lambda: None, 5)

    asyncio.run(scene())
    assert not [thread for thread in threading.enumerate() if thread.name == "latentwalk-test"]


def test_the_twin_has_the_same_weights_and_modules_of_its_own(anew, digits):
    run = anew(digits)
    ours, twins = run.model.model_, run._twin.model_
    assert all(a is b for a, b in zip(ours.parameters(), twins.parameters(), strict=True))
    assert not {id(one) for one in ours.modules()} & {id(one) for one in twins.modules()}
    x = digits.rows.x[:3]
    np.testing.assert_array_equal(run.model.transform(x), run._twin.transform(x))


def test_what_takes_long_keeps_nobody_waiting_who_wants_a_code(anew, digits):
    async def scene():
        run, held = anew(digits), Held()
        slow = asyncio.create_task(run.long(lambda model: held()))
        while not held.begun.is_set():
            await asyncio.sleep(0.001)
        start = time.perf_counter()
        codes, _ = await run.encode(digits.rows.x[:2])
        assert time.perf_counter() - start < 1 and len(codes) == 2 and not slow.done()
        held.free.set()
        await slow
        run.close()

    asyncio.run(scene())
