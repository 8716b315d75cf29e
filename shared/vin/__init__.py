"""The VIN decoder: what NHTSA's procedure vpic.spvindecode answers, from a release compiled by us."""

from shared.vin.decoded import Decoded, VinError
from shared.vin.decoder import Decoder

__all__ = ["Decoded", "Decoder", "VinError"]
