"""SensorThings entities as a client writes them, and a store to write them to without a network."""

from __future__ import annotations

import msgspec
import pytest

from ruimte.sta.errors import StaError
from ruimte.sta.path import parse_path
from ruimte.store.sta import write

NOW_US = 1_777_298_400_000_000
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"


def point(east, north):
    return {"type": "Point", "coordinates": [east, north]}


def named(name, **more):
    return {"name": name, "description": f"the {name}"} | more


def location(name="square", east=4.0, north=52.0, **more):
    return named(name, encodingType="application/vnd.geo+json", location=point(east, north)) | more


def feature(name="crowd", east=5.0, north=53.0):
    return named(name, encodingType="application/geo+json", feature=point(east, north))


def sensor(**more):
    return named("camera", encodingType="application/pdf", metadata="http://example.org/camera.pdf", **more)


def observed(name="count"):
    return named(name, definition=f"http://example.org/{name}")


def datastream(**more):
    unit = {"name": "person", "symbol": "1", "definition": "http://example.org/person"}
    plain = named("flow", observationType=OM + "OM_CountObservation", unitOfMeasurement=unit)
    return plain | {"Sensor": sensor(), "ObservedProperty": observed()} | more


def multi(*names, **more):
    lists = {
        "multiObservationDataTypes": [OM + "OM_Measurement"] * len(names),
        "unitOfMeasurements": [{"name": name} for name in names],
        "ObservedProperties": [observed(name) for name in names],
    }
    return named("flows", Sensor=sensor()) | lists | more


def thing(**more):
    return named("pole") | more


class Written:
    """A store and what is done to it, a second after each other."""

    def __init__(self, store):
        self.store = store
        self.now_us = NOW_US

    def run(self, function, path, *rest, **more):
        self.now_us += 1_000_000
        now_us, path = self.now_us, parse_path(path)
        if function in (write.delete, write.unlink):
            return self.store.write(lambda c: function(c, path, now_us, *rest, **more)).result()
        return self.store.write(lambda c: function(c, path, *rest, now_us, **more)).result()

    def create(self, path, body):
        return self.run(write.create, path, body)

    def patch(self, path, body):
        return self.run(write.update, path, body, replace=False)

    def put(self, path, body):
        return self.run(write.update, path, body, replace=True)

    def json_patch(self, path, operations):
        return self.run(write.json_patch, path, operations)

    def delete(self, path):
        return self.run(write.delete, path)

    def link(self, path, body):
        return self.run(write.link, path, body)

    def unlink(self, path, *body):
        return self.run(write.unlink, path, *body)

    def all(self, query, *values):
        return self.store.read(lambda c: c.execute(query, values).fetchall())

    def one(self, query, *values):
        (row,) = self.all(query, *values)
        return row[0] if len(row) == 1 else row

    def counts(self):
        tables = ("things", "locations", "historical_locations", "sensors", "observed_properties", "features", "datastreams")
        return {table: self.one(f"SELECT count(*) FROM {table}") for table in (*tables, "current_observations")}

    def places(self, thing=1):
        return [row[0] for row in self.all("SELECT location_id FROM things_locations WHERE thing_id = ?", thing)]

    def history(self, thing=1):
        """Times and Locations of a Thing, oldest first."""
        return self.all(
            "SELECT h.time_us, group_concat(l.location_id) FROM historical_locations h JOIN historical_locations_locations l"
            " ON l.historical_location_id = h.id WHERE thing_id = ? GROUP BY h.id ORDER BY 1",
            thing,
        )

    def spans(self, stream=1):
        """Times of a datastream in seconds."""
        row = self.one(
            "SELECT first_start_us, last_end_us, first_result_us, last_result_us FROM datastreams WHERE id = ?", stream
        )
        return [None if each is None else each // 1_000_000 for each in row]

    def area(self, stream=1):
        text = self.one("SELECT observed_area FROM datastreams WHERE id = ?", stream)
        return None if text is None else msgspec.json.decode(text)

    def observation(self, id_=1):
        """Stream, feature and result of an observation."""
        return self.one(
            "SELECT o.datastream_id, coalesce(o.feature_id, d.feature_id), coalesce(o.result_json, o.result)"
            " FROM current_observations o JOIN datastreams d ON d.id = o.datastream_id WHERE coalesce(o.first, o.id) = ?",
            id_,
        )


def at(seconds):
    return f"1970-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z"


def refused(status, function, *arguments):
    with pytest.raises(StaError) as caught:
        function(*arguments)
    assert caught.value.status == status, str(caught.value)
    return str(caught.value)
