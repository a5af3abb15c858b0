-- Whom the poles believe. Only TEXT and BIGINT, so that PostgreSQL reads it too; times are microseconds since 1970 in UTC.

-- Root documents as they were signed, in base64url; none is ever changed or deleted.
CREATE TABLE roots (
    version BIGINT PRIMARY KEY,
    bytes TEXT NOT NULL,
    made BIGINT NOT NULL
);

-- Further approvers of an area: the newest signed document of each, in base64url.
CREATE TABLE approvers (
    area TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    bytes TEXT NOT NULL,
    made BIGINT NOT NULL
);

-- Since when the programme has had no new generation only so that the poles do not find it expired. 0: not looked at yet.
ALTER TABLE channels ADD COLUMN renewed BIGINT NOT NULL DEFAULT 0;

-- Until when approvers' passkeys let this form sound, and (JSON) what they signed, once it is enough. NULL: needs none,
-- or it is not enough yet. `approve_by` also says until when they may sign.
ALTER TABLE bulletins ADD COLUMN endorse_until BIGINT;
ALTER TABLE bulletins ADD COLUMN endorsement TEXT;

-- Each approver's signature (JSON) on the present form.
CREATE TABLE endorsements (
    bulletin TEXT NOT NULL REFERENCES bulletins (id),
    credential TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    given BIGINT NOT NULL,
    assertion TEXT NOT NULL,
    PRIMARY KEY (bulletin, credential)
);
