"""The VIN decoder: NHTSA's answers from a release compiled by us. `docs/vin.md` tells its rules."""

from shared.vin.decoded import Decoded, VinError
from shared.vin.decoder import Decoder

__all__ = ["Decoded", "Decoder", "VinError"]
