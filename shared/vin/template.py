"""VINs that differ only in serial number and check digit share their answer: it is made once."""

from msgspec import Struct

from shared.vin.checkdigit import check_digit, first_serial_digit
from shared.vin.corrections import legal
from shared.vin.manufacturer import Manufacturer
from shared.vin.passes import Pass


class Template(Struct, gc=False):
    """Answers for VINs of one descriptor: with the right check digit, and with a wrong one."""

    maker: Manufacturer
    limit: int  # the latest model year when it was made
    right: Pass | None = None
    wrong: Pass | None = None

    def find(self, vin: str, limit: int, now: int) -> Pass | None:
        """Return the answer for a VIN of 17 characters, None when it must be decoded."""
        maker = self.maker
        if limit != self.limit or not maker.is_published(now) or vin in maker.exceptions:
            return None
        first_digit = first_serial_digit(vin, maker.is_light)
        if not legal(first_digit).fullmatch(vin):
            return None
        return self.right if vin[8] == check_digit(vin, first_digit) else self.wrong

    def keep(self, vin: str, found: Pass) -> None:
        """Keep an answer."""
        if vin[8] == check_digit(vin, first_serial_digit(vin, self.maker.is_light)):
            self.right = found
        else:
            self.wrong = found


def template_key(vin: str, asked: int | None) -> tuple[str, int | None]:
    """Return what VINs of one template have in common."""
    head = vin[:8] + vin[9:11]
    return (head + vin[11:14] if vin[2] == "9" else head), asked


def may_share(vin: str, passes: list[Pass]) -> bool:
    """Tell whether the answer holds for all VINs of the descriptor that have no character wrong."""
    return len(vin) == 17 and all(
        found.is_plain and found.cell is not None and found.cell.is_shallow for found in passes
    )
