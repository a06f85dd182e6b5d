"""One file that fails does not stop the rest."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from duet.inference.errors import RequestError
from duet.operators.batch import runner
from duet.tests.batch_fakes import errors, made, run, write_manifest
from duet.tests.blender_fakes import write_wav

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]
OUTSIDE = importlib.util.find_spec("soundfile") is not None  # else Blender decodes, which knows fewer names
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")


@posix
def test_a_name_that_is_not_utf8_is_animated_and_printed(here, capsys):
    Path("a.wav").rename(os.fsdecode(b"m\xe9.wav"))
    assert run("generate", ".", "-o", "out") == (0 if OUTSIDE else 1)
    assert [os.fsencode(name) for name in made(here / "out")] == [b"m\xe9.npz", b"z.npz"][not OUTSIDE :]
    captured = capsys.readouterr()
    assert r"m\udce9.wav" in (captured.out if OUTSIDE else captured.err)


@posix
@pytest.mark.skipif(not OUTSIDE, reason="Blender's decoder takes names in UTF-8 alone")
@pytest.mark.parametrize("suffix", ["npz", "json", "csv"])
def test_what_is_written_names_it_in_plain_text(here, suffix):
    Path("a.wav").rename(os.fsdecode(b"m\xe9.wav"))
    assert run("generate", os.fsdecode(b"m\xe9.wav"), "-o", f"take.{suffix}") == 0
    assert (here / f"take.{suffix}").stat().st_size


def test_an_unknown_codec_fails_its_file_with_one_line(here, capsys):
    data = bytearray((here / "a.wav").read_bytes())
    data[20:22] = b"\x99\x77"  # the format tag
    (here / "m.wav").write_bytes(data)
    assert run("generate", ".", "-o", "out") == 1
    assert made(here / "out") == ["a.npz", "z.npz"]
    (line,) = errors(capsys)
    assert "m.wav' is not a recording that can be decoded" in line or "m.wav' is not a sound" in line


def test_what_is_silent_short_or_empty_between_the_trims_fails_alone(here, capsys):
    voice = np.sin(np.arange(16000) / 5)
    for name, samples in {"m": voice * (np.arange(16000) < 4000), "n": voice[:4800], "o": voice[:0]}.items():
        write_wav(here / f"{name}.wav", 0.5 * samples)
    assert run("generate", ".", "-o", "out", "--trim-start", 0.25, "--fps", 20) == 1
    assert made(here / "out") == ["a.npz", "z.npz"]
    silent, short, empty = errors(capsys)
    assert "m.wav' is silent" in silent
    assert "n.wav' lasts only 0.050 s" in short
    assert "o.wav' holds no sound" in empty


@pytest.mark.skipif(not OUTSIDE, reason="Blender's own decoder is asked elsewhere")
def test_a_telephone_recording_is_animated_with_the_others(here, capsys):
    import soundfile

    soundfile.write(here / "m.wav", 0.5 * np.sin(np.arange(8000) / 5), 8000, subtype="GSM610")
    assert run("generate", ".", "-o", "out") == 0
    assert made(here / "out") == ["a.npz", "m.npz", "z.npz"]
    assert errors(capsys) == []


def test_a_zero_byte_in_a_row_is_named(here, capsys):
    write_manifest(here, "a.wav,a\0b.blend", "a\0.wav,b.blend", "z.wav,c.blend,h\0.blend", "z.wav,z.blend")
    assert run("bake", "shots.csv", "--dry-run") == 1
    lines = errors(capsys)
    assert [f"row {n}: " in line and "zero byte" in line for n, line in zip((2, 3, 4), lines, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize("error", [MemoryError(), KeyError("depth"), RecursionError("deep"), OSError(5, "I/O")])
def test_any_exception_of_one_file_leaves_the_others(here, capsys, monkeypatch, error):
    load = runner._load

    def loaded(path):
        if path.stem == "m":
            raise error
        return load(path)

    (here / "m.wav").write_bytes((here / "a.wav").read_bytes())
    monkeypatch.setattr(runner, "_load", loaded)
    assert run("generate", ".", "-o", "out") == 1
    assert made(here / "out") == ["a.npz", "z.npz"]
    (line,) = errors(capsys)
    assert "m.wav'" in line


def test_the_frame_rate_of_one_blend_does_not_stop_the_rest(here, capsys, monkeypatch):
    import duet.scene

    monkeypatch.setattr(duet.scene, "bake_file", lambda audio, take, output, *_: output.touch(), raising=False)
    monkeypatch.setattr(duet.scene.files, "frame_rate", lambda path: 600.0 if path.stem == "fast" else 25.0)
    write_manifest(here, "a.wav,a.blend,fast.blend", "z.wav,z.blend,set.blend")
    assert run("bake", "shots.csv") == 1
    assert (here / "z.blend").exists()
    assert "600" in errors(capsys)[0]


def test_what_concerns_a_style_names_the_recording_too(here, capsys, monkeypatch):
    def take(self, job, on_progress):
        if job.performance.style == "shouted":
            raise RequestError("There is no speaking style 'shouted'.")
        return ran(self, job, on_progress)

    ran = runner.Runner.take
    monkeypatch.setattr(runner.Runner, "take", take)
    write_manifest(here, "a.wav,a.npz,,,,shouted", "z.wav,z.npz")
    assert run("generate", "shots.csv") == 1
    assert errors(capsys) == [f"duet: error: '{here / 'a.wav'}': There is no speaking style 'shouted'."]
    assert run("generate", "a.wav", "z.wav", "--style", "shouted", "-o", "out") == 1
    assert errors(capsys) == ["duet: error: There is no speaking style 'shouted'."], "which all would fail at"


def test_an_emotion_after_the_end_is_told(here, capsys):
    asked = ("--emotion-track", "happy;sad@0.4;angry=1+sad@3", "--marks", "+teeth@0.2 -round@2")
    assert run("generate", "a.wav", "-o", "a.npz", *asked) == 0
    said = "What is spoken ends at 0.50 s, so nothing is seen of angry+sad@3, -round@2."
    assert errors(capsys) == [f"duet: note: '{here / 'a.wav'}': {said}"]


def test_vertices_of_a_long_recording_are_refused_before_the_work(here, capsys, monkeypatch):
    monkeypatch.setattr(runner, "MAX_VERTICES", 8 << 20)
    write_wav(here / "long.wav", 0.5 * np.sin(np.arange(16000 * 20) / 5))
    assert run("generate", "a.wav", "long.wav", "-o", "out", "--vertices", "--fps", 10) == 1
    assert made(here / "out") == ["a.npz"]
    assert "Cut it into parts, or leave out --vertices" in errors(capsys)[0]


def test_a_record_nested_beyond_reason_counts_as_none(here):
    assert run("generate", "a.wav", "-o", "a.npz") == 0
    record = here / ".duet" / "a.npz.json"
    record.write_text("[" * 100_000)
    assert run("generate", "a.wav", "-o", "a.npz") == 0
    assert record.stat().st_size < 10_000


def test_export_goes_on_after_any_exception(here, capsys, monkeypatch):
    import duet.scene.exports.export_files

    def export(blend, name, path, whole):
        if blend.stem == "a":
            raise KeyError("bones")
        return range(1, 3)

    class Span:
        start, end = 1, 2

    monkeypatch.setattr(
        duet.scene.exports.export_files, "export_file", lambda *a: export(*a) and (Span, ["it is pinned"])
    )
    (here / "out").mkdir()
    assert run("export", "a.blend", "z.blend", "-o", "out") == 1
    captured = capsys.readouterr()
    assert "z.blend -> " in captured.out
    assert "duet: note: it is pinned" in captured.err
    assert "a.blend' failed with KeyError: 'bones'" in captured.err
