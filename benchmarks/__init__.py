import os

# Read when numpy is imported. A thread of ours for each CPU is what is measured, not several of OpenBLAS's for each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
