-- More of what is known of a state. left_out: a JSON list of the datastreams on which it does not rest, NULL where it rests on all.
ALTER TABLE states ADD COLUMN q25 REAL;
ALTER TABLE states ADD COLUMN q75 REAL;
ALTER TABLE states ADD COLUMN inflow_sd REAL;
ALTER TABLE states ADD COLUMN outflow_sd REAL;
ALTER TABLE states ADD COLUMN left_out TEXT;
