-- no-transaction
-- A stream (a live call, a relay) has no audio of its own. SQLite cannot take a NOT NULL away, so the table is made anew
-- (https://www.sqlite.org/lang_altertable.html, section 7); it may be done twice.
PRAGMA foreign_keys = OFF;
BEGIN;
DROP TABLE IF EXISTS bulletins_anew;
CREATE TABLE bulletins_anew (
    id TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    title TEXT NOT NULL,
    -- Both, or `stream`.
    audio TEXT REFERENCES audio (id),
    content TEXT REFERENCES contents (id),
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    rank BIGINT NOT NULL,
    chime TEXT NOT NULL,
    volume BIGINT NOT NULL,
    due TEXT NOT NULL,
    zone TEXT NOT NULL,
    repeat_times BIGINT NOT NULL,
    repeat_every_s BIGINT NOT NULL,
    lateness_s BIGINT,
    on_preempt TEXT NOT NULL,
    max_duration_s BIGINT NOT NULL,
    since BIGINT NOT NULL,
    valid_until BIGINT,
    -- A planned one past `ends` is over.
    state TEXT NOT NULL,
    -- Nothing of it starts after this; NULL for a rule without end.
    ends BIGINT,
    supersedes TEXT,
    made_by TEXT,
    made BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    ask TEXT,
    asked_by TEXT,
    asked BIGINT,
    approve_by BIGINT,
    verdict TEXT,
    decided_by TEXT,
    decided BIGINT,
    decided_digest TEXT,
    reason TEXT,
    said_title TEXT,
    own_except TEXT,
    endorse_until BIGINT,
    endorsement TEXT,
    -- As the poles get it (JSON).
    stream TEXT,
    -- Of which call this is the recording, for whoever did not hear it live (JSON).
    replay TEXT,
    -- What the office does for a relay (JSON): whence it fetches it, and what it sends while the station is away.
    relay TEXT,
    CHECK ((audio IS NULL) = (content IS NULL) AND (audio IS NULL) <> (stream IS NULL))
);
INSERT INTO bulletins_anew (
    id, revision, title, audio, content, priority, status, rank, chime, volume, due, zone, repeat_times, repeat_every_s,
    lateness_s, on_preempt, max_duration_s, since, valid_until, state, ends, supersedes, made_by, made, changed, ask,
    asked_by, asked, approve_by, verdict, decided_by, decided, decided_digest, reason, said_title, own_except,
    endorse_until, endorsement
) SELECT
    id, revision, title, audio, content, priority, status, rank, chime, volume, due, zone, repeat_times, repeat_every_s,
    lateness_s, on_preempt, max_duration_s, since, valid_until, state, ends, supersedes, made_by, made, changed, ask,
    asked_by, asked, approve_by, verdict, decided_by, decided, decided_digest, reason, said_title, own_except,
    endorse_until, endorsement
FROM bulletins;
DROP TABLE bulletins;
ALTER TABLE bulletins_anew RENAME TO bulletins;
CREATE INDEX bulletins_by_made ON bulletins (made, id);
CREATE INDEX bulletins_by_audio ON bulletins (audio);
CREATE INDEX bulletins_by_content ON bulletins (content);
COMMIT;
PRAGMA foreign_keys = ON;
