"""Speech to face as it is heard, in a process of its own. Imports engine, formats, audio, head, contracts."""
