"""Which newstide this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("newstide")
except PackageNotFoundError:  # run from a folder that was never installed
    VERSION = "unknown"
