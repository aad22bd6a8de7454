"""What a model is: its tasks, its releases, and how it scores. Knows nothing of Kafka."""

import os

# From 1.29 on ONNX Runtime tells its makers of each process and each model that it loads, unless this was set
# before it is first imported. Who watches which news is nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
