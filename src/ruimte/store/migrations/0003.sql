-- How many quantiles a forecast has at each horizon; quantiles is of shape (horizons, levels).
-- 19: 5, 10, … 95 %, as all had before this. 21: 1 and 99 % as well.
ALTER TABLE forecasts ADD COLUMN levels INTEGER NOT NULL DEFAULT 19;
