-- What was warned of and written down stays: as of the logbook, no step of a warning is changed, replaced or deleted.
-- The one exception is retention: while `purging` holds a moment (within the transaction of ruimte.store.retention), what is older
-- than that may be deleted.
CREATE TABLE purging (
  before_us INTEGER NOT NULL
);
DROP TRIGGER logbook_stays_deleted;
CREATE TRIGGER logbook_stays_deleted BEFORE DELETE ON logbook
  WHEN NOT EXISTS (SELECT 1 FROM purging WHERE OLD.lab_us < before_us)
  BEGIN SELECT RAISE(ABORT, 'the logbook is append-only'); END;
CREATE TRIGGER warnings_stay_replaced BEFORE INSERT ON warnings
  WHEN EXISTS (SELECT 1 FROM warnings WHERE id = NEW.id AND revision = NEW.revision)
  BEGIN SELECT RAISE(ABORT, 'warnings are append-only'); END;
CREATE TRIGGER warnings_stay_updated BEFORE UPDATE ON warnings
  BEGIN SELECT RAISE(ABORT, 'warnings are append-only'); END;
CREATE TRIGGER warnings_stay_deleted BEFORE DELETE ON warnings
  WHEN NOT EXISTS (SELECT 1 FROM purging WHERE OLD.at_us < before_us)
  BEGIN SELECT RAISE(ABORT, 'warnings are append-only'); END;
CREATE INDEX logbook_by_time ON logbook (lab_us);
