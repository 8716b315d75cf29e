"""What an attribute means: names from the lookup tables, and the ranks of the output's groups."""

# element -> the table whose row of that id gives the value; element.lookuptable is not what the original uses
LOOKUPS = {
    2: "batterytype", 3: "bedtype", 4: "bodycab", 5: "bodystyle", 10: "destinationmarket", 15: "drivetype",
    23: "entertainmentsystem", 24: "fueltype", 66: "fueltype", 25: "grossvehicleweightrating",
    184: "grossvehicleweightrating", 185: "grossvehicleweightrating", 190: "grossvehicleweightrating",
    26: "make", 27: "manufacturer", 28: "model", 36: "steering", 37: "transmission", 39: "vehicletype",
    42: "brakesystem", 55: "airbaglocations", 56: "airbaglocations", 107: "airbaglocations",
    60: "wheelbasetype", 62: "valvetraindesign", 64: "engineconfiguration", 65: "airbaglocfront",
    67: "fueldeliverytype", 69: "airbaglocknee", 72: "evdriveunit", 75: "country", 78: "pretensioner",
    79: "seatbeltsall", 81: "adaptivecruisecontrol", 86: "abs", 87: "autobrake", 88: "blindspotmonitoring",
    96: "vncsabodytype", 97: "vncsamake", 98: "vncsamodel", 99: "ecs", 100: "tractioncontrol",
    101: "forwardcollisionwarning", 102: "lanedeparturewarning", 103: "lanekeepsystem",
    104: "rearvisibilitycamera", 105: "parkassist", 116: "trailertype", 117: "trailerbodytype",
    122: "coolingtype", 126: "electrificationlevel", 127: "chargerlevel", 135: "turbo", 143: "errorcode",
    145: "axleconfiguration", 148: "busfloorconfigtype", 149: "bustype", 151: "custommotorcycletype",
    152: "motorcyclesuspensiontype", 153: "motorcyclechassistype", 168: "tpms", 170: "dynamicbrakesupport",
    171: "pedestrianautomaticemergencybraking", 172: "autoreversesystem",
    173: "automaticpedestrainalertingsound", 174: "can_aacn", 175: "edr", 176: "keylessignition",
    177: "daytimerunninglight", 178: "lowerbeamheadlamplightsource",
    179: "semiautomaticheadlampbeamswitching", 180: "adaptivedrivingbeam", 183: "rearcrosstrafficalert",
    192: "rearautomaticemergencybraking", 193: "blindspotintervention", 194: "lanecenteringassistance",
    195: "nonlanduse", 200: "fueltanktype", 201: "fueltankmaterial", 202: "combinedbrakingsystem",
    203: "wheeliemitigation",
}  # fmt: skip

_SAFETY = "Active Safety System"
# exact texts of the original; the releases write most groups without blanks at the slash, and those miss
_RANKED = (
    "General", "Exterior / Body", "Exterior / Dimension", "Exterior / Truck", "Exterior / Trailer",
    "Exterior / Wheel tire", "Exterior / Motorcycle", "Exterior / Bus", "Interior", "Interior / Seat",
    "Mechanical / Transmission", "Mechanical / Drivetrain", "Mechanical / Brake", "Mechanical / Battery",
    "Mechanical / Battery / Charger", "Engine", "Passive Safety System",
    "Passive Safety System / Air Bag Location", _SAFETY, f"{_SAFETY} / Maintaining Safe Distance",
    f"{_SAFETY} / Forward Collision Prevention", f"{_SAFETY} / Lane and Side Assist",
    f"{_SAFETY} / Backing Up and Parking", f"{_SAFETY} / 911 Notification",
    f"{_SAFETY} / Lighting Technologies", "Internal",
)  # fmt: skip
_RANKS = {name: number for number, name in enumerate(_RANKED, start=1)}
_BLANKS = str.maketrans("\t\r\n", "   ")


def group_rank(group: str | None) -> int:
    """Return where a group stands in the output."""
    return _RANKS.get(group, 99) if group else 0


def clean(text: str | None) -> str | None:
    """Make a blank of every tab and line end."""
    return text if not text or text.isprintable() else text.translate(_BLANKS)
