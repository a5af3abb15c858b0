-- Looked for every two seconds.
CREATE INDEX bulletins_by_relay ON bulletins (id) WHERE relay IS NOT NULL;
