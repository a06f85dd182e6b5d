"""Jobs on a Dask cluster: each is a small task, worked on by a process of its own beside a worker of Dask's.

What ends such a process, or a file that a slow file system does not show yet, is tried again later, with other jobs in
between; a worker that is gone has its jobs done elsewhere by Dask itself. A job that fails three times is set aside.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...inference.errors import AudioError, DuetError, OutputError, RequestError, StartError, WorkerError, error_of_kind
from . import pool, records
from .jobs import Job
from .runner import Made, Outcome
from .server import answer_of

LOCAL = "local"
TRIES = 3
PAUSES = (5.0, 30.0)  # seconds before the second and the third
_MAY_PASS = (AudioError, OutputError, WorkerError)
_LOOK, _PATIENCE = 0.05, 60.0  # seconds: between looks, and until a cluster has workers
_held = threading.local()  # the process of each of a worker's threads


@dataclass(frozen=True)
class Try:
    """A job, which try of it this is, and the time before which it is not made."""

    job: Job
    number: int = 1
    after: float = 0.0


def run_on_dask(jobs: list[Job], scheduler: str, count: int, engine: str, device: str) -> Iterator[Outcome]:
    """The outcomes of the jobs as they end, each once, worked off by the cluster at this address.

    `local` starts a cluster of `count` processes here, and ends it. Raises StartError where there is no cluster.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        remedy = "Install Duet with its extra [farm]: docs/pipeline.md."
        raise StartError(f"A farm needs Dask ({error}).", remedy) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says of workers that die is said by us
    with contextlib.ExitStack() as stack:
        address: Any = scheduler
        if scheduler == LOCAL:
            count = min(count, len(jobs))
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": TRIES - 1}))
            # A worker ends no process for the memory that it takes: Blender's is not a worker's own.
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    memory_limit=None,
                    dashboard_address=None,
                    env={"DASK_LOGGING__DISTRIBUTED": "critical"},
                )
            )
        try:
            client = stack.enter_context(distributed.Client(address, timeout=_PATIENCE))
            client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            message = f"There is no Dask cluster with workers at '{scheduler}' ({error})."
            raise StartError(message, "Start its scheduler and workers first.") from error
        # A cluster here takes this program for its processes; machines elsewhere have one of their own.
        command = pool.interpreter() if scheduler == LOCAL else None
        settings = {"engine": engine, "device": device, "version": records.version(), "command": command}
        yield from _worked_off(client, jobs, settings | {"share": count if scheduler == LOCAL else None})


def _worked_off(client: Any, jobs: list[Job], settings: dict[str, Any]) -> Iterator[Outcome]:
    import distributed

    waiting, running = deque(Try(job) for job in jobs), dict[Any, Try]()
    while waiting or running:
        # No more than the cluster works on: a worker that dies takes no blame to jobs that only waited there.
        slots = sum(client.nthreads().values())
        while len(running) < slots and (each := _due(waiting)):
            running[client.submit(do, each.job.to_json(), **settings, pure=False, retries=0)] = each
        with contextlib.suppress(TimeoutError):
            if running:
                distributed.wait(list(running), timeout=1.0, return_when="FIRST_COMPLETED")
            else:
                time.sleep(_LOOK)
        for future in [future for future in running if future.done()]:
            each = running.pop(future)
            result = _result(future, each.job)
            if each.number < TRIES and isinstance(result, _MAY_PASS) and not isinstance(result, StartError):
                after = time.monotonic() + PAUSES[each.number - 1]
                waiting.append(replace(each, number=each.number + 1, after=after))
            else:
                yield Outcome(each.job, _set_aside(result) if each.number == TRIES else result)


def _due(waiting: deque[Try]) -> Try | None:
    """The first that may be made now."""
    found = next((each for each in waiting if each.after <= time.monotonic()), None)
    if found:
        waiting.remove(found)
    return found


def _result(future: Any, job: Job) -> Made | DuetError:
    import distributed

    try:
        answer = future.result()
    except distributed.scheduler.KilledWorker as error:
        message = f"'{job.audio}': {TRIES} of Dask's workers died while they worked on it: {error}"
        return WorkerError(message, "See their logs.")
    except Exception as error:  # the scheduler is gone, or a worker has no Duet
        message = f"The Dask cluster does not work: {type(error).__name__}: {error}"
        return StartError(message, "Install the same Duet on its machines, and see their logs.")
    if "made" in answer:
        return Made(**answer["made"])
    error = error_of_kind(**answer["error"])
    return WorkerError(error.message, error.remedy) if isinstance(error, StartError) else error  # of that machine alone


def _set_aside(result: Made | DuetError) -> Made | DuetError:
    if isinstance(result, Made) or not isinstance(result, _MAY_PASS):
        return result
    return type(result)(f"{result.message} It was tried {TRIES} times and is set aside.", result.remedy)


def do(
    job: dict[str, Any], engine: str, device: str, version: str, command: list[str] | None, share: int | None
) -> dict[str, Any]:
    """One job, on a worker: `made` or `error`, as in the protocol of `server`."""
    if records.version() != version:
        message = f"The machine {socket.gethostname()} has Duet {records.version()}, the one that asks has {version}."
        return answer_of(RequestError(message, "Install the same on both."))
    server: pool.Server | None = getattr(_held, "server", None)
    if server is None:
        server = _held.server = pool.Server(engine, device, share or os.cpu_count() or 1, command)
        atexit.register(server.dismiss)
    server.begin(Job.from_json(job))
    while not (outcome := server.look()):
        time.sleep(_LOOK)
    return answer_of(outcome.result)
