"""What every service is built from."""

import os

# onnxruntime reports to its makers what it runs, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
