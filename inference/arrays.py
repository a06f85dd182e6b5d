"""Types of arrays by what their numbers are; their shapes, units and axes stand in docstrings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
