-- Numbers that were given last. A number is never given twice, also where its row is gone.
CREATE TABLE numbers (
    name TEXT NOT NULL PRIMARY KEY,
    given BIGINT NOT NULL CHECK (given >= 0)
);

INSERT INTO numbers (name, given) VALUES ('backup', 0), ('schedule', 0), ('token', 0), ('notice', 0);

-- Moments are microseconds since 1970-01-01T00:00:00Z.
CREATE TABLE schedules (
    id BIGINT NOT NULL PRIMARY KEY,
    desk TEXT NOT NULL,
    schedule TEXT NOT NULL,
    made BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'stopped', 'ended')),
    ended BIGINT,
    last_slot BIGINT
);

CREATE UNIQUE INDEX one_schedule_a_desk ON schedules (desk) WHERE state = 'active';

CREATE TABLE backups (
    id BIGINT NOT NULL PRIMARY KEY,
    desk TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('full', 'custom', 'incremental')),
    range_from BIGINT,
    range_to BIGINT,
    folder TEXT,
    started BIGINT NOT NULL,
    schedule_id BIGINT REFERENCES schedules (id),
    slot BIGINT,
    state TEXT NOT NULL
        CHECK (state IN ('running', 'complete', 'incomplete', 'limit_reached', 'failed', 'stopped', 'refused')),
    ended BIGINT,
    reason TEXT,
    until BIGINT,
    archive_file TEXT,
    archive_bytes BIGINT,
    archive_sha256 TEXT,
    archive_records BIGINT,
    archive_expires BIGINT,
    removed BIGINT,
    removal TEXT CHECK (removal IN ('expired', 'deleted', 'missing')),
    CHECK ((range_from IS NULL) = (range_to IS NULL)),
    CHECK ((schedule_id IS NULL) = (slot IS NULL)),
    CHECK ((state = 'running') = (ended IS NULL)),
    CHECK ((state IN ('complete', 'incomplete', 'limit_reached')) = (archive_file IS NOT NULL)),
    CHECK ((removed IS NULL) = (removal IS NULL))
);

CREATE INDEX backups_of_a_desk ON backups (desk, id);

CREATE TABLE history (
    number BIGINT NOT NULL PRIMARY KEY,
    happened BIGINT NOT NULL,
    desk TEXT,
    person TEXT NOT NULL,
    via TEXT NOT NULL,
    what TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- How many entries the history has and the hash of the last one, signed with the key of the installation.
CREATE TABLE history_seal (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    entries BIGINT NOT NULL,
    head TEXT NOT NULL,
    signature TEXT NOT NULL
);

CREATE TABLE tokens (
    id BIGINT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT
);

-- Notifications. One waits while it is due: it is sent then, or again where whoever claimed it did not come back.
CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    body TEXT NOT NULL,
    made BIGINT NOT NULL,
    tries BIGINT NOT NULL CHECK (tries >= 0),
    due BIGINT,
    sent BIGINT,
    error TEXT
);

CREATE INDEX outbox_waiting ON outbox (due) WHERE due IS NOT NULL;

CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);
