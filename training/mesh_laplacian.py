"""The uniform Laplacian of a head's mesh."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from ..inference.head import Head


def laplacian(head: Head) -> scipy.sparse.csr_matrix:
    """The mesh's uniform Laplacian (V, V): each vertex less the mean of its neighbours."""
    a, b = head.edges.T
    count = len(head.vertices)
    near = scipy.sparse.coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)
    return scipy.sparse.csr_matrix(scipy.sparse.eye(count) - scipy.sparse.diags(1 / degree) @ near)
