-- The watch: when a pole could not be reached and why, what was heard, and the figures of each day and month.
-- Only TEXT, BIGINT and DOUBLE PRECISION; times are microseconds since 1970 in UTC; truths are 0 or 1.

-- What came of listening to a playout ('heard', 'not_heard', 'no_microphone', 'unclear'), how clearly in hundredths, and
-- how long its sound was to be. `outcome` may from now on be 'unreported': due, and nothing was told of it yet.
ALTER TABLE playouts ADD COLUMN heard TEXT;
ALTER TABLE playouts ADD COLUMN clarity BIGINT;
ALTER TABLE playouts ADD COLUMN delay_us BIGINT;
ALTER TABLE playouts ADD COLUMN due_ms BIGINT;

-- What was heard of a playout whose row is still on its way.
CREATE TABLE early_hearings (
    speaker TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    heard TEXT NOT NULL,
    clarity BIGINT,
    delay_us BIGINT,
    happened BIGINT NOT NULL,
    PRIMARY KEY (speaker, occurrence, attempt)
);
CREATE INDEX early_hearings_by_happened ON early_hearings (happened);

-- When the office first heard of a speaker: before, nobody can say that it was away.
ALTER TABLE speakers ADD COLUMN first_heard BIGINT;
UPDATE speakers SET first_heard =
    (SELECT MIN(happened) FROM presence_transitions WHERE presence = 'online' AND presence_transitions.speaker = speakers.id);

-- What its last status said when a speaker went: when that came, whether there was mains, and its mobile cell.
ALTER TABLE presence_transitions ADD COLUMN heard BIGINT;
ALTER TABLE presence_transitions ADD COLUMN mains BIGINT;
ALTER TABLE presence_transitions ADD COLUMN cell TEXT;

-- When the office itself ran, to within half a minute: outside of it nothing is measured.
CREATE TABLE office_runs (
    began BIGINT PRIMARY KEY,
    alive BIGINT NOT NULL
);

-- What a speaker told that may explain an outage: `what` is JSON. It speaks of `since` to `until`; without `until` its
-- clock could not be trusted at the end.
CREATE TABLE journal (
    speaker TEXT NOT NULL,
    store TEXT NOT NULL,
    number BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT,
    what TEXT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (speaker, store, number)
);
CREATE INDEX journal_by_speaker ON journal (speaker, since);
CREATE INDEX journal_by_received ON journal (received);

-- Times at which a speaker could not be reached: made from transitions, journal and the office's runs, and made again
-- when any of these grows. `told`: the speaker itself told the cause. Without `ended` it lasts.
CREATE TABLE outages (
    speaker TEXT NOT NULL,
    began BIGINT NOT NULL,
    ended BIGINT,
    cause TEXT NOT NULL,
    told BIGINT NOT NULL,
    cell TEXT,
    PRIMARY KEY (speaker, began)
);
CREATE INDEX outages_by_began ON outages (began);
CREATE INDEX outages_by_ended ON outages (ended);

-- What was due of a speaker in a period: a civil day ('2026-11-24') in its own zone, or a month ('2026-11').
-- Counted again, in the same transaction, whenever a playout of that day changes. `e0` to `e15` count starts by how far
-- they were from plan.
CREATE TABLE speaker_figures (
    period TEXT NOT NULL,
    speaker TEXT NOT NULL,
    due BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    heard BIGINT NOT NULL,
    not_heard BIGINT NOT NULL,
    unverified BIGINT NOT NULL,
    late BIGINT NOT NULL,
    missed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    interrupted BIGINT NOT NULL,
    pre_empted BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unreported BIGINT NOT NULL,
    emergencies BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    sounded_ms BIGINT NOT NULL,
    e0 BIGINT NOT NULL,
    e1 BIGINT NOT NULL,
    e2 BIGINT NOT NULL,
    e3 BIGINT NOT NULL,
    e4 BIGINT NOT NULL,
    e5 BIGINT NOT NULL,
    e6 BIGINT NOT NULL,
    e7 BIGINT NOT NULL,
    e8 BIGINT NOT NULL,
    e9 BIGINT NOT NULL,
    e10 BIGINT NOT NULL,
    e11 BIGINT NOT NULL,
    e12 BIGINT NOT NULL,
    e13 BIGINT NOT NULL,
    e14 BIGINT NOT NULL,
    e15 BIGINT NOT NULL,
    PRIMARY KEY (period, speaker)
);
CREATE INDEX speaker_figures_by_speaker ON speaker_figures (speaker, period);

-- The same by reason, of what did not simply sound.
CREATE TABLE speaker_reasons (
    period TEXT NOT NULL,
    speaker TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (period, speaker, outcome, reason)
);
CREATE INDEX speaker_reasons_by_speaker ON speaker_reasons (speaker, period);

-- Monthly reports that go out by mail: each month's to each address once. Area '' is the whole office. Without `sent` it is
-- being tried.
CREATE TABLE reports_mailed (
    month TEXT NOT NULL,
    area TEXT NOT NULL,
    address TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    sent BIGINT,
    PRIMARY KEY (month, area, address)
);

-- How long the playouts so far were to be; their chime has the length that the poles render.
UPDATE playouts SET due_ms = (
    SELECT CASE WHEN long < max_duration_s * 1000 THEN long ELSE max_duration_s * 1000 END FROM (
        SELECT max_duration_s, duration_ms + CASE chime WHEN 'rise' THEN 1600 WHEN 'bell' THEN 1600
            WHEN 'alert' THEN 2000 WHEN 'exercise' THEN 2000 ELSE 0 END AS long
        FROM bulletins JOIN contents ON contents.id = bulletins.content WHERE bulletins.id = playouts.bulletin
    ) AS lengths
);
