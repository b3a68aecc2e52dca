"""The words of which the cases are made: names, literals and valid bodies of SensorThings."""

from __future__ import annotations

from typing import Any

SETS = [
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "MultiDatastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
]
SINGLES = ["Thing", "Datastream", "MultiDatastream", "Sensor", "ObservedProperty", "FeatureOfInterest"]
LINKS = {
    "Things": ["Locations", "HistoricalLocations", "Datastreams", "MultiDatastreams"],
    "Locations": ["Things", "HistoricalLocations"],
    "HistoricalLocations": ["Thing", "Locations"],
    "Datastreams": ["Thing", "Sensor", "ObservedProperty", "Observations"],
    "MultiDatastreams": ["Thing", "Sensor", "ObservedProperties", "Observations"],
    "Sensors": ["Datastreams", "MultiDatastreams"],
    "ObservedProperties": ["Datastreams", "MultiDatastreams"],
    "Observations": ["Datastream", "MultiDatastream", "FeatureOfInterest"],
    "FeaturesOfInterest": ["Observations"],
}
"""Where each set leads to."""
PROPERTIES = [
    "id",
    "name",
    "description",
    "properties",
    "properties/a/b",
    "location",
    "feature",
    "result",
    "result[0]",
    "parameters/x",
    "phenomenonTime",
    "resultTime",
    "validTime",
    "time",
    "unitOfMeasurement/name",
    "observationType",
    "Thing/name",
    "Datastreams/Observations/result",
    "Datastream/Thing/Locations/location",
    "@iot.id",
    "colour",
]
OPERATORS = ["eq", "ne", "gt", "ge", "lt", "le", "and", "or", "add", "sub", "mul", "div", "mod", "in", "has"]
FUNCTIONS = [
    "substringof",
    "endswith",
    "startswith",
    "length",
    "indexof",
    "substring",
    "tolower",
    "toupper",
    "trim",
    "concat",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "fractionalseconds",
    "date",
    "time",
    "totaloffsetminutes",
    "now",
    "mindatetime",
    "maxdatetime",
    "round",
    "floor",
    "ceiling",
    "geo.distance",
    "geo.length",
    "geo.intersects",
    "st_equals",
    "st_disjoint",
    "st_touches",
    "st_within",
    "st_overlaps",
    "st_crosses",
    "st_intersects",
    "st_contains",
    "st_relate",
    "any",
    "unknown",
]
LITERALS = [
    "'text'",
    "'it''s'",
    "''",
    "'%_\\'",
    "0",
    "-1",
    "1e400",
    "1e-5",
    "9223372036854775808",
    "99999999999999999999999999",
    "2.5",
    "true",
    "null",
    "2026-01-01T00:00:00Z",
    "2026-13-45T99:00:00Z",
    "2026-01-01T00:00:00+01:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
    "2026-01-01",
    "duration'PT1H'",
    "duration'P9999999999D'",
    "geography'POINT (4 52)'",
    "geography'POLYGON ((0 0, 1 1, 0 1, 0 0))'",
    "geography'POLYGON ((0 0, 1 1))'",
    "geography'nonsense'",
    "geography'POINT (nan inf)'",
    "'T*F**FFF*'",
    "'",
    "''''''",
]

TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z", "2026-01-01T01:00:00+02:00"]
EDGES = [
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z/9999-12-31T23:59:59Z",
    "1969-12-31T23:59:59.999999Z",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-W01-1T00:00:00Z",
    "2026-01-01T00:00:00+25:00",
    "2026-01-01T00:00:00.123456789Z",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "/",
    "..",
]
"""Times where something may go wrong."""
POINT = {"type": "Point", "coordinates": [4.9, 52.4]}
NAMED = {"name": "n", "description": "d"}
PLACE = NAMED | {"encodingType": "application/geo+json", "location": POINT}
FEATURE = NAMED | {"encodingType": "application/vnd.geo+json", "feature": POINT}
SENSOR = NAMED | {"encodingType": "text/plain", "metadata": "m"}
OBSERVED = NAMED | {"definition": "https://example.org/d"}
STREAM = NAMED | {
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
    "unitOfMeasurement": {"name": "n", "symbol": "s", "definition": "d"},
}
OBSERVATION = {"phenomenonTime": TIMES[0], "result": 1, "parameters": {"a": 1}, "resultQuality": "good"}
WHOLE_STREAM = STREAM | {
    "Sensor": SENSOR,
    "ObservedProperty": OBSERVED,
    "Thing": NAMED | {"Locations": [PLACE]},
    "Observations": [OBSERVATION],
}
MULTI = NAMED | {
    "multiObservationDataTypes": [STREAM["observationType"]] * 2,
    "unitOfMeasurements": [STREAM["unitOfMeasurement"]] * 2,
    "Sensor": SENSOR,
    "ObservedProperties": [OBSERVED, OBSERVED],
    "Thing": NAMED | {"Locations": [PLACE]},
}
BODIES: dict[str, Any] = {
    "Things": NAMED
    | {
        "properties": {"a": {"b": 1}},
        "Locations": [PLACE],
        "Datastreams": [STREAM | {"Sensor": SENSOR, "ObservedProperty": OBSERVED}],
    },
    "Locations": PLACE | {"Things": [NAMED]},
    "HistoricalLocations": {"time": TIMES[0], "Thing": NAMED, "Locations": [PLACE]},
    "Datastreams": WHOLE_STREAM,
    "MultiDatastreams": MULTI,
    "Sensors": SENSOR,
    "ObservedProperties": OBSERVED,
    "Observations": OBSERVATION | {"Datastream": WHOLE_STREAM, "FeatureOfInterest": FEATURE},
    "FeaturesOfInterest": FEATURE,
    "Things({id})/Datastreams": STREAM | {"Sensor": SENSOR, "ObservedProperty": OBSERVED},
    "Things({id})/Locations": PLACE,
    "Datastreams({id})/Observations": OBSERVATION | {"validTime": TIMES[1], "resultTime": TIMES[2]},
    "MultiDatastreams({id})/Observations": OBSERVATION | {"result": [1, 2]},
    "CreateObservations": [
        {
            "Datastream": {"@iot.id": "{id}"},
            "components": ["phenomenonTime", "result"],
            "dataArray": [[TIMES[0], 1], [TIMES[1], 2]],
        }
    ],
    "$batch": {
        "requests": [
            {"id": "1", "method": "post", "url": "Things", "body": NAMED, "atomicityGroup": "g"},
            {"id": "2", "method": "get", "url": "Things?$top=1"},
        ]
    },
}
PLAIN: dict[str, dict[str, Any]] = {
    "Things": NAMED | {"properties": {"a": {"b": 1}}},
    "Locations": PLACE,
    "HistoricalLocations": {"time": TIMES[0]},
    "Datastreams": STREAM,
    "Sensors": SENSOR,
    "ObservedProperties": OBSERVED,
    "Observations": OBSERVATION | {"validTime": TIMES[1], "resultTime": TIMES[2]},
    "FeaturesOfInterest": FEATURE,
}
"""Bodies without links, for changes."""
MULTIPART = (
    b"--b\r\nContent-Type: application/http\r\n\r\nGET Things?$top=1 HTTP/1.1\r\n\r\n\r\n"
    b"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
    b'POST Things HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"name":"n","description":"d"}\r\n--c--\r\n--b--\r\n'
)
