"""Offline jobs that make releases: export, quantise, check, compare, promote."""

import models  # noqa: F401 - keeps ONNX Runtime from telling its makers what it runs, before it is imported
