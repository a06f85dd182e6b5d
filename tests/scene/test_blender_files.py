"""Full disks, folders that may not be written to, paths that Blender would cut, and a Blender that is killed."""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError, OutputError
from duet.inference.performance.performance import Performance
from duet.scene import files, preview_file
from duet.scene.blender import compat, video
from duet.scene.blender.paths import for_blender
from duet.scene.exports import export_files
from duet.scene.take import sound
from duet.scene.take.settings import Order
from duet.tests.blender_fakes import bake_file, fake_take, write_wav

pytestmark = pytest.mark.blender
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has neither the names nor the signals")


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "voice.wav", 0.3 * np.sin(np.arange(24000) * 0.1))


@pytest.fixture(autouse=True)
def fake_weights(monkeypatch):
    from duet.tests.blender_fakes import fake_blendshapes, fake_head

    monkeypatch.setattr(files, "load_head", fake_head)
    monkeypatch.setattr(files, "load_blendshapes", fake_blendshapes)


def deep(folder, size):
    """A folder whose path has that many bytes, but for a few."""
    while len(str(folder)) + 150 < size:
        folder /= "n" * 100
    folder /= "n" * max(1, size - len(str(folder)) - 12)
    folder.mkdir(parents=True)
    return folder


# Paths


@posix
def test_a_path_that_blender_would_cut_is_refused_before_anything_is_written(tmp_path, voice):
    folder = deep(tmp_path, 1100)
    with pytest.raises(OutputError, match=r"has 1\d\d\d bytes; Blender takes 1023"):
        bake_file(voice, fake_take(), folder / "shot.blend")
    assert list(folder.iterdir()) == []
    (folder / "voice.wav").write_bytes(voice.read_bytes())
    with pytest.raises(AudioError, match="Blender takes 1023"):
        bake_file(folder / "voice.wav", fake_take(), tmp_path / "shot.blend")
    assert not (tmp_path / "shot.blend").exists()


@posix
def test_the_longest_path_that_blender_takes_works(tmp_path, voice):
    folder = deep(tmp_path, 950)
    (folder / "voice.wav").write_bytes(voice.read_bytes())
    bake_file(folder / "voice.wav", fake_take(), tmp_path / "shot.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    (strip,) = bpy.context.scene.sequence_editor.strips
    assert Path(bpy.path.abspath(strip.sound.filepath)).samefile(folder / "voice.wav")
    assert strip.frame_final_duration > 20


@posix
@pytest.mark.parametrize(
    ("name", "pattern"), [(b"m\xe9.wav", "is not UTF-8, which Blender needs"), (b"a\\b.wav", "has a backslash")]
)
def test_names_that_blender_takes_for_others_are_named(tmp_path, voice, name, pattern):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(voice.read_bytes())
    with pytest.raises(AudioError, match=pattern):
        sound.decode(path)
    with pytest.raises(OutputError, match=pattern):
        bake_file(voice, fake_take(), path.with_suffix(".blend"))
    with pytest.raises(OutputError, match=pattern):
        files.open_file(path.with_suffix(".blend"))


@posix
def test_line_breaks_and_long_names_are_fine_in_blender(tmp_path, voice):
    for name in ("a\nb", "😀" * 60, " a "):
        (tmp_path / f"{name}.wav").write_bytes(voice.read_bytes())
        bake_file(tmp_path / f"{name}.wav", fake_take(), tmp_path / f"{name}.blend")
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / f"{name}.blend"))
        (strip,) = bpy.context.scene.sequence_editor.strips
        assert Path(bpy.path.abspath(strip.sound.filepath)).name == f"{name}.wav"
        assert strip.frame_final_duration > 20


def test_a_base_is_opened_once_for_its_rate_and_the_bake_and_anew_for_the_next(tmp_path, voice, monkeypatch):
    bake_file(voice, fake_take(), tmp_path / "base.blend")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    opened = []
    real = files.open_file
    monkeypatch.setattr(files, "open_file", lambda path: opened.append(path) or real(path))
    for name in "ab":
        assert files.frame_rate(tmp_path / "base.blend") == fake_take().fps
        bake_file(voice, fake_take(), tmp_path / f"{name}.blend", tmp_path / "base.blend")
    assert len(opened) == 2
    sizes = set()
    for name in "ab":
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / f"{name}.blend"))
        sizes.add((len(bpy.data.actions), len(bpy.context.scene.sequence_editor.strips)))
    assert len(sizes) == 1


def test_a_relative_path_never_reaches_blender(tmp_path):
    with pytest.raises(OutputError, match="is relative"):
        for_blender(Path("a.blend"), OutputError)


def test_alembic_is_not_begun_where_the_disk_has_no_room(tmp_path, voice, monkeypatch):
    """Its exporter would end Blender, and what was not saved with it."""
    bake_file(voice, fake_take(frames=60), tmp_path / "shot.blend")
    (tmp_path / "shot.abc").write_bytes(b"earlier")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=60 << 20))
    with pytest.raises(OutputError, match=r"has 60 MB left; this takes up to \d+ MB"):
        export_files.export_file(tmp_path / "shot.blend", "", tmp_path / "shot.abc", False)
    assert left(tmp_path) == ["shot.abc", "shot.blend", "voice.wav"]
    assert (tmp_path / "shot.abc").read_bytes() == b"earlier"


EXPORT = """
import signal, resource, sys
from pathlib import Path
import bpy
from duet.inference.errors import OutputError
from duet.scene.exports import export_files
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (resource.RLIM_INFINITY, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for suffix in sys.argv[3:]:
        try:
            export_files.export_file(folder / "shot.blend", "", folder / f"shot{suffix}", False)
            print("written")
        except OutputError as error:
            print("refused", error)
"""


@posix
def test_a_full_disk_leaves_the_earlier_export(tmp_path, voice):
    """Blender's exporters may report a file that the disk cut off as written, or end with an error of their own."""
    bake_file(voice, fake_take(frames=60), tmp_path / "shot.blend")
    suffixes = (".glb", ".gltf", ".usdc", ".npz")
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, str(tmp_path), "4000", *suffixes], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [line for line in done.stdout.splitlines() if line.startswith(("written", "refused"))]
    assert found[: len(suffixes)] == ["written"] * len(suffixes), done.stdout
    assert all(answer.startswith("refused") for answer in found[len(suffixes) :]), found
    assert all((tmp_path / f"shot{suffix}").stat().st_size > 4000 for suffix in suffixes)  # those that were written
    assert left(tmp_path) == sorted(["voice.wav", "shot.blend", *(f"shot{suffix}" for suffix in suffixes)])


# Full disks and folders that may not be written to: in a process of its own, whose files may not grow

BAKE = """
import signal, resource, sys
from pathlib import Path
import bpy
import numpy as np
from duet.inference.errors import OutputError
from duet.inference.formats import exports, livelink
from duet.inference.performance.performance import Performance
from duet.scene import files, preview_file
from duet.scene.blender import compat, video
from duet.tests.blender_fakes import bake_file, fake_blendshapes, fake_head, fake_take
files.load_head, files.load_blendshapes = fake_head, fake_blendshapes
voice, folder, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
take = fake_take(frames=200)
while not limit:
    bake_file(voice, take, folder / "shot.blend")
    print("baked", flush=True)
writers = {
    ".blend": lambda path, take: bake_file(voice, take, path),
    ".npz": exports.write_npz,
    ".json": exports.write_json,
    ".csv": livelink.write_livelink_csv,
}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (resource.RLIM_INFINITY, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for suffix, write in writers.items():
        try:
            write(folder / f"shot{suffix}", take)
            print("written")
        except OutputError as error:
            print("refused", error)
"""
SUFFIXES = (".blend", ".npz", ".json", ".csv")


def answers(*arguments, **options):
    """What became of each file: first without a limit on its size, then with one."""
    done = subprocess.run(
        [sys.executable, "-c", BAKE, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [line for line in done.stdout.splitlines() if line.startswith(("written", "refused"))]
    assert len(found) == 8
    return found


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
def test_a_full_disk_leaves_the_earlier_file_and_nothing_else(tmp_path, voice):
    """Blender itself says of a compressed file that was cut off that it was saved."""
    folder = tmp_path / "out"
    folder.mkdir()
    for suffix in SUFFIXES:
        (folder / f"shot{suffix}").write_bytes(b"earlier")
    found = answers(voice, folder, 3000)
    assert found[:4] == ["written"] * 4
    assert all(answer.startswith("refused The output") for answer in found[4:])
    assert left(folder) == sorted([*(f"shot{suffix}" for suffix in SUFFIXES), "shot.blend1"])
    assert all((folder / f"shot{suffix}").stat().st_size > 3000 for suffix in SUFFIXES)  # those that were written
    assert (folder / "shot.blend1").read_bytes() == b"earlier"
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    assert len(bpy.context.scene.sequence_editor.strips) == 1


def _without_rights():
    """Give up what lets the administrator write where others may not."""
    import ctypes

    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has rights to give up")
def test_a_folder_that_may_not_be_written_to_is_named_and_left(tmp_path, voice):
    folder = tmp_path / "locked"
    folder.mkdir()
    for suffix in SUFFIXES:
        (folder / f"shot{suffix}").write_bytes(b"earlier")
    folder.chmod(0o555)
    try:
        found = answers(voice, folder, 3000, preexec_fn=_without_rights)
    finally:
        folder.chmod(0o755)
    assert all(answer.startswith(f"refused The folder '{folder}' is read-only") for answer in found)
    assert all((folder / f"shot{suffix}").read_bytes() == b"earlier" for suffix in SUFFIXES)
    assert len(left(folder)) == 4


@posix
def test_a_blender_that_is_killed_while_it_bakes_and_saves_leaves_whole_files(tmp_path, voice):
    """Four kills at different moments of baking over the same file again and again."""
    output = tmp_path / "out" / "shot.blend"
    rng = np.random.default_rng(14)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", BAKE, str(voice), str(output.parent), "0"], stdout=subprocess.PIPE, text=True
        )
        with process:
            while "baked" not in process.stdout.readline():
                assert process.poll() is None
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
        bpy.ops.wm.open_mainfile(filepath=str(output))
        assert len(bpy.context.scene.sequence_editor.strips) == 1
    assert {name for name in left(output.parent) if not name.startswith(".")} == {"shot.blend", "shot.blend1"}


EXPORT_ON = """
import sys
from pathlib import Path
import bpy
from duet.scene.exports import export_files
folder = Path(sys.argv[1])
while True:
    for suffix in (".gltf", ".glb", ".npz"):
        export_files.export_file(folder / "shot.blend", "", folder / f"shot{suffix}", False)
    print("all three are there", flush=True)
"""


@posix
def test_a_blender_that_is_killed_while_it_exports_leaves_whole_files(tmp_path, voice):
    """Three kills; a .gltf with the numbers of another export would say so by their length."""
    bake_file(voice, fake_take(frames=60), tmp_path / "shot.blend")
    rng = np.random.default_rng(9)
    for _ in range(3):
        command = [sys.executable, "-c", EXPORT_ON, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while "all three" not in process.stdout.readline():
                assert process.poll() is None
            time.sleep(rng.uniform(0, 1.5))
            process.kill()
        (buffer,) = json.loads((tmp_path / "shot.gltf").read_text())["buffers"]
        assert len(base64.b64decode(buffer["uri"].partition(",")[2])) == buffer["byteLength"]
        binary = (tmp_path / "shot.glb").read_bytes()
        assert int.from_bytes(binary[8:12], "little") == len(binary)
        assert len(np.load(tmp_path / "shot.npz")["arkit"]) == 60
    found = {name for name in left(tmp_path) if not name.startswith((".", "_"))}
    assert found == {"voice.wav", "shot.blend", "shot.gltf", "shot.glb", "shot.npz"}


# Previews


def test_a_preview_is_a_video_of_the_take_with_its_sound_or_its_frames(tmp_path, voice, monkeypatch):
    monkeypatch.setattr(video, "SIDE", 64)
    take, shares = fake_take(frames=4, fps=12.0), []
    order = Order(Performance(trim_start=0.5), None, np.zeros(0, np.float32), True, None)
    assert preview_file(voice, take, tmp_path / "line.mp4", None, "", order, shares.append) == []
    assert shares == [0.0, 0.25, 0.5, 0.75]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.mp4", "voice.wav"]
    film = bpy.data.movieclips.load(str(tmp_path / "line.mp4"))
    assert (film.frame_duration, film.fps, *film.size) == (4, 12.0, 64, 64)
    heard = sound.decode(tmp_path / "line.mp4")
    assert abs(np.abs(heard[1000:4000]).max() - 0.3) < 0.1
    monkeypatch.setattr(compat, "video", lambda render: False)
    (note,) = preview_file(voice, take, tmp_path / "other.mp4", None, "", order)
    assert f"pictures in '{tmp_path / 'other.frames'}'" in note
    names = [path.name for path in sorted((tmp_path / "other.frames").iterdir())]
    assert names == ["00001.png", "00002.png", "00003.png", "00004.png"]
    assert not (tmp_path / "other.mp4").exists()
