"""Client certificates: known by the SHA-256 of their DER, as they come in a file or in a proxy's header.

A proxy that ends TLS tells the node which certificate the client showed: in ``Client-Cert`` as RFC 9440 has it (``:base64 of the
DER:``), or as a percent-encoded PEM.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ruimte.clock import to_us
from ruimte.errors import RuimteError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")
_MOST_LETTERS = 32_768


@dataclass(frozen=True, slots=True)
class Certificate:
    """``fingerprint``: SHA-256 of the DER, 32 bytes; ``expires_us``: until when the certificate holds."""

    fingerprint: bytes
    expires_us: int


def read_certificate(octets: bytes, where: str) -> Certificate:
    """A certificate in PEM or DER. Raises ``RuimteError`` where it is none."""
    try:
        read = x509.load_pem_x509_certificate if octets.lstrip().startswith(b"-----") else x509.load_der_x509_certificate
        found = read(octets)
    except ValueError:
        raise RuimteError("is not a certificate", where, "give an X.509 certificate in PEM or DER") from None
    fingerprint = hashlib.sha256(found.public_bytes(Encoding.DER)).digest()
    return Certificate(fingerprint, to_us(found.not_valid_after_utc))


def fingerprint_in_header(value: str) -> bytes | None:
    """The fingerprint of the certificate that a proxy's header holds; None where it holds none that can be read."""
    if len(value) > _MOST_LETTERS:
        return None
    if value.startswith(":") and value.endswith(":"):
        body = value[1:-1]
    else:
        pem = _PEM.fullmatch(unquote(value, errors="replace"))
        if pem is None:
            return None
        body = "".join(pem[1].split())
    try:
        der = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    return hashlib.sha256(der).digest() if der else None
