"""The engine's threads: every row once, the first error raised, and one thread where nothing is asked."""

import threading
from contextlib import closing

import numpy as np
import pytest
from duet.inference.engine.threads import Team
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow


@given(size=st.integers(1, 9), count=st.integers(0, 700))
def test_every_row_is_worked_on_once(size, count):
    seen = np.zeros(count, int)

    def work(rows):
        seen[rows] += 1

    with closing(Team(size)) as team:
        team.rows(work, count)
    assert (seen == 1).all()


@given(size=st.integers(1, 4), count=st.integers(1, 9), bad=st.integers(0, 8))
def test_an_error_is_raised_when_all_have_ended(size, count, bad):
    done = []

    def task(i):
        if i == bad:
            raise KeyError(i)
        done.append(i)

    tasks = [lambda i=i: task(i) for i in range(count)]
    with closing(Team(size)) as team:
        if bad >= count:
            team.each(tasks)
            assert sorted(done) == list(range(count))
            return
        with pytest.raises(KeyError):
            team.each(tasks)


def test_tasks_run_side_by_side():
    """Each waits for the other: with one thread they would wait for ever."""
    meeting = threading.Barrier(2, timeout=30)
    with closing(Team(2)) as team:
        team.each([meeting.wait, meeting.wait])


@pytest.mark.parametrize(("text", "size"), [("", 1), ("3", 3), ("0", 1), ("many", 1), ("-2", 1), ("1000000", 64)])
def test_the_environment_says_how_many(monkeypatch, text, size):
    monkeypatch.setenv("DUET_THREADS", text)
    with closing(Team()) as team:
        assert team.size == size
