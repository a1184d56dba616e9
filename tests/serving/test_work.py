"""The worker threads: whose step is next."""

from __future__ import annotations

import asyncio
import threading

import pytest

from voxlet.serving.work import Workers


def test_each_item_once_and_in_order() -> None:
    async def all_of(workers: Workers) -> list[int]:
        return [item async for item in workers.each(iter(range(100)))]

    async def talk() -> list[list[int]]:
        workers = Workers(2)
        found = await asyncio.gather(*(all_of(workers) for _ in range(5)))
        workers.close()
        return found

    assert asyncio.run(talk()) == [list(range(100))] * 5


def test_first_steps_go_ahead_and_each_fourth_turn_is_anothers() -> None:
    order: list[str] = []

    async def talk() -> None:
        workers, gate = Workers(1), threading.Event()
        running = asyncio.create_task(workers.run(gate.wait))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(workers.run(lambda: order.append("other"))) for _ in range(3)]
        waiting += [
            asyncio.create_task(workers.run(lambda: order.append("first"), first=True)) for _ in range(5)
        ]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(running, *waiting)
        workers.close()

    asyncio.run(talk())
    assert order == ["first"] * 3 + ["other"] + ["first"] * 2 + ["other"] * 2


def test_who_goes_away_leaves_the_turn_to_others() -> None:
    async def talk() -> str:
        workers, gate = Workers(1), threading.Event()
        running = asyncio.create_task(workers.run(gate.wait))
        await asyncio.sleep(0)
        leaving = asyncio.create_task(workers.run(lambda: "left"))
        staying = asyncio.create_task(workers.run(lambda: "stayed"))
        await asyncio.sleep(0)
        leaving.cancel()
        gate.set()
        await running
        found = await asyncio.wait_for(staying, 5)
        assert await asyncio.wait_for(workers.run(lambda: "again"), 5) == "again"
        workers.close()
        return found

    assert asyncio.run(talk()) == "stayed"


def test_an_error_of_a_step_reaches_who_asked() -> None:
    async def talk() -> None:
        workers = Workers(1)
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0)
        assert await workers.run(lambda: 1) == 1
        workers.close()

    asyncio.run(talk())
