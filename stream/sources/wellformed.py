"""Whether a document is well-formed XML, found out in one fast pass."""

from __future__ import annotations

from xml.parsers import expat


def is_well_formed(content: bytes) -> bool:
    """Whether `content` is XML without an error.

    Nothing outside the document is read, and expat itself stops at entities that multiply.
    """
    try:
        expat.ParserCreate().Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        # An encoding that Python doesn't know counts as an error too.
        return False
    return True
