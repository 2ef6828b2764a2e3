-- Backups that can be gone on with: the state suspended, and what is known of one. A CHECK cannot be altered, so the
-- table is made anew; nothing refers to it yet.
CREATE TABLE backups_2 (
    id BIGINT NOT NULL PRIMARY KEY,
    desk TEXT NOT NULL,
    modules TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('full', 'custom', 'incremental')),
    range_from BIGINT,
    range_to BIGINT,
    folder TEXT,
    started BIGINT NOT NULL,
    schedule_id BIGINT REFERENCES schedules (id),
    slot BIGINT,
    allow_partial BIGINT NOT NULL CHECK (allow_partial IN (0, 1)),
    state TEXT NOT NULL
        CHECK (state IN ('running', 'suspended', 'complete', 'incomplete', 'limit_reached', 'failed', 'stopped', 'refused')),
    -- The name of its spool folder, while it has one.
    spool TEXT,
    suspended BIGINT,
    -- Whether a person stopped it: then it waits for a person to go on.
    by_person BIGINT NOT NULL CHECK (by_person IN (0, 1)),
    -- How often it was gone on with since its last checkpoint.
    resumes BIGINT NOT NULL CHECK (resumes >= 0),
    -- Whether people were told since then that it is suspended.
    told BIGINT NOT NULL CHECK (told IN (0, 1)),
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
    CHECK ((state IN ('running', 'suspended')) = (ended IS NULL)),
    CHECK ((state = 'suspended') = (suspended IS NOT NULL)),
    CHECK (spool IS NULL OR state IN ('running', 'suspended')),
    CHECK ((state IN ('complete', 'incomplete', 'limit_reached')) = (archive_file IS NOT NULL)),
    CHECK ((removed IS NULL) = (removal IS NULL))
);

INSERT INTO backups_2
    (id, desk, modules, kind, range_from, range_to, folder, started, schedule_id, slot, allow_partial, state, by_person,
     resumes, told, ended, reason, until, archive_file, archive_bytes, archive_sha256, archive_records, archive_expires,
     removed, removal)
SELECT id, desk, modules, kind, range_from, range_to, folder, started, schedule_id, slot, 0, state, 0,
       0, 0, ended, reason, until, archive_file, archive_bytes, archive_sha256, archive_records, archive_expires,
       removed, removal
FROM backups;

DROP TABLE backups;

ALTER TABLE backups_2 RENAME TO backups;

CREATE INDEX backups_of_a_desk ON backups (desk, id);

-- How far each module of a backup is that runs or is suspended: the last checkpoint, JSON.
CREATE TABLE checkpoints (
    backup BIGINT NOT NULL REFERENCES backups (id),
    module TEXT NOT NULL,
    number BIGINT NOT NULL,
    record TEXT NOT NULL,
    -- Rows that it covers.
    records BIGINT NOT NULL CHECK (records >= 0),
    kept BIGINT NOT NULL,
    PRIMARY KEY (backup, module)
);
