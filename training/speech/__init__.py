"""The first stage: from sound to rig channels. Imports video, data, synthesis."""
