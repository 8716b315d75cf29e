"""An object of the archive as JSON text: zlib, gzip or plain, by its first bytes and not by its name."""

import zlib
from dataclasses import dataclass, field

from shared.errors import DataError

MAX_BYTES = 128 * 1024 * 1024  # its events take three to four times that in memory
_BOM = b"\xef\xbb\xbf"


@dataclass
class Unpacked:
    """JSON as UTF-8, how it was packed, and what was odd: (kind, what, raw value)."""

    data: bytes
    format: str
    oddities: list[tuple[str, str, str]] = field(default_factory=list)


def unpack(body: bytes, limit: int = MAX_BYTES) -> Unpacked:
    """Unpack an object; never more than `limit` bytes of it, whatever it claims.

    Raises:
        DataError: it is empty, cut off, damaged, larger than the limit, or nothing we know.
    """
    if not body:
        raise DataError("the object has 0 bytes")
    plain = body.removeprefix(_BOM).lstrip(b" \t\r\n")
    if plain[:1] in (b"{", b"["):
        return Unpacked(plain, "plain")
    if body[:2] == b"\x1f\x8b":
        return _inflate(body, 31, "gzip", limit)
    if body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0:
        return _inflate(body, 15, "zlib", limit)
    raise DataError(f"neither zlib, gzip nor JSON: it begins with {body[:8].hex(' ')}")


def _inflate(body: bytes, window: int, kind: str, limit: int) -> Unpacked:
    out, rest = [], body
    size = 0
    while True:  # gzip may have several members, one after the other
        stream = zlib.decompressobj(window)
        try:
            part = stream.decompress(rest, limit - size + 1)
        except zlib.error as exc:
            if not out:
                raise DataError(f"damaged {kind}: {exc}") from exc
            break
        size += len(part)
        if size > limit:
            raise DataError(f"it unpacks to more than {limit >> 20} MiB")
        if not stream.eof:
            raise DataError(f"the {kind} stream is cut off after {size} bytes of JSON")
        out.append(part)
        rest = stream.unused_data
        if kind != "gzip" or rest[:2] != b"\x1f\x8b":
            break
    data = b"".join(out) if len(out) > 1 else out[0]
    unpacked = Unpacked(data.removeprefix(_BOM), kind)
    if rest:
        unpacked.oddities.append(
            ("TRAILING_BYTES", f"{len(rest)} bytes follow the {kind} stream; they were left out", "")
        )
    return unpacked
