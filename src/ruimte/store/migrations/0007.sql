-- What partners share with this node under an agreement, as they signed it, and what they tell about this lab. A link is one
-- subscription: what was stored, and the id after which it goes on, change in one transaction.
CREATE TABLE foreign_links (
  key              TEXT PRIMARY KEY,
  covered_us       INTEGER, -- states are known up to here
  gap_from_us      INTEGER, -- states of [gap_from_us, gap_until_us) are still to be asked for
  gap_until_us     INTEGER,
  heard_us         INTEGER,
  failing_since_us INTEGER,
  trouble          TEXT, -- JSON
  refused          INTEGER NOT NULL DEFAULT 0,
  refusal          TEXT, -- JSON
  checkpoint       TEXT, -- the newest of the provider's log that was found consistent
  log_size         INTEGER NOT NULL DEFAULT 0,
  witnessed_us     INTEGER,
  proved           INTEGER NOT NULL DEFAULT 0, -- receipts that were found in the log
  distrusted_us    INTEGER,
  distrust         TEXT, -- JSON
  places           TEXT -- GeoJSON
);

-- Each kind of message comes in a stream of its own, which goes on after its last event.
CREATE TABLE foreign_cursors (
  link    TEXT NOT NULL,
  stream  TEXT NOT NULL, -- state, forecast, warnings
  event   TEXT NOT NULL,
  made_us INTEGER NOT NULL,
  PRIMARY KEY (link, stream)
) WITHOUT ROWID;

CREATE TABLE foreign_messages (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  link        TEXT NOT NULL,
  event       TEXT NOT NULL,
  kind        TEXT NOT NULL, -- state, forecast, history, warning
  made_us     INTEGER NOT NULL, -- by the provider's clock
  received_us INTEGER NOT NULL,
  agreement   TEXT NOT NULL,
  log_index   INTEGER NOT NULL,
  salt        TEXT NOT NULL,
  digest      TEXT NOT NULL, -- SHA-256 of the body, hex
  signature   TEXT NOT NULL,
  body        BLOB NOT NULL,
  payload     TEXT NOT NULL, -- what the provider's log has to commit to, JSON
  delete_us   INTEGER NOT NULL,
  UNIQUE (link, kind, event)
);
CREATE INDEX foreign_messages_by_kind ON foreign_messages (link, kind, id);
CREATE INDEX foreign_messages_until ON foreign_messages (delete_us);

CREATE TABLE foreign_figures (
  link       TEXT NOT NULL,
  kind       TEXT NOT NULL, -- state, forecast
  place      TEXT NOT NULL,
  quantity   TEXT NOT NULL,
  start_us   INTEGER NOT NULL,
  end_us     INTEGER NOT NULL,
  value      ANY,
  low        ANY,
  high       ANY,
  suppressed INTEGER NOT NULL,
  message    INTEGER NOT NULL REFERENCES foreign_messages (id) ON DELETE CASCADE,
  PRIMARY KEY (link, kind, place, quantity, start_us)
) WITHOUT ROWID;
CREATE INDEX foreign_figures_by_message ON foreign_figures (message);

CREATE TABLE foreign_warnings (
  link    TEXT NOT NULL,
  id      TEXT NOT NULL,
  made_us INTEGER NOT NULL,
  body    TEXT NOT NULL, -- JSON
  message INTEGER NOT NULL REFERENCES foreign_messages (id) ON DELETE CASCADE,
  PRIMARY KEY (link, id)
) WITHOUT ROWID;
CREATE INDEX foreign_warnings_by_message ON foreign_warnings (message);

-- What partners told about this lab: how a zone is, what is closed, who is expected.
CREATE TABLE contributions (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL, -- zone-status, closures, arrivals
  party       TEXT NOT NULL,
  party_name  TEXT NOT NULL,
  agreement   TEXT NOT NULL,
  place       TEXT NOT NULL,
  from_us     INTEGER NOT NULL,
  until_us    INTEGER NOT NULL,
  received_us INTEGER NOT NULL,
  body        TEXT NOT NULL -- JSON
);
CREATE INDEX contributions_by_time ON contributions (until_us);
