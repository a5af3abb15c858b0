-- The office's database as it began. Only TEXT, BIGINT and DOUBLE PRECISION, so that PostgreSQL reads it too.
-- Times are microseconds since 1970 in UTC; truths are 0 or 1; documents are JSON.

-- What the office knows of itself: 'epoch', 'head_generation'.
CREATE TABLE office (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- The administrative tree, of any depth.
CREATE TABLE areas (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT,
    code TEXT,
    parent TEXT REFERENCES areas (id),
    made BIGINT NOT NULL
);
CREATE INDEX areas_by_parent ON areas (parent);

-- One pole each. A removed one keeps its row, for its history and so that its name is not given again.
CREATE TABLE speakers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    area TEXT NOT NULL REFERENCES areas (id),
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    zone TEXT NOT NULL,
    quiet_hours TEXT NOT NULL,
    volume TEXT NOT NULL,
    muted BIGINT NOT NULL,
    delay_trim_ms BIGINT NOT NULL,
    token_hash TEXT NOT NULL,
    generation BIGINT NOT NULL,
    since BIGINT NOT NULL,
    made BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    removed BIGINT
);
CREATE INDEX speakers_by_area ON speakers (area);

CREATE TABLE speaker_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    area TEXT NOT NULL REFERENCES areas (id),
    made BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES speaker_groups (id) ON DELETE CASCADE,
    speaker TEXT NOT NULL REFERENCES speakers (id),
    PRIMARY KEY (group_id, speaker)
);
CREATE INDEX group_members_by_speaker ON group_members (speaker);

-- People. Without an area: the whole tree. Without a password: a setup link is out.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    area TEXT REFERENCES areas (id),
    password_hash TEXT,
    made BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    made BIGINT NOT NULL,
    used BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, used);

-- One-time links to set a password. Without a user: for the first administrator.
CREATE TABLE setup_tokens (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    made BIGINT NOT NULL
);

-- Canonical audio, named by its SHA-256; the bytes are a file.
CREATE TABLE contents (
    id TEXT PRIMARY KEY,
    length BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    manifest TEXT NOT NULL,
    made BIGINT NOT NULL
);

-- What somebody recorded, uploaded or had spoken; what came in is kept as a file.
CREATE TABLE audio (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL REFERENCES contents (id),
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    format TEXT NOT NULL,
    original_bytes BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    loudness_lufs DOUBLE PRECISION,
    spoken TEXT,
    voice TEXT,
    made_by TEXT,
    made BIGINT NOT NULL
);

CREATE TABLE bulletins (
    id TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    title TEXT NOT NULL,
    audio TEXT NOT NULL REFERENCES audio (id),
    content TEXT NOT NULL REFERENCES contents (id),
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
    -- 'planned' or 'cancelled'; a planned one past `ends` is over.
    state TEXT NOT NULL,
    -- Nothing of it starts after this; NULL for a rule without end.
    ends BIGINT,
    supersedes TEXT,
    made_by TEXT,
    made BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX bulletins_by_made ON bulletins (made, id);

-- `generation`: that of the channel's programme which first held the present revision.
CREATE TABLE bulletin_targets (
    bulletin TEXT NOT NULL REFERENCES bulletins (id),
    channel TEXT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (bulletin, channel)
);
CREATE INDEX bulletin_targets_by_channel ON bulletin_targets (channel, bulletin);

CREATE TABLE channels (
    channel TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    silence_before BIGINT
);

-- What each speaker told of each occurrence. `store` and `number` name the event that this row comes from.
CREATE TABLE playouts (
    speaker TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    bulletin TEXT NOT NULL,
    revision BIGINT NOT NULL,
    title TEXT NOT NULL,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    planned BIGINT NOT NULL,
    started BIGINT,
    ended BIGINT,
    error_us BIGINT,
    sounded_ms BIGINT NOT NULL,
    cuts BIGINT NOT NULL,
    trust TEXT NOT NULL,
    outcome TEXT,
    reason TEXT,
    cut_by TEXT,
    store TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (speaker, occurrence, attempt)
);
CREATE INDEX playouts_by_planned ON playouts (planned, speaker, occurrence, attempt);
CREATE INDEX playouts_by_bulletin ON playouts (bulletin, planned);

CREATE TABLE events (
    speaker TEXT NOT NULL,
    store TEXT NOT NULL,
    number BIGINT NOT NULL,
    happened BIGINT NOT NULL,
    trust TEXT NOT NULL,
    what TEXT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (speaker, store, number)
);
CREATE INDEX events_by_received ON events (received);

CREATE TABLE acks (
    speaker TEXT NOT NULL,
    store TEXT NOT NULL,
    through BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (speaker, store)
);

CREATE TABLE speaker_status (
    speaker TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    received BIGINT NOT NULL
);

CREATE TABLE presence_transitions (
    speaker TEXT NOT NULL,
    happened BIGINT NOT NULL,
    presence TEXT NOT NULL,
    PRIMARY KEY (speaker, happened)
);

-- A create that was asked for, so that asking again does not do it twice. `response` is NULL where it held a secret.
CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    resource TEXT NOT NULL,
    status BIGINT,
    response TEXT,
    made BIGINT NOT NULL,
    PRIMARY KEY (user_id, route, idempotency_key)
);
CREATE INDEX idempotency_keys_by_made ON idempotency_keys (made);
