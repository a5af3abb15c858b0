-- A second person. Only TEXT, BIGINT and DOUBLE PRECISION; times are microseconds since 1970 in UTC.

-- 'none', 'hamlets' or 'everyone': whether what is said to this area needs a second person. NULL: as the area above.
ALTER TABLE areas ADD COLUMN approval TEXT;

-- `bulletins.state` is from now on 'planned', 'awaiting', 'returned', 'paused' or 'cancelled'; only 'planned' is in programmes.

-- What approval the present form needs or needed ('hamlet', 'anyone', 'wide_emergency'), who asked for it and when, and
-- until when it may be given. NULL: needs none; `approve_by` NULL: as long as it stands.
ALTER TABLE bulletins ADD COLUMN ask TEXT;
ALTER TABLE bulletins ADD COLUMN asked_by TEXT;
ALTER TABLE bulletins ADD COLUMN asked BIGINT;
ALTER TABLE bulletins ADD COLUMN approve_by BIGINT;

-- What the second person said to the present form: 'approved' or 'returned', about the form with this digest.
ALTER TABLE bulletins ADD COLUMN verdict TEXT;
ALTER TABLE bulletins ADD COLUMN decided_by TEXT;
ALTER TABLE bulletins ADD COLUMN decided BIGINT;
ALTER TABLE bulletins ADD COLUMN decided_digest TEXT;
ALTER TABLE bulletins ADD COLUMN reason TEXT;

-- The title as it was when the bulletin was last let on air: a prepared correction says this one.
ALTER TABLE bulletins ADD COLUMN said_title TEXT;
UPDATE bulletins SET said_title = title;

-- Content that begins with a spoken sentence ("this is an exercise"): which one is made of which sentence and content.
-- Not a foreign key: when a content is deleted, its row here is passed over.
CREATE TABLE forewords (
    sentence TEXT NOT NULL,
    content TEXT NOT NULL,
    whole TEXT NOT NULL,
    PRIMARY KEY (sentence, content)
);
