-- What has to go out: one row for each step of a warning and receiver, written in the transaction of the step itself.
-- target: which receiver of a channel that has several (a subscription's id), else empty. revision: the warning's row that it tells.
-- state: 'waiting', 'sent' or 'given-up'. Times are the wall's, but for at_us. trouble: why it was not taken, as JSON.
CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  channel    TEXT NOT NULL,
  target     TEXT NOT NULL,
  warning_id INTEGER NOT NULL,
  revision   INTEGER NOT NULL,
  step       TEXT NOT NULL,
  at_us      INTEGER NOT NULL,
  wall_us    INTEGER NOT NULL,
  state      TEXT NOT NULL DEFAULT 'waiting',
  tries      INTEGER NOT NULL DEFAULT 0,
  next_us    INTEGER NOT NULL,
  done_us    INTEGER,
  trouble    TEXT
);
CREATE INDEX outbox_waiting ON outbox (channel, target, warning_id, id) WHERE state = 'waiting';
CREATE INDEX outbox_by_warning ON outbox (warning_id, channel, target);

-- Since when a channel takes nothing (NULL: it does), and why; when it last took something.
CREATE TABLE channels (
  key              TEXT PRIMARY KEY,
  failing_since_us INTEGER,
  trouble          TEXT,
  last_sent_us     INTEGER
) WITHOUT ROWID;

-- Browsers that asked for warnings (web push). Nothing says whose they are; each ends unless its page was opened again.
CREATE TABLE push_subscriptions (
  id         TEXT PRIMARY KEY,
  endpoint   TEXT NOT NULL,
  p256dh     TEXT NOT NULL,
  auth       TEXT NOT NULL,
  language   TEXT NOT NULL,
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;
