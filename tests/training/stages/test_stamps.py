"""What made a weights file, whether files belong together, and which stages `make weights` runs; on small files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from duet.inference.checkpoints import load_checkpoint, save_checkpoint
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import WeightsError
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.stamps import BUILT_ON, content_id, file_id, load_weights, stamp_in, strangers
from duet.training import stamping
from duet.training.evaluation import model_card
from duet.training.stages import make_weights
from duet.training.stages.recipe import NAMES, STAGES, Stage

pytestmark = pytest.mark.slow


def made(folder, name, number=1.0, seed=0):
    """A small weights file of one array, stamped as built on those in the folder."""
    stamp = stamping.begin(name, seed, folder)
    path = folder / f"{name}.safetensors"
    stamping.save_weights(path, {"array": np.full(3, number, np.float32)}, {"title": "small"}, stamp)
    return path


@pytest.fixture
def weights(tmp_path):
    """A folder of small weights files that belong together."""
    for stage in STAGES:
        if stage.file:
            made(tmp_path, stage.file)
    return tmp_path


def test_every_file_says_what_made_it(weights):
    path = made(weights, "fusion", seed=7)
    stamp = stamp_in(load_checkpoint(path))
    assert stamp.seed == 7
    assert stamp.commit == stamping.commit()
    assert stamp.built_on == {name: file_id(weights / f"{name}.safetensors") for name in ("head", "rig")}
    assert stamp_in(load_checkpoint(weights / "speech.safetensors")).seen == {
        "head": file_id(weights / "head.safetensors")
    }
    assert not list(weights.glob("*.partial"))


def test_the_commit_is_the_repositorys(tmp_path, monkeypatch):
    root = Path(stamping.ROOT)
    assert len(stamping.commit().rstrip("+")) == 12 or not (root / ".git").exists()
    monkeypatch.setattr(stamping, "ROOT", tmp_path)
    assert stamping.commit() == "unknown"


def test_the_id_is_of_the_content_alone(weights):
    first = file_id(weights / "head.safetensors")
    assert file_id(made(weights, "head", seed=5)) == first, "the stamp does not count"
    assert file_id(made(weights, "head", 2.0)) != first
    plain = load_checkpoint(weights / "head.safetensors")
    for arrays, metadata in (
        ({"array": plain.arrays["array"].astype(np.float16)}, plain.metadata),
        ({"array": plain.arrays["array"][None]}, plain.metadata),
        ({"other": plain.arrays["array"]}, plain.metadata),
        (plain.arrays, plain.metadata | {"title": "another"}),
    ):
        save_checkpoint(weights / "other.safetensors", arrays, metadata)
        assert content_id(load_checkpoint(weights / "other.safetensors")) != content_id(plain)


@pytest.mark.parametrize(("changed", "refused"), [("head", {"fusion", "flame_head"}), ("rig", {"fusion", "speech"})])
def test_files_that_do_not_belong_together_are_refused(weights, changed, refused):
    for name, sources in BUILT_ON.items():
        assert load_weights(weights / f"{name}.safetensors", sources).metadata["title"] == "small"
    made(weights, changed, 2.0)
    for name, sources in BUILT_ON.items():
        path = weights / f"{name}.safetensors"
        if name not in refused:
            load_weights(path, sources)
            continue
        with pytest.raises(WeightsError, match=rf"was not built on the {changed}\.safetensors beside it") as caught:
            load_weights(path, sources)
        assert str(path) in caught.value.message
        assert "make weights" in caught.value.remedy


def test_a_source_that_is_gone_is_named(weights):
    (weights / "rig.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"rig\.safetensors cannot be read"):
        load_weights(weights / "speech.safetensors", BUILT_ON["speech"])
    with pytest.raises(WeightsError, match=r"rig\.safetensors cannot be read"):
        stamping.begin("speech", 0, weights)


def test_a_file_that_does_not_say_what_it_was_built_on_is_refused(weights):
    checkpoint = load_checkpoint(weights / "fusion.safetensors")
    save_checkpoint(checkpoint.path, checkpoint.arrays, {"title": "small"})
    with pytest.raises(WeightsError, match=r"fusion\.safetensors does not say what it was built on"):
        load_weights(checkpoint.path, BUILT_ON["fusion"])
    head = load_checkpoint(weights / "head.safetensors")
    save_checkpoint(head.path, head.arrays, {"title": "small"})
    assert load_weights(head.path, BUILT_ON["head"]).metadata == {"title": "small"}, "it was built on none"


def test_the_shipped_files_belong_together():
    for name, sources in BUILT_ON.items():
        load_weights(stamping.WEIGHTS / f"{name}.safetensors", sources)


def test_a_damaged_stamp_is_named(weights):
    checkpoint = load_checkpoint(weights / "fusion.safetensors")
    for text in ("{", json.dumps({"who": 1}), "[]"):
        save_checkpoint(checkpoint.path, checkpoint.arrays, {"made": text})
        with pytest.raises(WeightsError, match=r"fusion\.safetensors"):
            load_weights(checkpoint.path, BUILT_ON["fusion"])


def test_blendshapes_of_another_head_are_refused(weights):
    made(weights, "head", 3.0)
    with pytest.raises(WeightsError, match="do not belong together"):
        load_blendshapes(weights / "fusion.safetensors")


def test_a_stage_resumes_its_own_work_alone(weights, monkeypatch, tmp_path):
    monkeypatch.setattr(stamping, "CACHE", tmp_path / "cache")
    stamp = stamping.begin("fusion", 0, weights)
    folder = stamping.working_folder("fusion", stamp)
    assert folder.is_dir()
    assert stamping.working_folder("fusion", stamping.begin("fusion", 0, weights)) == folder
    assert stamping.working_folder("fusion", stamping.begin("fusion", 1, weights)) != folder
    made(weights, "head", 2.0)
    assert stamping.working_folder("fusion", stamping.begin("fusion", 0, weights)) != folder


def stages_run(weights, first="", numbers=None):
    """Names of the stages that ran; a stage makes its small file (of `numbers`' content) or the model card."""
    ran = []

    def run(stage: Stage):
        ran.append(stage.name)
        if stage.file:
            made(weights, stage.file, (numbers or {}).get(stage.name, 1.0))
        elif not stage.serves:
            card = ""
            for name in make_weights.SECTIONS:
                card = model_card.with_section(card, name, name, ["0.1"], model_card.weights_id())
            make_weights.CARD.write_text(card, "utf-8")

    make_weights.make(first, run, weights)
    return ran


@pytest.fixture
def command(weights, monkeypatch):
    """`make weights` on the small files, with a model card that has measured them."""
    monkeypatch.setattr(model_card, "WEIGHTS", weights)
    monkeypatch.setattr(make_weights, "CARD", weights / "model_card.md")
    make_weights.CARD.write_text("", "utf-8")
    assert stages_run(weights) == ["evaluation"]
    return lambda **options: stages_run(weights, **options)


def test_nothing_runs_where_all_is_up_to_date(command):
    assert command() == []


def test_all_stages_run_in_their_order_in_an_empty_folder(weights, command):
    for path in weights.glob("*.safetensors"):
        path.unlink()
    assert command() == list(NAMES[:-1]), "the same files, that the model card has measured"
    assert command() == []


def test_a_new_head_is_followed_by_what_was_built_on_it(weights, command):
    made(weights, "head", 2.0)
    assert command() == ["flame_head", "fusion", "evaluation"]


def test_from_runs_a_stage_anew_and_what_follows_from_another_result(command):
    assert command(first="rig") == ["rig"], "it made the same file again"
    ran = command(first="rig", numbers={"rig": 2.0})
    assert ran == ["rig", "synthetic", "rules", "speech", "fusion", "evaluation"]
    assert command(first="synthetic") == ["synthetic"]


def test_a_file_without_a_stamp_is_made_again(weights, command):
    checkpoint = load_checkpoint(weights / "encoder.safetensors")
    save_checkpoint(checkpoint.path, checkpoint.arrays, {"title": "small"})
    assert command()[0] == "encoder"


def test_a_stage_that_fails_stops_the_command(monkeypatch):
    monkeypatch.setattr(make_weights, "data_folder", lambda: Path(__file__).parent)
    with pytest.raises(SystemExit, match=r"speech needs .*talking"):
        make_weights.run_stage(next(stage for stage in STAGES if stage.name == "speech"))
    with pytest.raises(SystemExit, match="stage broken failed"):
        make_weights.run_stage(Stage("broken", "no_such_stage"))


def test_every_stage_is_a_command_that_explains_itself():
    for stage in STAGES:
        place = Path(make_weights.__file__).parents[1] / f"{stage.module.replace('.', '/')}.py"
        assert '__name__ == "__main__"' in place.read_text("utf-8"), stage
    assert {stage.file for stage in STAGES if stage.file} == set(BUILT_ON)


def test_files_only_depend_on_stages_before_them():
    order = [stage.file for stage in STAGES if stage.file]
    for name, sources in BUILT_ON.items():
        assert all(order.index(source) < order.index(name) for source in (*sources, *stamping.SEEN.get(name, ())))


def test_strangers_are_all_named(weights):
    for name in ("head", "rig"):
        made(weights, name, 4.0)
    checkpoint = load_checkpoint(weights / "fusion.safetensors")
    assert strangers(checkpoint, BUILT_ON["fusion"]) == ["head", "rig"]


def test_the_worker_refuses_mixed_weights(tmp_path):
    """The shipped files, with a head that the blendshapes were not built on."""
    shutil.copytree(stamping.WEIGHTS, tmp_path / "weights")
    fusion = load_checkpoint(tmp_path / "weights" / "fusion.safetensors")
    stamp = stamping.begin("fusion", 0, stamping.WEIGHTS)
    stamping.save_weights(fusion.path, fusion.arrays, fusion.metadata, stamp)
    Pipeline(tmp_path / "weights", "numpy")
    head = load_checkpoint(tmp_path / "weights" / "head.safetensors")
    moved = head.arrays | {"vertices": head.arrays["vertices"] + np.float32(0.001)}
    save_checkpoint(head.path, moved, head.metadata)
    with pytest.raises(WeightsError, match=r"fusion\.safetensors was not built on the head\.safetensors"):
        Pipeline(tmp_path / "weights", "numpy")
