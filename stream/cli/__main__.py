"""`python -m stream.cli` is `newstide`."""

from __future__ import annotations

from stream.cli import main

main()
