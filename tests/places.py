"""Where the tests find what is beside them: the clone's root, the shipped weights, and the files kept for tests."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "weights"
DATA = ROOT / "tests" / "data"
