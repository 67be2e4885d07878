"""Whether LINE sent it."""

import base64
import hashlib
import hmac


def sign(body: bytes, secret: str) -> str:
    """What LINE sends as X-Line-Signature."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    return hmac.compare_digest(sign(body, secret).encode(), signature.encode())
