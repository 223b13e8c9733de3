"""Prints what securesystemslib makes of values and keys.

Reads one JSON value a line; prints its canonical form as hexadecimal digits. A line {"key": DIGITS} prints the id of
that Ed25519 key instead.
"""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import SSlibKey

for line in sys.stdin.buffer:
    value = json.loads(line)
    if isinstance(value, dict) and list(value) == ["key"]:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(value["key"]))
        print(SSlibKey.from_crypto(public).keyid)
    else:
        print(encode_canonical(value).encode("utf-8").hex())
