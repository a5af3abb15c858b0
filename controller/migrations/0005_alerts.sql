-- Alerts: rules, what is open, who was told, and repairs. Only TEXT, BIGINT and DOUBLE PRECISION; times are microseconds
-- since 1970 in UTC; truths are 0 or 1; documents are JSON.

-- What somebody wants to be told of. Without an area: everywhere. `tell` and `escalate_to` are JSON.
CREATE TABLE alert_rules (
    id TEXT PRIMARY KEY,
    area TEXT REFERENCES areas (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    after_s BIGINT NOT NULL,
    threshold DOUBLE PRECISION,
    repeat_s BIGINT,
    escalate_s BIGINT,
    tell TEXT NOT NULL,
    escalate_to TEXT NOT NULL,
    made_by TEXT,
    made BIGINT NOT NULL,
    changed_by TEXT,
    changed BIGINT NOT NULL
);
-- One of a kind for each area, so that it is clear which holds.
CREATE UNIQUE INDEX alert_rules_by_area ON alert_rules (COALESCE(area, ''), kind);

-- `area`: the nearest one that holds all its speakers. `began`: since when it is so; `opened`: when it was found to be.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    cause TEXT,
    cell TEXT,
    area TEXT,
    severity TEXT NOT NULL,
    began BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    closed BIGINT,
    -- The last time that speakers, cause or acknowledgement changed.
    changed BIGINT NOT NULL,
    acknowledged_by TEXT,
    acknowledged BIGINT,
    note TEXT,
    -- A figure or words of the speaker, as JSON.
    detail TEXT
);
CREATE INDEX alerts_by_opened ON alerts (opened, id);
CREATE INDEX alerts_open ON alerts (closed, opened);

-- `back`: it is in order again while others are not.
CREATE TABLE alert_speakers (
    alert TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    speaker TEXT NOT NULL,
    since BIGINT NOT NULL,
    back BIGINT,
    PRIMARY KEY (alert, speaker)
);
CREATE INDEX alert_speakers_by_speaker ON alert_speakers (speaker, alert);

-- The outbox: what is to be told, and what was. `event` is 'opened', 'again', 'escalated' or 'closed'; `state` is
-- 'waiting', 'sent', 'given_up' or 'dropped' (it was over before anybody heard of it).
CREATE TABLE alert_messages (
    id TEXT PRIMARY KEY,
    alert TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    by_way TEXT NOT NULL,
    address TEXT NOT NULL,
    made BIGINT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    sent BIGINT,
    error TEXT
);
CREATE INDEX alert_messages_by_alert ON alert_messages (alert, made);
CREATE INDEX alert_messages_by_state ON alert_messages (state, next_try);
CREATE INDEX alert_messages_by_sent ON alert_messages (sent);

-- Who mends what by when. `due` is a civil date.
CREATE TABLE repairs (
    id TEXT PRIMARY KEY,
    speaker TEXT NOT NULL REFERENCES speakers (id),
    alert TEXT,
    what TEXT NOT NULL,
    who TEXT,
    due TEXT,
    note TEXT,
    opened BIGINT NOT NULL,
    opened_by TEXT,
    done BIGINT,
    done_by TEXT
);
CREATE INDEX repairs_by_opened ON repairs (opened, id);
CREATE INDEX repairs_by_done ON repairs (done);
CREATE INDEX repairs_by_speaker ON repairs (speaker);
