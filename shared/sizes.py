"""Sizes in bytes, in the decimal units that people write."""

UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def in_largest_unit(count: float) -> tuple[float, str]:
    """Return bytes in the largest unit that they fill, with the unit; in kB what fills none."""
    filled = [unit for unit, one in UNITS.items() if abs(count) >= one]
    unit = filled[-1] if filled else "kB"
    return count / UNITS[unit], unit
