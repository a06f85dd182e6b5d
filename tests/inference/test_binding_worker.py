"""The worker's bind job over the real pipe: its faults, its cancel, and that the worker serves on afterwards."""

import time

import numpy as np
import pytest
from duet.inference.bound import BindRequest
from duet.inference.client.client import Bound, Cancelled, Failed, Progress, WorkerClient, worker_command
from duet.inference.errors import HeadError, RequestError
from duet.inference.head.canonical import load_head
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow]


@pytest.fixture
def client():
    client = WorkerClient(*worker_command(ROOT, engine="numpy"), grace_period=120.0)
    yield client
    client.close()


def request(vertices):
    head = load_head()
    count, faces = len(vertices), head.face_vertices
    masked, free = np.zeros(count, bool), np.full((68, 3), np.nan, np.float32)
    sizes = head.face_sizes.astype(np.int32)
    return BindRequest("Ann", vertices.astype(np.float32), faces, sizes, masked, free)


def wait(client, until=(Bound, Failed, Cancelled)):
    events = []
    while not (events and isinstance(events[-1], until)):
        events += client.poll()
        time.sleep(0.01)
    return events


def test_fault_cancel_and_fit(client):
    head = load_head()
    client.submit_binding(request(head.vertices * 1e-6))
    failed = wait(client)[-1]
    assert isinstance(failed.error, HeadError)
    assert "'Ann' is tiny" in failed.error.message

    job = client.submit_binding(request(head.vertices))
    with pytest.raises(RequestError, match="still animating or binding"):
        client.submit_binding(request(head.vertices))
    wait(client, Progress)
    client.cancel(job)
    assert wait(client)[-1] == Cancelled(job)

    client.submit_binding(request(3 * head.vertices))
    events = wait(client)
    assert len({event.stage for event in events if isinstance(event, Progress)}) > 2
    binding = events[-1].binding
    assert binding.scale == pytest.approx(3, rel=0.02)
    assert binding.fitted.shape == head.vertices.shape
