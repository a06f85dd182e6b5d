"""All classes: registered and unregistered, and each explained."""

from types import SimpleNamespace

import bpy
import duet
import pytest
from duet.operators import modal

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_registering_leaves_nothing_behind():
    duet.unregister()
    assert not hasattr(bpy.types.Scene, "duet")
    assert not [name for name in dir(bpy.types) if name.startswith("DUET_")]
    duet.register()


def test_every_button_field_and_choice_is_explained():
    operators = {name: getattr(bpy.ops.duet, name).get_rna_type() for name in dir(bpy.ops.duet)}
    every = [each for each in bpy.types.PropertyGroup.__subclasses__() if each.__name__.startswith("Duet")]
    groups = {each.__name__: each.bl_rna for each in every if each.is_registered}
    assert len(operators) > 40 and {"DuetSettings", "DuetTake", "DuetCue", "DuetTarget"} <= set(groups)
    own = {"rna_type", "name", "bl_idname", *bpy.types.Operator.bl_rna.properties.keys()}
    lacking = [name for name, kind in operators.items() if len(kind.description) <= 8]
    for name, kind in (operators | groups).items():
        for field, prop in kind.properties.items():
            if field in own or field.startswith("filter_"):
                continue
            choices = prop.enum_items if prop.type == "ENUM" else ()
            lacking += [f"{name}.{field}"] if len(prop.description) <= 8 else []
            lacking += [f"{name}.{field}: {item.name}" for item in choices if len(item.description) <= 6]
    assert not lacking, lacking


def test_work_that_is_modal_while_the_extension_is_disabled_is_given_up(monkeypatch):
    done, removed = [], []

    def work():
        try:
            yield None
        finally:
            done.append("put back")

    steps = work()
    next(steps)
    manager = SimpleNamespace(event_timer_remove=removed.append)
    monkeypatch.setattr(modal, "bpy", SimpleNamespace(context=SimpleNamespace(window_manager=manager)))
    monkeypatch.setattr(modal, "show", lambda _, text: done.append(text))
    modal.RUNTIME.begin()
    modal._open.append((steps, "timer"))
    duet.unregister()
    assert (done, removed, modal.RUNTIME.busy) == (["put back", None], ["timer"], False)
    duet.register()
