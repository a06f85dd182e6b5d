"""What hides a face in Blender, made on a head: each is a function of the head."""

import bpy
import numpy as np
from duet.scene.blender import actions, compat, layers, shape_keys
from duet.tests.blender_fakes import SPEECH_NAMES


def key_action(head, name="browInnerUp", value=0.5):
    key, action = head.data.shape_keys, bpy.data.actions.new("By hand")
    actions.assign(key, action)
    bag = compat.channelbag(action, key.animation_data.action_slot)
    actions.write_curve(bag, shape_keys.value_path(name), np.array([1.0, 20]), np.array([value, value]))
    return key.animation_data


def pinned(head):
    head.show_only_shape_key = True


def absolute(head):
    head.data.shape_keys.use_relative = False


def muted(head):
    for name in SPEECH_NAMES:
        head.data.shape_keys.key_blocks[name].mute = True


def soloed(head):
    animation = key_action(head, value=0.0)
    layers.push(head.data.shape_keys, animation.action, animation.action_slot).is_solo = True


def soloed_object(head):
    head.keyframe_insert("location", frame=1)
    animation = head.animation_data
    layers.push(head, animation.action, animation.action_slot).is_solo = True


def nla_off(head):
    head.data.shape_keys.animation_data_create().use_nla = False


def faint(head):
    head.data.shape_keys.animation_data_create().action_influence = 0.3


OBSTACLES = [pinned, absolute, muted, soloed, soloed_object, nla_off, faint]
