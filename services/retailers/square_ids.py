"""Numbers of the books as ids that look like Square's: capital letters and digits, in no visible order."""

from base64 import b32decode, b32encode

_SIZE = 1 << 64
_SALTS = {"order": 0x9E3779B97F4A7C15, "customer": 0xC2B2AE3D27D4EB4F, "variation": 0x165667B19E3779F9}


def to_id(kind: str, number: int) -> str:
    """Return the id of a numbered thing; the same number gives another id for each kind."""
    mixed = number * _SALTS[kind] % _SIZE
    return b32encode(mixed.to_bytes(8)).decode().rstrip("=") + kind[0].upper()


def to_number(kind: str, text: str) -> int | None:
    """Return the number behind an id, None when it cannot be one of ours."""
    if len(text) != 14 or text[-1] != kind[0].upper():
        return None
    try:
        mixed = int.from_bytes(b32decode(text[:-1] + "==="))
    except ValueError:
        return None
    number = mixed * pow(_SALTS[kind], -1, _SIZE) % _SIZE
    return number if number < _SIZE // 2 else None
