"""The real worker process with a pipeline that needs no weights (tests/fake_pipeline.py)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from duet.inference.client.client import Cancelled, Failed, Hello, Progress, Result, WorkerClient, worker_command
from duet.inference.errors import AudioError, RequestError, WeightsError, WorkerError
from duet.inference.protocol import Message, encode, read_message
from duet.inference.take import GenerateRequest
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

SAMPLES = np.full(32000, 0.25, np.float32)


def fake_command(weights="weights"):
    _, env = worker_command(ROOT)
    return [sys.executable, "-s", str(ROOT / "tests/fake_pipeline.py"), "--weights", weights], env


@pytest.fixture
def client():
    client = WorkerClient(*fake_command())
    yield client
    client.close()


def collect(client, until=(Result, Failed, Cancelled)):
    events = []
    while not (events and isinstance(events[-1], until)):
        events += client.poll()
        time.sleep(0.005)
    return events


def test_job_says_hello_progress_and_result_in_spite_of_stray_prints(client):
    job = client.submit(GenerateRequest(fps=25, audio="line.wav"), SAMPLES)
    events = collect(client)
    assert events[0] == Hello("numpy", "cpu", "fake")
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert stages[-1] == "half"
    result = events[-1]
    assert result.job == job
    assert result.take.frame_count == 50
    assert result.take.fps == 25
    assert result.take.request == {"fps": 25, "style": "natural", "audio": "line.wav"}
    stderr = client._child.stderr_end()
    for text in ("a stray print while loading", "rubbish on fd 1", "rubbish from C"):
        assert text in stderr


def test_real_worker_animates_a_recording(recording):
    client = WorkerClient(*worker_command(ROOT, engine="numpy"))
    client.submit(GenerateRequest(fps=24, audio="line.wav"), recording)
    *before, last = collect(client)
    client.close()
    assert isinstance(last, Result), last
    assert (before[0].engine, before[0].device) == ("numpy", "cpu")
    assert last.take.model_id == before[0].model_id
    assert last.take.frame_count == pytest.approx(len(recording) / 16000 * 24, abs=1)
    assert np.isfinite(last.take.speech_weights).all()
    assert last.take.speech_weights.std(axis=0).max() > 0.01
    assert last.take.arkit.shape == (last.take.frame_count, 0), "coefficients are for those who ask the face for them"


def test_cancel_is_noticed_and_the_worker_stays_warm(client):
    job = client.submit(GenerateRequest(audio="slow"), SAMPLES)
    collect(client, until=(Progress,))
    child = client._child
    client.cancel(job)
    assert collect(client)[-1] == Cancelled(job)
    assert client.run(GenerateRequest(), SAMPLES).model_id == "fake"
    assert client._child is child


def test_errors_keep_their_class_message_and_remedy(client):
    with pytest.raises(AudioError, match=r"'quiet\.wav' is silent") as caught:
        client.run(GenerateRequest(audio="quiet.wav"), np.zeros(16000, np.float32))
    assert caught.value.remedy
    with pytest.raises(WorkerError, match="IndexError: seven") as caught:
        client.run(GenerateRequest(audio="broken"), SAMPLES)
    assert "fake_pipeline.py" in caught.value.__notes__[0]
    assert client.run(GenerateRequest(), SAMPLES).model_id == "fake"


def test_unknown_request_field_is_refused(client):
    job = client.submit(GenerateRequest(), SAMPLES)
    collect(client)
    client._job = job + 1
    client._child.send(Message("generate", job + 1, {"request": {"tempo": 2}}, {"samples": SAMPLES}))
    error = collect(client)[-1].error
    assert isinstance(error, RequestError)
    assert "tempo" in error.message


def test_damaged_weights_are_one_error_and_exit_code_2():
    client = WorkerClient(*fake_command("damaged"))
    client.submit(GenerateRequest(), SAMPLES)
    events = collect(client)
    assert [type(event) for event in events] == [Failed]
    assert isinstance(events[0].error, WeightsError)
    assert events[0].error.remedy == "Install Duet again."
    client.close()
    command, env = fake_command("damaged")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=env, **pipes) as process:
        assert read_message(process.stdout).type == "error"
        assert process.wait() == 2


@pytest.mark.parametrize("busy", [False, True])
def test_worker_ends_when_stdin_closes(busy):
    command, env = fake_command()
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        assert read_message(process.stdout).type == "hello"
        if busy:
            request = GenerateRequest(audio="slow").to_json()
            for buffer in encode(Message("generate", 1, {"request": request}, {"samples": SAMPLES})):
                process.stdin.write(buffer)
            process.stdin.flush()
            assert read_message(process.stdout).type == "progress"
        process.stdin.close()
        assert process.wait() == 0


def test_rubbish_on_stdin_ends_the_worker_with_its_own_code():
    command, env = fake_command()
    process = subprocess.run(command, env=env, input=b"hello?\n", capture_output=True, check=False)
    assert process.returncode == 3
    assert b"Not a message" in process.stderr


def test_command_loads_neither_the_root_package_nor_bpy(tmp_path):
    """A user's own numpy.py in the current folder does not get in the way either."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('wrong numpy')")
    command, env = worker_command(ROOT)
    code = (
        "import sys, inference.worker\n"
        "assert 'bpy' not in sys.modules and 'duet' not in sys.modules and 'torch' not in sys.modules\n"
        "assert inference.worker.__name__ == 'inference.worker'\n"
    )
    process = subprocess.run([command[0], "-s", "-c", code], env=env, cwd=tmp_path, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr.decode()


def test_command_follows_arguments_and_environment(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("DUET_PYTHON", "/studio/python")
    command, env = worker_command(ROOT, engine="torch", device="cuda")
    assert command[:4] == ["/studio/python", "-s", "-m", "inference.worker"]
    assert command[4:] == ["--weights", str(ROOT / "weights"), "--engine", "torch", "--device", "cuda"]
    assert env["PYTHONPATH"] == str(ROOT)
    assert "PYTHONHOME" not in env
    assert worker_command(ROOT, python="/mine")[0][0] == "/mine"
    monkeypatch.delenv("DUET_PYTHON")
    assert worker_command(ROOT)[0][0] == sys.executable


FORGETFUL = """
import sys, time
from pathlib import Path
import numpy as np
from duet.inference.client.client import Progress, WorkerClient, worker_command
from duet.inference.take import GenerateRequest
client = WorkerClient([sys.executable, sys.argv[2], "--weights", "w"], worker_command(Path(sys.argv[1]))[1])
client.submit(GenerateRequest(audio="slow"), np.full(16000, 0.5, np.float32))
while not any(isinstance(event, Progress) for event in client.poll()):
    time.sleep(0.01)
print(client._child._process.pid)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_program_that_never_closes_its_client_ends_cleanly_and_leaves_no_worker():
    command = [sys.executable, "-c", FORGETFUL, str(ROOT), str(ROOT / "tests/fake_pipeline.py")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    while is_running(int(process.stdout)):
        time.sleep(0.01)


def is_running(pid):
    """In a container, nobody may reap what has ended: that is state Z."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
