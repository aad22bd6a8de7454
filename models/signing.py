"""Who made a release: a signature over its manifest, with a key that maker and reader share."""

from __future__ import annotations

import hashlib
import hmac

from models.errors import SignatureError

_SCHEME = "hmac-sha256:"


def sign_manifest(data: bytes, key: bytes) -> str:
    """The signature of a manifest's bytes with `key`.

    Raises:
        SignatureError: if the key is empty.
    """
    if not key:
        raise SignatureError("the signing key is empty: give some bytes, best 32 random ones")
    return _SCHEME + hmac.new(key, data, hashlib.sha256).hexdigest()


def check_signature(data: bytes, signature: str | None, key: bytes, *, where: str) -> None:
    """Make sure that `signature` is that of `data`, which was read at `where`, with `key`.

    Raises:
        SignatureError: if it is missing or another one.
    """
    if signature is None:
        raise SignatureError(f"{where} is not signed, but a key is set: sign the release, or unset the key")
    if not hmac.compare_digest(sign_manifest(data, key).encode(), signature.encode()):
        raise SignatureError(
            f"{where} is not signed with the key that is set: use the key it was signed with"
        )
