"""Signature of a report: Ed25519 over a DSSE envelope, version 1, as in-toto defines it.

The bytes that are signed, and the envelope, are those of https://github.com/secure-systems-lab/dsse (protocol.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_LARGEST_KEY = 1 << 16


def read_private_key(path: Path) -> Any:
    """Read an Ed25519 private key from a PEM file without a password.

    Raises
    ------
    InputError : there is no such file, it holds a key of another kind, or the package cryptography is missing
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _key(path, "load_pem_private_key", Ed25519PrivateKey, "private", {"password": None})


def read_public_key(path: Path) -> Any:
    """Read an Ed25519 public key from a PEM file. Raises are those of `read_private_key`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return _key(path, "load_pem_public_key", Ed25519PublicKey, "public", {})


def require_cryptography() -> None:
    """Refuse to go on where the package cryptography is missing.

    Raises
    ------
    InputError : it is
    """
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise InputError("signatures need the package cryptography: pip install 'anomsdk[audit]'") from None


def _key(path: Path, loader: str, kind: type, word: str, options: dict[str, None]) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    data = read_limited(path, _LARGEST_KEY, advice="give an Ed25519 key as PEM")
    try:
        key = getattr(serialization, loader)(data, **options)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, kind):
        raise InputError(
            f"{printable(path)}: is no Ed25519 {word} key in PEM without a password; make one with: "
            "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out public.pem"
        )
    return key


def signed(payload: bytes, key: Any) -> bytes:
    """Make a DSSE envelope of a payload, signed with an Ed25519 private key."""
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": key_id(key.public_key()),
                "sig": base64.b64encode(key.sign(_authenticated(payload))).decode(),
            }
        ],
    }
    return (json.dumps(envelope, indent=1, sort_keys=True) + "\n").encode()


def verified(envelope: bytes, payload: bytes, key: Any) -> None:
    """Check that an envelope holds a payload, and a signature of this key over it.

    Parameters
    ----------
    envelope : DSSE envelope as JSON
    payload : bytes that it must hold
    key : Ed25519 public key

    Raises
    ------
    InputError : the envelope is damaged, holds another payload, or was not signed with this key
    """
    from cryptography.exceptions import InvalidSignature

    try:
        tree = json.loads(envelope)
        kind, held = tree["payloadType"], base64.b64decode(tree["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in tree["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("the signature is damaged; get the report again from who signed it") from None
    if kind != PAYLOAD_TYPE or held != payload:
        raise InputError("the signature is of another report; get the report again from who signed it")
    for signature in signatures:
        try:
            key.verify(signature, _authenticated(payload))
        except InvalidSignature:
            continue
        return
    raise InputError(f"the report was not signed with this key ({key_id(key)}); ask who signed it for the public key")


def key_id(key: Any) -> str:
    """Name an Ed25519 public key: SHA-256 of its 32 bytes, as 64 hex digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _authenticated(payload: bytes) -> bytes:
    """Encode type and payload with their lengths, so that no other pair gives the same bytes (DSSE's PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
