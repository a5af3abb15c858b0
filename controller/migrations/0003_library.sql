-- The library: recordings with the words they came from, templates, and the days on which a rule is not said.

-- The text as somebody typed it, and how fast it was spoken (1 is normal).
ALTER TABLE audio ADD COLUMN typed TEXT;
ALTER TABLE audio ADD COLUMN speed DOUBLE PRECISION;
-- Title and text in plain small letters, for searching.
ALTER TABLE audio ADD COLUMN folded TEXT NOT NULL DEFAULT '';
-- Since when it is not shown any more; bulletins keep it.
ALTER TABLE audio ADD COLUMN hidden BIGINT;
CREATE INDEX audio_by_made ON audio (made, id);
CREATE INDEX audio_by_content ON audio (content);
CREATE INDEX bulletins_by_audio ON bulletins (audio);
CREATE INDEX bulletins_by_content ON bulletins (content);

-- The days and times that a person took out of a rule, as JSON; NULL where the rule does not skip holidays.
-- `due` holds these and the holidays together, as the poles get them.
ALTER TABLE bulletins ADD COLUMN own_except TEXT;

-- The whole office's; `day` is a civil date such as 2027-02-06.
CREATE TABLE holidays (
    day TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    made_by TEXT,
    made BIGINT NOT NULL
);

-- What is said often. Without an area: for everybody. `targets` is JSON.
CREATE TABLE templates (
    id TEXT PRIMARY KEY,
    area TEXT REFERENCES areas (id),
    title TEXT NOT NULL,
    typed TEXT,
    voice TEXT,
    speed DOUBLE PRECISION,
    audio TEXT REFERENCES audio (id),
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    chime TEXT,
    volume BIGINT,
    targets TEXT NOT NULL,
    made_by TEXT,
    made BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX templates_by_audio ON templates (audio);

-- One speaker's days.
CREATE INDEX playouts_by_speaker ON playouts (speaker, planned);
