# mypy: ignore-errors
"""Code whose exceptions take known paths; as a program, it runs one case and traces that.

`python exception_tracer_cases.py CASE`; `HANGUP_TRACE` names the file to write the steps to.
"""

import asyncio
import contextlib
import sys
import threading
from pathlib import Path

from hangup.agent import exception_tracer, probe


async def source():
    trial = "t"  # noqa: F841 - read by the tracer
    yield 1
    await asyncio.sleep(60)
    yield 2


async def stream():
    trial = "t"  # noqa: F841
    async for item in source():
        yield item


async def consume(agen):
    async for _ in agen:
        started.set()


async def cancelled(consumer):
    task = asyncio.create_task(consumer)
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(BaseException):
        await task


async def nested_generators():
    await cancelled(consume(stream()))


async def reraising():
    try:
        await consume(stream())
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        raise


async def except_reraises():
    await cancelled(reraising())


async def swallowing():
    try:
        await consume(stream())
    except ValueError:
        pass
    except asyncio.CancelledError:
        await asyncio.sleep(0)


async def except_handles():
    await cancelled(swallowing())


async def replacing():
    try:
        await consume(stream())
    finally:
        raise KeyError("instead")


async def finally_replaces():
    await cancelled(replacing())


async def failing():
    trial = "t"  # noqa: F841
    raise ValueError("in a child")


async def group():
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(failing())
    except* ValueError:
        pass


async def keeping():
    trial = "t"  # noqa: F841
    with contextlib.nullcontext():
        try:
            raise ValueError("kept")
        except TypeError:
            pass
        except ValueError as error:
            kept = error
    raise kept


async def raised_after_its_handler():
    with contextlib.suppress(ValueError):
        await keeping()


async def noisy():
    trial = "t"  # noqa: F841
    try:
        raise ValueError("meant")
    except ValueError:
        with contextlib.suppress(KeyError):
            {}["not meant"]


async def noise_in_the_handler():
    await noisy()


async def two_tasks_alike():
    for _ in range(2):
        await cancelled(consume(stream()))
        started.clear()


async def stubborn():
    try:
        started.set()
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def around_the_stubborn():
    trial = "t"  # noqa: F841
    await stubborn()


async def more_stubborn():
    try:
        started.set()
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)


async def around_the_more_stubborn():
    trial = "t"  # noqa: F841
    await more_stubborn()


async def cancelled_thrice():
    task = asyncio.create_task(around_the_more_stubborn())
    await started.wait()
    task.cancel()
    for _ in range(2):
        await asyncio.sleep(0)
        again(task)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def again(task):
    task.cancel()


async def cancelled_again():
    task = asyncio.create_task(around_the_stubborn())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    again(task)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def cancelled_twice_at_once():
    task = asyncio.create_task(consume(stream()))
    await started.wait()
    task.cancel()
    again(task)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def shielded_work():
    trial = "t"  # noqa: F841
    started.set()
    await asyncio.sleep(60)


async def shielding():
    await asyncio.shield(asyncio.create_task(shielded_work()))


async def waiting_outside():
    trial = "t"  # noqa: F841
    await shielding()


async def shield():
    await cancelled(waiting_outside())


async def closed_at_a_yield():
    agen = stream()
    await anext(agen)
    await agen.aclose()


def numbers():
    trial = "t"  # noqa: F841
    try:
        yield from range(9)
    finally:
        started.is_set()


def in_thread():
    with contextlib.closing(numbers()) as generator:
        next(generator)


async def sync_generator_in_a_thread():
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()


def managed():
    trial = "t"  # noqa: F841
    with contextlib.nullcontext():
        yield 1


async def thrown_through_a_with():
    generator = managed()
    next(generator)
    with contextlib.suppress(KeyError):
        generator.throw(KeyError("thrown"))


def raising_in_thread():
    trial = "t"  # noqa: F841
    raise LookupError("in a thread")


async def error_from_a_thread():
    with contextlib.suppress(LookupError):
        await asyncio.to_thread(raising_in_thread)


def raising_a_cancellation():
    trial = "t"  # noqa: F841
    raise asyncio.CancelledError


def cancelled_in_thread():
    with contextlib.suppress(asyncio.CancelledError):
        raising_a_cancellation()


async def cancellation_outside_of_tasks():
    thread = threading.Thread(target=cancelled_in_thread)
    thread.start()
    thread.join()


async def main(case):
    global started
    started = asyncio.Event()
    probe.trial_of_request.set(None)
    await globals()[case]()


if __name__ == "__main__":
    exception_tracer.start(trial_aware=[Path(__file__).parent])
    asyncio.run(main(sys.argv[1]))
