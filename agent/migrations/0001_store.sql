-- One speaker's durable memory. Everything in it can be read with the sqlite3 tool but the CBOR columns.

-- store: this store's id; boot: runs so far; last_event: last number given; known_time: latest trusted time (us).
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The office's documents as they came, signature and all.
CREATE TABLE documents (
    name TEXT PRIMARY KEY NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- One row for each playout. open: 1 while it has no outcome. row: CBOR.
CREATE TABLE ledger (
    id TEXT PRIMARY KEY NOT NULL,
    planned_us INTEGER NOT NULL,
    open INTEGER NOT NULL,
    row BLOB NOT NULL
) STRICT;
CREATE INDEX ledger_by_plan ON ledger (planned_us);

-- Told in order, forgotten when the office acknowledges. bytes: CBOR.
CREATE TABLE events (
    number INTEGER PRIMARY KEY NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Which blocks of a content are on disk, durably. A file under its own name is whole.
CREATE TABLE contents (
    id TEXT PRIMARY KEY NOT NULL,
    length INTEGER NOT NULL,
    held BLOB NOT NULL
) STRICT;
