-- What was really sent of a call or of one window of a relay.
CREATE TABLE calls (
    -- Of a live call; of a relay `bulletin` and `began` together.
    bulletin TEXT NOT NULL REFERENCES bulletins (id),
    -- When the first frame may be spoken, by the office's clock.
    began BIGINT NOT NULL,
    ended BIGINT,
    -- Why: 'released', 'lost', 'longest', 'stopped', 'office', 'window'.
    reason TEXT,
    -- A user; may be gone.
    speaker TEXT,
    frames BIGINT NOT NULL DEFAULT 0,
    -- Frames that never came to the office.
    holes BIGINT NOT NULL DEFAULT 0,
    -- The recording, once there is one, and the bulletin that says it again to whoever did not hear it.
    audio TEXT REFERENCES audio (id),
    replay TEXT REFERENCES bulletins (id),
    PRIMARY KEY (bulletin, began)
);

-- What a pole measured of what it sounded of a stream (JSON), with the playout.
ALTER TABLE playouts ADD COLUMN streamed TEXT;
