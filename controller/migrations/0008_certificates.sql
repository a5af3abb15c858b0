-- The certificates by which speakers are known on the line. `serial` and `key` (Ed25519, public) are hex. What is revoked or
-- ran out stays: it is what the list of revocations says, and by the key of one that ran out a speaker asks for the next.
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    speaker TEXT NOT NULL REFERENCES speakers (id),
    key TEXT NOT NULL,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    reason TEXT
);
CREATE INDEX certificates_by_speaker ON certificates (speaker, made);
CREATE INDEX certificates_by_expires ON certificates (expires);

-- One-time codes by which a board becomes a speaker: one for each speaker at most. Of the code only the hash is kept.
CREATE TABLE enrolments (
    speaker TEXT PRIMARY KEY REFERENCES speakers (id),
    code_hash TEXT NOT NULL UNIQUE,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
