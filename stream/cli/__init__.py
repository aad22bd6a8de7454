"""The `newstide` command: one module for each command, put together in `root.py`.

Nothing heavy is imported until a command runs, so that `newstide --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from stream.cli.invocation import INTERRUPTED, Invocation


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 130 interrupted.

    A failure ends in one clear line on stderr; a traceback is shown only with `--debug`.
    """
    from stream.cli.root import build_command

    invocation = Invocation()
    try:
        build_command().main(args=argv, prog_name="newstide", obj=invocation)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # The outermost place: whatever is wrong leaves as one line.
        if invocation.debug:
            raise
        sys.exit(_last_words(error))
    sys.exit(0)


def _last_words(error: BaseException) -> int:
    """Print what went wrong and return the exit code."""
    from models.errors import ModelError
    from stream.errors import NewstideError

    while isinstance(error, BaseExceptionGroup):
        # A task group wraps what its tasks raised; the first is the cause of the others.
        error = error.exceptions[0]
    if isinstance(error, NewstideError | ModelError):
        text, code = str(error), getattr(error, "exit_code", 1)
    else:
        said = " ".join(str(error).split())
        text = f"internal error: {type(error).__name__}: {said}; run with --debug for the traceback"
        code = 1
    for line in text.splitlines():
        sys.stderr.write(f"newstide: {line}\n")
    return int(code)
