-- The mirror of a vPIC release: its tables under their own names, one row what one row is there. Run with the
-- search path on the fresh schema of a load, before its rows come; keys and indexes follow in indexes.sql.
--
-- Columns are those of the PostgreSQL release 2026_08. Two things differ: text has no length, so that a longer value
-- of a later release is no error, and pattern.keys_regex is left out, which only the release's own procedure reads.
-- Read by the compiler of the decoder, the dropdowns and the vehicle endpoints of the API.

-- Which release this schema holds: one row. Readers that keep something in memory compare it.
CREATE TABLE release (
    release_id bigint PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE wmi (
    id integer NOT NULL,
    wmi text NOT NULL,
    manufacturerid integer,
    makeid integer,
    vehicletypeid integer,
    createdon timestamp,
    updatedon timestamp,
    countryid integer,
    publicavailabilitydate timestamp,
    trucktypeid integer,
    processedon timestamp,
    noncompliant boolean DEFAULT false,
    noncompliantsetbyovsc boolean DEFAULT false
);
CREATE TABLE wmi_make (
    wmiid integer NOT NULL,
    makeid integer NOT NULL
);
CREATE TABLE wmi_vinschema (
    id integer NOT NULL,
    wmiid integer NOT NULL,
    vinschemaid integer NOT NULL,
    yearfrom integer NOT NULL,
    yearto integer,
    orgid integer
);
CREATE TABLE vinschema (
    id integer NOT NULL,
    name text NOT NULL,
    sourcewmi text,
    createdon timestamp,
    updatedon timestamp,
    tobeqced boolean
);
CREATE TABLE pattern (
    id integer NOT NULL,
    vinschemaid integer NOT NULL,
    keys text NOT NULL,
    elementid integer NOT NULL,
    attributeid text NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE element (
    id integer NOT NULL,
    name text NOT NULL,
    code text,
    lookuptable text,
    description text,
    isprivate boolean,
    groupname text,
    datatype text,
    minallowedvalue integer,
    maxallowedvalue integer,
    isqs boolean,
    decode text,
    weight integer
);
CREATE TABLE make (
    id integer NOT NULL,
    name text NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE model (
    id integer NOT NULL,
    name text NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE make_model (
    id integer NOT NULL,
    makeid integer NOT NULL,
    modelid integer NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE manufacturer (
    id integer NOT NULL,
    name text NOT NULL
);
CREATE TABLE vehicletype (
    id integer NOT NULL,
    name text NOT NULL,
    displayorder integer,
    formtype integer,
    description text,
    includeinequipplant boolean
);
CREATE TABLE enginemodel (
    id integer NOT NULL,
    name text NOT NULL,
    description text
);
CREATE TABLE enginemodelpattern (
    id integer NOT NULL,
    enginemodelid integer NOT NULL,
    elementid integer NOT NULL,
    attributeid text NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE conversion (
    id integer NOT NULL,
    fromelementid integer NOT NULL,
    toelementid integer NOT NULL,
    formula text NOT NULL
);
CREATE TABLE defaultvalue (
    id integer NOT NULL,
    elementid integer NOT NULL,
    vehicletypeid integer NOT NULL,
    defaultvalue text,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE errorcode (
    id integer NOT NULL,
    name text NOT NULL,
    additionalerrortext text,
    weight integer
);
CREATE TABLE vehiclespecschema (
    id integer NOT NULL,
    makeid integer NOT NULL,
    createdon timestamp NOT NULL,
    updatedon timestamp,
    vehicletypeid integer,
    sourcedate timestamp,
    tobeqced boolean
);
CREATE TABLE vehiclespecschema_model (
    id integer NOT NULL,
    vehiclespecschemaid integer NOT NULL,
    modelid integer NOT NULL
);
CREATE TABLE vehiclespecschema_year (
    id integer NOT NULL,
    vehiclespecschemaid integer NOT NULL,
    year integer NOT NULL
);
CREATE TABLE vspecschemapattern (
    id integer NOT NULL,
    schemaid integer NOT NULL
);
CREATE TABLE vehiclespecpattern (
    id integer NOT NULL,
    vspecschemapatternid integer NOT NULL,
    iskey boolean DEFAULT false NOT NULL,
    elementid integer NOT NULL,
    attributeid text NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE vindescriptor (
    id integer NOT NULL,
    descriptor text NOT NULL,
    modelyear integer NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE vinexception (
    id integer NOT NULL,
    vin text NOT NULL,
    checkdigit boolean DEFAULT false NOT NULL,
    createdon timestamp,
    updatedon timestamp
);
CREATE TABLE wmiyearvalidchars (
    id integer NOT NULL,
    wmi text NOT NULL,
    year integer NOT NULL,
    position integer,
    char text
);
CREATE TABLE wmiyearvalidchars_cacheexceptions (
    "WMI" text,         -- the one table whose columns have capitals; arrays in the PostgreSQL release, single
    "CreatedOn" text,   -- values in SQL Server; so far always empty
    "Id" integer
);
CREATE TABLE manufacturer_make (
    id integer NOT NULL,
    manufacturerid integer NOT NULL,
    makeid integer NOT NULL
);
CREATE TABLE country (
    id integer NOT NULL,
    name text NOT NULL,
    displayorder integer DEFAULT 999
);
CREATE TABLE grossvehicleweightrating (
    id integer NOT NULL,
    name text NOT NULL,
    sortorder integer,
    minrangeweight integer,
    maxrangeweight integer
);
CREATE TABLE decodingoutput (
    id integer NOT NULL,
    addedon timestamp NOT NULL,
    groupname text,
    variable text,
    value text,
    keys text,
    wmiid integer,
    patternid integer,
    vinschemaid integer,
    elementid integer,
    attributeid text,
    createdon timestamp,
    code text,
    datatype text,
    decode text,
    source text
);
CREATE TABLE defs_body (
    id smallint NOT NULL,
    def text,
    body_type text,
    from_year smallint DEFAULT 1994 NOT NULL,
    to_year smallint,
    mode smallint NOT NULL
);
CREATE TABLE defs_make (
    id smallint NOT NULL,
    def text,
    ncic_code text,
    make_type text,
    from_year smallint DEFAULT 1994 NOT NULL,
    to_year smallint,
    mode smallint NOT NULL
);
CREATE TABLE defs_model (
    make smallint NOT NULL,
    id smallint NOT NULL,
    def text,
    model_type text,
    includes text,
    from_year smallint DEFAULT 1994 NOT NULL,
    to_year smallint,
    mode smallint NOT NULL
);

-- Lookup tables: what the attribute ids of an element mean (element.lookuptable names the table).
CREATE TABLE abs (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE adaptivecruisecontrol (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE adaptivedrivingbeam (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE airbaglocations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE airbaglocfront (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE airbaglocknee (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE autobrake (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE automaticpedestrainalertingsound (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE autoreversesystem (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE axleconfiguration (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE batterytype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE bedtype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE blindspotintervention (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE blindspotmonitoring (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE bodycab (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE bodystyle (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE brakesystem (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE busfloorconfigtype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE bustype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE can_aacn (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE chargerlevel (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE combinedbrakingsystem (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE coolingtype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE custommotorcycletype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE daytimerunninglight (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE destinationmarket (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE drivetype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE dynamicbrakesupport (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE ecs (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE edr (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE electrificationlevel (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE engineconfiguration (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE entertainmentsystem (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE evdriveunit (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE forwardcollisionwarning (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE fueldeliverytype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE fueltankmaterial (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE fueltanktype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE fueltype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE keylessignition (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE lanecenteringassistance (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE lanedeparturewarning (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE lanekeepsystem (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE lowerbeamheadlamplightsource (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE motorcyclechassistype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE motorcyclesuspensiontype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE nonlanduse (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE parkassist (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE pedestrianautomaticemergencybraking (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE pretensioner (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE rearautomaticemergencybraking (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE rearcrosstrafficalert (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE rearvisibilitycamera (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE seatbeltsall (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE semiautomaticheadlampbeamswitching (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE steering (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE tpms (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE tractioncontrol (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE trailerbodytype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE trailertype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE transmission (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE turbo (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE valvetraindesign (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE wheelbasetype (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE wheeliemitigation (id integer PRIMARY KEY, name text NOT NULL);
