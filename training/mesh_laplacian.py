"""The uniform Laplacian of a mesh."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..inference.head.canonical import Head


def laplacian(head: Head) -> scipy.sparse.csr_matrix:
    """The head's, (V, V)."""
    return laplacian_of(head.edges, len(head.vertices))


def laplacian_of(edges: NDArray[np.integer], count: int) -> scipy.sparse.csr_matrix:
    """(count, count) of a mesh with edges (n, 2), each once: each vertex less the mean of its neighbours."""
    a, b = edges.T
    near = scipy.sparse.coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)
    return scipy.sparse.csr_matrix(scipy.sparse.eye(count) - scipy.sparse.diags(1 / degree) @ near)
