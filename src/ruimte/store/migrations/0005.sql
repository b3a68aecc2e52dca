-- Who did what the logbook tells by role: kept apart from it, for the logbook stays and a name does not (retention.staff).
CREATE TABLE staff_names (
  log_id   INTEGER PRIMARY KEY REFERENCES logbook (id),
  name     TEXT NOT NULL,
  until_us INTEGER NOT NULL
);
CREATE INDEX staff_names_until ON staff_names (until_us);

-- Accounts and sessions have a file of their own now, so that commands can change them while the node runs.
DROP TABLE tokens;
DROP TABLE accounts;
