"""Messages to browsers: encryption (RFC 8291 over RFC 8188) and the node's introduction to a push service (RFC 8292)."""

from __future__ import annotations

import base64
import os
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

LARGEST = 3993
"""Bytes of the largest text: every push service takes 4096 of ciphertext (RFC 8030, 7.2)."""

_RECORD = 4096
_VALID_S = 12 * 3600


def encrypt(
    text: bytes, public: str, secret: str, *, salt: bytes | None = None, own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a push message that only one browser can read.

    ``public`` and ``secret`` are the browser's ``p256dh`` and ``auth``, in base64url. ``salt`` and ``own`` are drawn anew for
    each message; only a test gives them. Raises ``ValueError`` for keys that are none, or a text longer than ``LARGEST`` bytes.
    """
    if len(text) > LARGEST:
        raise ValueError(f"longer than {LARGEST} bytes")
    theirs_bytes, auth = decode(public), decode(secret)
    if len(auth) != 16:
        raise ValueError("the secret has not 16 bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs_bytes)
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = os.urandom(16) if salt is None else salt
    ours_bytes = public_bytes(own)
    shared = own.exchange(ec.ECDH(), theirs)
    key_material = _derive(shared, auth, b"WebPush: info\0" + theirs_bytes + ours_bytes, 32)
    key = _derive(key_material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(key_material, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD.to_bytes(4) + bytes([len(ours_bytes)]) + ours_bytes
    return header + AESGCM(key).encrypt(nonce, text + b"\x02", None)  # 2 ends the last record


def introduction(endpoint: str, contact: str, key: ec.EllipticCurvePrivateKey, now_s: int) -> str:
    """The value of ``Authorization`` for the push service of an endpoint: who sends, and how to reach them."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + _VALID_S, "sub": contact}
    token = jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(key), algorithms=["ES256"])
    return f"vapid t={token}, k={encode(public_bytes(key))}"


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as an uncompressed point, 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def check(public: str, secret: str) -> None:
    """Raise ``ValueError`` where the keys of a subscription are none."""
    if len(decode(secret)) != 16:
        raise ValueError("the secret has not 16 bytes")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(public))


def encode(octets: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Bytes of base64url without padding. Raises ``ValueError`` where it is none."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)
