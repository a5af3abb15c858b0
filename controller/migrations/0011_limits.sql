-- What the office sets on top of a pole's own limits, as JSON; the stricter holds.
ALTER TABLE speakers ADD COLUMN limits TEXT NULL;
