"""The log and the report that the preferences copy."""

import logging

import bpy
import pytest
from duet.inference.errors import HeadError
from duet.operators import copy_report, log, modal, session

pytestmark = pytest.mark.blender


@pytest.fixture
def logged(tmp_path):
    log.begin(tmp_path)
    yield tmp_path / "duet.log"
    log.end()


def test_a_report_has_the_environment_and_what_was_logged(logged):
    assert not logged.exists()
    session.LOG.info("Animating 'Zoë.wav'")
    text = log.report(bpy.context)
    assert bpy.app.version_string in text
    assert "Animating 'Zoë.wav'" in text
    assert "Worker: not started" in text


def test_a_log_stays_small_and_is_let_go_of(logged):
    for number in range(10_000):
        session.LOG.info("line %d %s", number, "x" * 100)
    assert sum(path.stat().st_size for path in logged.parent.iterdir()) < 500_000
    assert len(log.report(bpy.context)) < 30_000
    log.end()
    assert not [handler for handler in session.LOG.handlers if isinstance(handler, logging.FileHandler)]


def test_without_an_extension_nothing_is_written():
    assert log.folder() is None
    log.begin(None)
    assert "The log is empty." in log.report(bpy.context)


class Failing(modal.Stepped):
    def work(self, context):
        raise HeadError("No head.", "Add one.")
        yield

    def report(self, kind, text):
        self.said = text


def test_what_an_operator_reports_is_logged(logged):
    Failing().execute(bpy.context)
    assert "Failing: No head. Add one." in logged.read_text()
    assert issubclass(copy_report.DUET_OT_copy_report, bpy.types.Operator)
