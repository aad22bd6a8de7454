"""What can go wrong with a model or a release."""

from __future__ import annotations


class ModelError(Exception):
    """A failure, told to a person: which release, file or field, its value, and what to do about it."""


class UnusableDataError(ModelError):
    """A file that somebody gave can't be used; the text says why, where, and what to do."""

    exit_code = 2


class WrongSettingError(ModelError):
    """A setting, or the name of a thing, is wrong; the text names it, its value, and what it may be."""

    exit_code = 2


class UnknownReleaseError(ModelError):
    """The store has no release of that name and version; the text says what it has."""


class ManifestError(ModelError):
    """A release's manifest is missing or says something that cannot be."""


class ChecksumError(ModelError):
    """A file of a release is missing, cut short or not the one that its manifest names."""


class SignatureError(ModelError):
    """A release is not signed, or not by the key that is asked for."""


class StoreAwayError(ModelError):
    """A release store can't be reached, or refuses; what it holds is not known."""
