"""The second stage: the fusion module, blendshapes and emotions. Imports data, head."""
