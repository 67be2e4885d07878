import os

# Read when grpc is imported. The search service forks to save its graphs, as its own __main__ says.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
