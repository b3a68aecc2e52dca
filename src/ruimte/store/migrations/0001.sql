-- SensorThings-shaped from the first day. Times are UTC microseconds; intervals are half-open [start_us, end_us).
-- AUTOINCREMENT: the id of an entity that was deleted is never given to another.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE things (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  key         TEXT UNIQUE,
  name        TEXT NOT NULL,
  description TEXT NOT NULL,
  properties  TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE locations (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  key           TEXT UNIQUE,
  name          TEXT NOT NULL,
  description   TEXT NOT NULL,
  encoding_type TEXT NOT NULL,
  location      TEXT NOT NULL,
  properties    TEXT NOT NULL DEFAULT '{}'
);

-- Where a Thing is now.
CREATE TABLE things_locations (
  thing_id    INTEGER NOT NULL REFERENCES things (id) ON DELETE CASCADE,
  location_id INTEGER NOT NULL REFERENCES locations (id) ON DELETE CASCADE,
  PRIMARY KEY (thing_id, location_id)
) WITHOUT ROWID;
CREATE INDEX things_locations_back ON things_locations (location_id);

CREATE TABLE historical_locations (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  thing_id INTEGER NOT NULL REFERENCES things (id) ON DELETE CASCADE,
  time_us  INTEGER NOT NULL
);
CREATE INDEX historical_locations_by_thing ON historical_locations (thing_id, time_us);

CREATE TABLE historical_locations_locations (
  historical_location_id INTEGER NOT NULL REFERENCES historical_locations (id) ON DELETE CASCADE,
  location_id            INTEGER NOT NULL REFERENCES locations (id) ON DELETE CASCADE,
  PRIMARY KEY (historical_location_id, location_id)
) WITHOUT ROWID;
CREATE INDEX historical_locations_locations_back ON historical_locations_locations (location_id);

CREATE TABLE sensors (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  key           TEXT UNIQUE,
  name          TEXT NOT NULL,
  description   TEXT NOT NULL,
  encoding_type TEXT NOT NULL,
  metadata      TEXT NOT NULL, -- JSON
  properties    TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE observed_properties (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  key         TEXT UNIQUE,
  name        TEXT NOT NULL,
  definition  TEXT NOT NULL,
  description TEXT NOT NULL,
  properties  TEXT NOT NULL DEFAULT '{}'
);

-- location_id: the Location that it was made from, so that it is made once.
CREATE TABLE features (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  key           TEXT UNIQUE,
  name          TEXT NOT NULL,
  description   TEXT NOT NULL,
  encoding_type TEXT NOT NULL,
  feature       TEXT NOT NULL,
  properties    TEXT NOT NULL DEFAULT '{}',
  location_id   INTEGER REFERENCES locations (id) ON DELETE SET NULL
);
CREATE INDEX features_by_location ON features (location_id) WHERE location_id IS NOT NULL;

-- As in SensorThings 2.0 one table holds what 1.1 calls Datastream and MultiDatastream: the latter's result_type (SWE Common) is a
-- DataRecord (multi = 1). feature_id is the feature of all observations that name none. The times are the extent of the
-- observations, kept up once a batch; observed_area likewise (GeoJSON).
CREATE TABLE datastreams (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  key             TEXT UNIQUE,
  multi           INTEGER NOT NULL DEFAULT 0,
  thing_id        INTEGER NOT NULL REFERENCES things (id),
  sensor_id       INTEGER NOT NULL REFERENCES sensors (id),
  feature_id      INTEGER REFERENCES features (id) ON DELETE SET NULL,
  name            TEXT NOT NULL,
  description     TEXT NOT NULL,
  result_type     TEXT NOT NULL,
  properties      TEXT NOT NULL DEFAULT '{}',
  observed_area   TEXT,
  first_start_us  INTEGER,
  last_end_us     INTEGER,
  first_result_us INTEGER,
  last_result_us  INTEGER
);
CREATE INDEX datastreams_by_thing ON datastreams (thing_id);
CREATE INDEX datastreams_by_sensor ON datastreams (sensor_id);
CREATE INDEX datastreams_by_feature ON datastreams (feature_id);

-- What a datastream observes: one property, or those of a DataRecord in its order.
CREATE TABLE datastreams_properties (
  datastream_id        INTEGER NOT NULL REFERENCES datastreams (id) ON DELETE CASCADE,
  position             INTEGER NOT NULL,
  observed_property_id INTEGER NOT NULL REFERENCES observed_properties (id),
  PRIMARY KEY (datastream_id, position)
) WITHOUT ROWID;
CREATE INDEX datastreams_properties_back ON datastreams_properties (observed_property_id);

-- Append-only. A changed result is a new row that revises the old one; a withdrawal is a tombstone (flag 8).
-- No uniqueness on times: the standard allows equal ones. An instant has start_us = end_us.
-- first: the first row of a chain of revisions (NULL in that row itself); its id is what the outside knows the observation by.
-- result holds a number, result_json everything else. feature_id: NULL where it is the datastream's. extra: JSON with parameters and
-- resultQuality.
CREATE TABLE observations (
  id              INTEGER PRIMARY KEY,
  datastream_id   INTEGER NOT NULL,
  start_us        INTEGER NOT NULL,
  end_us          INTEGER NOT NULL,
  received_us     INTEGER NOT NULL,
  result          REAL,
  flags           INTEGER NOT NULL DEFAULT 0,
  revises         INTEGER,
  first           INTEGER,
  result_json     TEXT,
  feature_id      INTEGER,
  result_us       INTEGER,
  valid_start_us  INTEGER,
  valid_end_us    INTEGER,
  extra           TEXT
);
CREATE INDEX observations_by_stream ON observations (datastream_id, start_us);
CREATE INDEX observations_by_receipt ON observations (received_us);
CREATE INDEX observations_by_feature ON observations (feature_id) WHERE feature_id IS NOT NULL;
CREATE INDEX observations_by_first ON observations (first) WHERE first IS NOT NULL;
CREATE UNIQUE INDEX observations_revised ON observations (revises) WHERE revises IS NOT NULL;

CREATE VIEW current_observations AS
  SELECT * FROM observations o
  WHERE o.flags & 8 = 0 AND NOT EXISTS (SELECT 1 FROM observations r WHERE r.revises = o.id);

CREATE TABLE places (
  id  INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
);

CREATE TABLE algorithms (
  id      INTEGER PRIMARY KEY,
  key     TEXT NOT NULL,
  version TEXT NOT NULL,
  UNIQUE (key, version)
);

-- A later row for the same place and end is a revision of the earlier: the highest id counts.
CREATE TABLE states (
  id           INTEGER PRIMARY KEY,
  place_id     INTEGER NOT NULL REFERENCES places (id),
  start_us     INTEGER NOT NULL,
  end_us       INTEGER NOT NULL,
  algorithm_id INTEGER NOT NULL REFERENCES algorithms (id),
  mean REAL, sd REAL, q05 REAL, q50 REAL, q95 REAL,
  inflow REAL, outflow REAL, observed REAL NOT NULL, age_us INTEGER NOT NULL
);
CREATE INDEX states_by_place ON states (place_id, end_us);
CREATE INDEX states_by_end ON states (end_us);

-- quantiles: little-endian float32, shape (horizons, 19); horizon k is valid at first_us + k * step_us.
CREATE TABLE forecasts (
  id           INTEGER PRIMARY KEY,
  place_id     INTEGER NOT NULL REFERENCES places (id),
  issued_us    INTEGER NOT NULL,
  algorithm_id INTEGER NOT NULL REFERENCES algorithms (id),
  first_us     INTEGER NOT NULL,
  step_us      INTEGER NOT NULL,
  quantiles    BLOB NOT NULL
);
CREATE INDEX forecasts_by_place ON forecasts (place_id, issued_us);

-- Every step of a warning's life is a row of its own: the highest revision counts, earlier ones tell how it stood then.
CREATE TABLE warnings (
  id       INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  at_us    INTEGER NOT NULL,
  phase    TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (id, revision)
) WITHOUT ROWID;

CREATE TABLE logbook (
  id         INTEGER PRIMARY KEY,
  lab_us     INTEGER NOT NULL,
  wall_us    INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  place      TEXT,
  warning_id INTEGER,
  who        TEXT NOT NULL,
  body       TEXT NOT NULL
);
CREATE TRIGGER logbook_stays_replaced BEFORE INSERT ON logbook WHEN EXISTS (SELECT 1 FROM logbook WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'the logbook is append-only'); END;
CREATE TRIGGER logbook_stays_updated BEFORE UPDATE ON logbook
  BEGIN SELECT RAISE(ABORT, 'the logbook is append-only'); END;
CREATE TRIGGER logbook_stays_deleted BEFORE DELETE ON logbook
  BEGIN SELECT RAISE(ABORT, 'the logbook is append-only'); END;

-- The state of the estimators, by shard, and of the other stations, by name; replaced in the transaction that made it.
-- log_id: the newest observation when it was made, so that an import of older rows after that is noticed.
CREATE TABLE snapshots (
  name     TEXT PRIMARY KEY,
  until_us INTEGER NOT NULL,
  log_id   INTEGER NOT NULL,
  body     BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
  name     TEXT PRIMARY KEY,
  password TEXT
) WITHOUT ROWID;

-- Only hashes of tokens are kept. kind: 'session' or 'once'.
CREATE TABLE tokens (
  hash       TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  account    TEXT NOT NULL REFERENCES accounts (name),
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;

-- The highest sequence number of messages signed by each key (its RFC 7638 thumbprint), so that none is taken twice.
CREATE TABLE sequences (
  key_id TEXT PRIMARY KEY,
  last   INTEGER NOT NULL
) WITHOUT ROWID;
