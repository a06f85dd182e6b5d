"""The client against a worker that fails in every way: one clear error, no hang, and the next job works."""

import re
import sys
import threading
import time

import numpy as np
import pytest
from duet.benchmarks.worker_kills import kill_over_and_over
from duet.inference.client.child import Child
from duet.inference.client.client import Cancelled, Failed, Hello, Progress, Result, WorkerClient, worker_command
from duet.inference.errors import CancelledError, RequestError, WorkerError
from duet.inference.take import GenerateRequest
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

SAMPLES = np.full(16000, 0.1, np.float32)
REQUEST = GenerateRequest()

FAULTS = {
    "dies at start": r"exit code 7.*\n.*cannot start",
    "other version": "'hello' message is wrong.*protocol 2 where 1",
    "dies": r"exit code 42.*\nthe last words",
    "rubbish": "Not a message.*Traceback",
    "binary": "Not a message|too long",
    "huge header": "too long",
    "huge array": "larger than 16 GiB",
    "flood": "Not a message",
    "half a result": "ends within an array",
    "wrong shapes": "'result' message is wrong.*arkit",
    "no arrays": "'result' message is wrong.*speech_weights",
    "unknown type": "'gossip' message is wrong",
}


@pytest.fixture
def faulty(tmp_path):
    """Make clients whose first worker has a fault; afterwards no process and no thread may be left."""
    clients = []

    def make(fault, **options):
        _, env = worker_command(ROOT)
        command = [sys.executable, str(ROOT / "tests/faulty_worker.py"), fault, str(tmp_path / "marker")]
        clients.append(WorkerClient(command, env, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("duet_")])


def wait_until(condition):
    while not condition():  # pytest's timeout ends a condition that never comes true
        time.sleep(0.005)


def wait_for(client, *kinds):
    found = []
    wait_until(lambda: found.extend(e for e in client.poll() if isinstance(e, kinds)) or found)
    return found[0]


def submit_and_wait(client, samples=SAMPLES):
    client.submit(REQUEST, samples)
    return wait_for(client, Result, Failed, Cancelled)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_gives_one_clear_error_and_the_next_job_works(faulty, fault):
    client = faulty(fault)
    event = submit_and_wait(client)
    assert isinstance(event, Failed)
    assert isinstance(event.error, WorkerError)
    assert re.search(FAULTS[fault], event.error.message, re.DOTALL), event.error.message
    assert event.error.remedy
    assert not client.busy
    assert client.poll() == []
    assert isinstance(submit_and_wait(client), Result)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that end a process")
def test_death_by_signal_is_named(faulty):
    event = submit_and_wait(faulty("aborts"))
    assert "SIGABRT" in event.error.message


@pytest.mark.parametrize("fault", ["silent", "closes stdout"])
def test_silence_ends_the_worker(faulty, fault):
    client = faulty(fault)
    client.submit(REQUEST, SAMPLES)
    wait_for(client, Progress)  # a busy machine may take long to start it
    client._silence_limit = 0.5
    event = wait_for(client, Result, Failed, Cancelled)
    assert isinstance(event, Failed)
    assert "said nothing" in event.error.message or "exit code" in event.error.message
    client._silence_limit = None
    assert isinstance(submit_and_wait(client), Result)


@pytest.mark.parametrize("fault", ["progress flood", "stderr flood"])
def test_floods_of_valid_output_do_no_harm(faulty, fault):
    assert isinstance(submit_and_wait(faulty(fault)), Result)


def test_cancel_that_is_ignored_kills_after_the_grace_period(faulty):
    client = faulty("silent", grace_period=0.3)
    job = client.submit(REQUEST, SAMPLES)
    wait_for(client, Progress)
    client.cancel(job)
    assert client.busy
    assert wait_for(client, Result, Failed, Cancelled) == Cancelled(job)
    assert not client.busy
    assert isinstance(submit_and_wait(client), Result)


def test_result_that_comes_after_cancel_counts_as_cancelled(faulty):
    client = faulty("late", grace_period=60)
    job = client.submit(REQUEST, SAMPLES)
    wait_for(client, Progress)
    client.cancel(job)
    assert wait_for(client, Result, Failed, Cancelled) == Cancelled(job)


def test_death_after_cancel_counts_as_cancelled(faulty):
    client = faulty("dies at start")
    job = client.submit(REQUEST, SAMPLES)
    client.cancel(job)
    assert wait_for(client, Result, Failed, Cancelled) == Cancelled(job)
    assert isinstance(submit_and_wait(client), Result)


def test_cancel_of_another_job_has_no_effect(faulty):
    client = faulty("none")
    client.cancel(5)
    job = client.submit(REQUEST, SAMPLES)
    client.cancel(job + 1)
    client.close()
    assert isinstance(submit_and_wait(faulty("none")), Result)


def test_submit_while_busy_is_refused_and_the_job_goes_on(faulty):
    client = faulty("late")
    client.submit(REQUEST, SAMPLES)
    with pytest.raises(RequestError, match="still animating"):
        client.submit(REQUEST, SAMPLES)
    assert isinstance(wait_for(client, Result, Failed), Result)


def test_submit_of_more_than_a_pipe_holds_returns_at_once_though_nobody_reads(faulty):
    client = faulty("silent", grace_period=0.0)
    client.submit(REQUEST, SAMPLES)
    wait_for(client, Progress)
    client.cancel(1)
    wait_for(client, Cancelled)
    client = faulty("silent", grace_period=0.0)
    job = client.submit(REQUEST, np.zeros(16000 * 600, np.float32))  # would hang here
    client.cancel(job)
    assert wait_for(client, Result, Failed, Cancelled) == Cancelled(job)


def test_request_that_cannot_cross_fails_in_submit_and_leaves_no_job(faulty):
    client = faulty("none")
    with pytest.raises(TypeError):
        client.submit(GenerateRequest(fps=np.float32(24.0)), SAMPLES)
    assert not client.busy
    assert isinstance(submit_and_wait(client), Result)


def test_interpreter_that_is_missing_is_named():
    client = WorkerClient(["/no/such/python", "-m", "inference.worker"])
    with pytest.raises(WorkerError, match=r"/no/such/python.*DUET_PYTHON"):
        client.submit(REQUEST, SAMPLES)
    assert not client.busy


def test_worker_that_died_between_jobs_is_replaced(faulty):
    client = faulty("none")
    assert isinstance(submit_and_wait(client), Result)
    process = client._child._process
    process.kill()
    process.wait()
    assert isinstance(submit_and_wait(client), Result)


def test_a_warm_worker_that_is_dying_as_the_job_comes_is_replaced_unseen(faulty, monkeypatch):
    client = faulty("none")
    assert isinstance(submit_and_wait(client), Result)
    client._child._process.kill()
    client._child._process.wait()
    monkeypatch.setattr(Child, "is_alive", lambda child: True)  # as it seems in the moment after a kill
    assert isinstance(submit_and_wait(client), Result)


def test_a_worker_that_dies_of_the_job_is_not_given_it_again(faulty):
    client = faulty("dies")
    assert isinstance(submit_and_wait(client), Failed)


@pytest.mark.once
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_kills_at_random_moments_leave_nothing_and_every_next_job_works():
    """The first sixteen of `duet.benchmarks.worker_kills`, which does a thousand."""
    report = kill_over_and_over(16, seed=1)
    assert report.left == ()
    assert sum(report.outcomes.values()) == 16
    assert report.outcomes["failed"] > 2


def test_warm_worker_says_hello_once(faulty):
    client = faulty("none")
    client.run(REQUEST, SAMPLES)
    process = client._child._process
    job = client.submit(REQUEST, SAMPLES)
    events = []
    wait_until(lambda: events.extend(client.poll()) or not client.busy)
    assert not [event for event in events if isinstance(event, Hello)]
    assert [event.job for event in events if isinstance(event, Result)] == [job]
    assert client._child._process is process


def test_run_raises_the_error_and_the_next_run_works(faulty):
    client = faulty("dies")
    with pytest.raises(WorkerError, match="exit code 42"):
        client.run(REQUEST, SAMPLES)
    assert client.run(REQUEST, SAMPLES).model_id == "faulty"


def test_interrupted_run_cancels(faulty):
    client = faulty("silent", grace_period=0.2)

    def interrupt(fraction, stage):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.run(REQUEST, SAMPLES, interrupt)
    assert not client.busy
    assert client.run(REQUEST, SAMPLES).model_id == "faulty"


def test_run_whose_progress_callback_fails_leaves_no_job(faulty):
    client = faulty("silent")

    def fail(fraction, stage):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run(REQUEST, SAMPLES, fail)
    assert client.run(REQUEST, SAMPLES).model_id == "faulty"


def test_run_that_is_cancelled_elsewhere_raises_cancelled(faulty):
    client = faulty("silent", grace_period=0.2)
    with pytest.raises(CancelledError):
        client.run(REQUEST, SAMPLES, lambda fraction, stage: client.cancel(1))


def test_close_ends_the_process(faulty):
    client = faulty("silent")
    client.submit(REQUEST, SAMPLES)
    wait_for(client, Progress)
    process = client._child._process
    client.close()
    assert process.poll() is not None
    assert client.poll() == []
    client.close()
