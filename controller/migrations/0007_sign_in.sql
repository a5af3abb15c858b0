-- How people show who they are: passkeys, codes from a phone, recovery codes; and sessions that can be told apart. Only TEXT,
-- BIGINT and DOUBLE PRECISION; times are microseconds since 1970 in UTC.

-- `id` names it to people, `proved` is when its holder last showed who it is. Sessions of before have neither: they end.
DROP TABLE sessions;
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    made BIGINT NOT NULL,
    used BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    proved BIGINT NOT NULL,
    address TEXT,
    program TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id, used);

-- `credential` and `key` (the uncompressed point on P-256) are hex.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    counter BIGINT NOT NULL,
    made BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX passkeys_by_user ON passkeys (user_id, made);

-- RFC 6238. `step`: the newest whose code was taken; neither it nor an older one is taken again.
CREATE TABLE totp (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    made BIGINT NOT NULL,
    step BIGINT NOT NULL
);

-- Shown to somebody who has not yet typed a code of it.
CREATE TABLE totp_drafts (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    made BIGINT NOT NULL
);

-- Each good for once. All of one person have one salt, so that a try costs one argon2id and not ten.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    salt TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    made BIGINT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
