"""The `newstide` command: one module for each command, put together in `root.py`.

Nothing heavy is imported until a command runs, so that `newstide --help` answers at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells expect it."""

PATH_OPTIONS = frozenset(
    (
        *(
            "--config",
            "-c",
            "--csv",
            "--data",
            "--data-dir",
            "--file",
            "--heldout",
            "--out",
            "--output",
            "-o",
        ),
        *("--profile", "--recipe", "--rules", "--start"),
    )
)
"""All options that take a file or a folder, of all commands."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 130 interrupted.

    A failure ends in one clear line on stderr; a traceback is shown only with `--debug`.
    """
    words = hoist(sys.argv[1:] if argv is None else argv)
    try:
        # To import takes a moment too, in which somebody may press Ctrl-C.
        from stream.cli.invocation import Invocation
        from stream.cli.root import build_command
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    invocation = Invocation()
    try:
        refuse_empty_paths(words)
        build_command().main(args=words, prog_name="newstide", obj=invocation)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # The outermost place: whatever is wrong leaves as one line.
        if invocation.debug:
            raise
        sys.exit(_last_words(error))
    sys.exit(0)


def hoist(words: Sequence[str]) -> list[str]:
    """`words` with the root flags that stand behind the command's name moved before it.

    `newstide up --bootstrap kafka:9092` is what people write. `--config` is left where it is: a command may
    have one of its own. What follows `--` is left alone.
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += [word, *waiting]
        elif name in _ROOT_FLAGS and rest:
            front.append(word)
            if not equals and name != "--debug":
                front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(word)
    return front + rest


def refuse_empty_paths(words: Sequence[str]) -> None:
    """Stop where an option that takes a file or a folder has an empty text, as an unset variable leaves.

    As a path it would be the folder that the command runs in, and be written to.

    Raises:
        UsageError: names the option.
    """
    from stream.errors import UsageError

    end = words.index("--") if "--" in words else len(words)
    for at, word in enumerate(words[:end]):
        name, equals, value = word.partition("=")
        empty = not value if equals else at + 1 < end and not words[at + 1]
        if name in PATH_OPTIONS and empty:
            raise UsageError(
                f"{name} is empty: give it a path, or leave it out ('.' is the folder you are in)"
            )


def _last_words(error: BaseException) -> int:
    """Print what went wrong and return the exit code."""
    from models.errors import ModelError
    from stream.errors import NewstideError

    while isinstance(error, BaseExceptionGroup):
        # A task group wraps what its tasks raised; the first is the cause of the others.
        error = error.exceptions[0]
    if isinstance(error, NewstideError | ModelError):
        text, code = str(error), getattr(error, "exit_code", 1)
    elif isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = error.filename or "the output"
        text, code = f"{where} can't be written: {error.strerror}: make room, or choose another place", 1
    else:
        said = " ".join(str(error).split())
        text = f"internal error: {type(error).__name__}: {said}; run with --debug for the traceback"
        code = 1
    from stream.logs import mask

    for line in mask(text).splitlines():
        sys.stderr.write(f"newstide: {line}\n")
    return int(code)


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_ROOT_FLAGS = frozenset({"--bootstrap", "--set", "--log-format", "--log-level", "--debug"})
