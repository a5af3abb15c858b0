-- What a speaker is asked, what it measures, and what it tells besides its playouts. Only TEXT, BIGINT and DOUBLE PRECISION;
-- times are microseconds since 1970 in UTC.

-- The daily self-test (`HH:MM`, NULL: none), the SIM's plan, and the mast as the operator knows it.
ALTER TABLE speakers ADD COLUMN self_test_at TEXT;
ALTER TABLE speakers ADD COLUMN data_plan_mb BIGINT;
ALTER TABLE speakers ADD COLUMN data_plan_ends TEXT;
ALTER TABLE speakers ADD COLUMN cell TEXT;

-- Something a speaker was asked to do once. `until`: not done by then, it is not done any more.
CREATE TABLE orders (
    speaker TEXT NOT NULL REFERENCES speakers (id),
    number BIGINT NOT NULL,
    what TEXT NOT NULL,
    asked BIGINT NOT NULL,
    asked_by TEXT,
    until BIGINT NOT NULL,
    done BIGINT,
    PRIMARY KEY (speaker, number)
);
CREATE INDEX orders_by_asked ON orders (asked);

-- One row per speaker and hour since 1970: of each figure the worst that was told in that hour, of the data the last.
-- NULL: it was not told. 10,000 speakers make 8.4 million rows in 35 days, about 0.9 GB.
CREATE TABLE telemetry_hours (
    speaker TEXT NOT NULL,
    hour BIGINT NOT NULL,
    temperature_mc BIGINT,
    load_centi BIGINT,
    memory_free_mb BIGINT,
    disk_free_mb BIGINT,
    signal_dbm BIGINT,
    signal_percent BIGINT,
    clock_offset_us BIGINT,
    battery_percent BIGINT,
    data_mb BIGINT,
    PRIMARY KEY (speaker, hour)
);
CREATE INDEX telemetry_hours_by_hour ON telemetry_hours (hour);

-- Of the events those that a person looks for: runs of the agent, self-tests, faults, mains, stalls, and the playouts with
-- which it began or ceased to be heard. `word` is how they differ, `what` the event itself. `store` and `number` name it.
CREATE TABLE notes (
    speaker TEXT NOT NULL,
    store TEXT NOT NULL,
    number BIGINT NOT NULL,
    happened BIGINT NOT NULL,
    kind TEXT NOT NULL,
    word TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (speaker, store, number)
);
CREATE INDEX notes_by_speaker ON notes (speaker, kind, happened);
CREATE INDEX notes_by_kind ON notes (kind, happened);

-- When the office set or took away the mute of a speaker.
CREATE TABLE mutes (
    speaker TEXT NOT NULL,
    happened BIGINT NOT NULL,
    muted BIGINT NOT NULL,
    PRIMARY KEY (speaker, happened)
);
CREATE INDEX mutes_by_happened ON mutes (happened);

-- Addresses from which a calendar program reads a programme without signing in. Whose rights it has are looked at anew
-- at each reading; of the secret only the hash is kept.
CREATE TABLE calendars (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    made BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX calendars_by_owner ON calendars (owner, made);
