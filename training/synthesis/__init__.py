"""The synthetic part of the speech training set: spoken sentences with exact phone times, and the face they make."""
