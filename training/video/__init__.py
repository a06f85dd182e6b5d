"""Lips of real people: from videos to tracks of face landmarks, and from tracks to rig channels."""
