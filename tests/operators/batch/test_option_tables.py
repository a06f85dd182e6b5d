"""One table of settings: options, columns, Blender's properties and the tables in docs/ are what it says."""

import argparse

import bpy
import pytest
from duet.inference.performance.marks import parse_marks
from duet.inference.performance.performance import SETTINGS
from duet.inference.performance.timeline import INTENSITY
from duet.operators.batch import manifest, option_tables, options
from duet.scene import properties
from duet.scene.head import sliders
from duet.scene.take import settings

pytestmark = pytest.mark.blender


@pytest.fixture
def group():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    properties.register()
    yield bpy.context.scene.duet
    properties.unregister()


def test_every_setting_is_an_option_and_a_column():
    parser = argparse.ArgumentParser()
    options.add_options(parser)
    actions = {action.dest: action for action in parser._actions}
    for name, setting in SETTINGS.items():
        assert actions[name].help == setting.summary
        assert manifest.COLUMN_OF[name] in manifest.COLUMNS


def test_the_docs_have_the_tables():
    """Where they have not: `python -m duet.operators.batch.option_tables` writes them."""
    for name, parts in option_tables.tables().items():
        text = (option_tables.DOCS / name).read_text(encoding="utf-8")
        assert option_tables.written(text, parts) == text, name
    with pytest.raises(ValueError, match="there is no"):
        option_tables.written("a page", parts)


def test_every_setting_is_a_property_of_the_next_take_and_of_each_take(group):
    for kind in (group, bpy.data.actions.new("Take").duet):
        found = kind.bl_rna.properties
        for name, setting in SETTINGS.items():
            if name in ("emotions", "transition") or (kind != group and name.startswith("trim")):
                continue  # rows, each with a transition of its own; a take knows what was cut
            assert found[name].name == setting.label
            assert found[name].description == setting.sentence or setting.choices
            if setting.choices:
                assert found[name].enum_items.keys()[: len(setting.choices)] == list(setting.choices)
            elif setting.parse:
                assert found[name].default == ""
            elif setting.is_switch:
                assert found[name].default == bool(setting.default)
            else:
                check(found[settings.AMOUNTS.get(name, name)], setting)
        check(found["intensity"], INTENSITY)
    cue = group.cues.add().bl_rna.properties
    check(cue["intensity"], INTENSITY)
    check(cue["ease"], SETTINGS["transition"])


def check(found, setting):
    """A number's range and default."""
    assert found.hard_min == pytest.approx(setting.least)
    assert found.hard_max == pytest.approx(setting.most)
    assert found.default == pytest.approx(setting.default if setting.natural is None else setting.natural)


def test_the_heads_mix_limit_is_the_settings(group):
    obj = bpy.data.objects.new("Ada", None)
    sliders.add_sliders(obj, ["happy"])
    shown, due = obj.id_properties_ui(sliders.LIMIT).as_dict(), SETTINGS["mix_limit"]
    assert (shown["min"], shown["max"], shown["default"]) == (due.least, due.most, due.default)
    assert shown["description"] == due.sentence


def test_a_performance_survives_the_sidebar(group):
    from duet.inference.performance.performance import Performance
    from duet.inference.performance.timeline import Cue

    given = Performance(
        style="enunciated",
        articulation=0.5,
        smoothing=20.0,
        offset=-40.0,
        emotions=(Cue(0.0, {"happy": 0.5}), Cue(2.0, {"sad": 0.25}, 1.0), Cue(3.0, {})),
        mix_limit=2.0,
        open_in_silence=0.5,
        blinks=0.5,
        breaths=1.5,
        seed=7,
        effort=0.5,
        lips=0.5,
        upper_face=0.25,
        mirror=1,
        text="so be it",
        marks=parse_marks("closed@1.25>1.5*0.5 +round@2 -open@3.1"),
    )
    settings.choose(group, given)
    found = settings.performance_of(group)
    cues = [(cue.seconds, cue.emotions, cue.ease) for cue in found.emotions]
    assert cues == [(0.0, {"happy": 0.5}, None), (2.0, {"sad": 0.25}, 1.0), (3.0, {}, 0.5)]
    for name in SETTINGS:
        if name != "emotions":
            assert getattr(found, name) == getattr(given, name), name
