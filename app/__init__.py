"""Retrace: watch backpropagation happen in a real network, one true number at a time.

One BLAS thread, set before NumPy is imported anywhere: two are slower on a shared machine, and they
change the last digits of large networks, so that a step would not be reproducible.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
