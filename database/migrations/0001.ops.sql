-- Schema ops: what the house remembers about itself. One transaction; see 0001.ops.rollback.sql.
-- Times are timestamptz, stored and shown in UTC. A "logical date" is the business day a run works on.

CREATE SCHEMA IF NOT EXISTS ops;
COMMENT ON SCHEMA ops IS 'The memory of the house: runs, logs, watermarks, dead letters, quality results, alerts, keys.';

CREATE TABLE ops.job_run (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow      text NOT NULL,
    job           text NOT NULL,
    service       text NOT NULL,
    logical_date  date NOT NULL,
    status        text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'skipped', 'abandoned')),
    attempt       integer NOT NULL DEFAULT 1,
    forced        boolean NOT NULL DEFAULT false,
    started_at    timestamptz NOT NULL DEFAULT now(),
    ready_at      timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    rows_read     bigint NOT NULL DEFAULT 0,
    rows_written  bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    stage_seconds jsonb NOT NULL DEFAULT '{}',
    reason        text,
    host          text NOT NULL,
    pid           integer NOT NULL,
    requested_by  text
);
COMMENT ON TABLE ops.job_run IS 'One row a run of a job for a logical date. Written by the runner alone.';
COMMENT ON COLUMN ops.job_run.ready_at IS 'When its upstream jobs were done and its work began; until then it waited.';
COMMENT ON COLUMN ops.job_run.stage_seconds IS 'Seconds by stage, in the order the stages ran: {"fetch": 1.2, "copy": 0.4}.';
COMMENT ON COLUMN ops.job_run.reason IS 'Why the run failed, was skipped or abandoned, in one sentence; null when it succeeded.';
COMMENT ON COLUMN ops.job_run.attempt IS 'How many times the job function was started within this run; above 1 after a retry.';
CREATE INDEX job_run_job_date ON ops.job_run (job, logical_date, run_id DESC);
CREATE INDEX job_run_started ON ops.job_run (started_at DESC);
CREATE INDEX job_run_running ON ops.job_run (job) WHERE status = 'running';

CREATE TABLE ops.job_log (
    run_id    bigint NOT NULL REFERENCES ops.job_run ON DELETE CASCADE,
    line      integer NOT NULL,
    logged_at timestamptz NOT NULL,
    level     text NOT NULL,
    message   text NOT NULL,
    fields    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, line)
);
COMMENT ON TABLE ops.job_log IS 'One row a log line of a run, numbered from 1; the same lines that went to stdout.';

CREATE TABLE ops.run_request (
    request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow     text NOT NULL,
    job          text NOT NULL,
    service      text NOT NULL,
    logical_date date NOT NULL,
    position     integer NOT NULL,
    forced       boolean NOT NULL DEFAULT false,
    state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'taken', 'done')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    taken_at     timestamptz,
    done_at      timestamptz,
    exit_code    integer
);
COMMENT ON TABLE ops.run_request IS 'One row a job and logical date that somebody asked for over the API; the container of the service takes it at its next tick.';
COMMENT ON COLUMN ops.run_request.position IS 'Place of the job in its workflow, 0 first: upstream jobs are taken before downstream ones.';
CREATE INDEX run_request_open ON ops.run_request (service, logical_date, position) WHERE state <> 'done';

CREATE TABLE ops.pipeline_metadata (
    pipeline            text NOT NULL,
    source              text NOT NULL,
    last_processed_date date,
    last_transaction_id text,
    last_updated_at     timestamptz,
    run_id              bigint,
    written_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline, source)
);
COMMENT ON TABLE ops.pipeline_metadata IS 'The watermark of each pipeline and source, written in the transaction that writes the data it speaks of.';
COMMENT ON COLUMN ops.pipeline_metadata.last_updated_at IS 'Largest modification time seen at the source; the next window starts an overlap before it.';

CREATE TABLE ops.arrival (
    pipeline      text NOT NULL,
    source        text NOT NULL,
    logical_date  date NOT NULL,
    source_rows   bigint,
    landed_rows   bigint NOT NULL,
    rejected_rows bigint NOT NULL,
    late_rows     bigint NOT NULL DEFAULT 0,
    corrected_rows bigint NOT NULL DEFAULT 0,
    run_id        bigint NOT NULL,
    arrived_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline, source, logical_date)
);
COMMENT ON TABLE ops.arrival IS 'One row a source and logical date that arrived whole; absent while it is missing. A forced run replaces it.';
COMMENT ON COLUMN ops.arrival.source_rows IS 'What the source itself says it sent (header, totals line); null where it does not say.';
COMMENT ON COLUMN ops.arrival.late_rows IS 'Rows whose business day lies before the logical date: the overlap window caught them.';
COMMENT ON COLUMN ops.arrival.corrected_rows IS 'Rows of transactions that were changed after they were first made.';

CREATE TABLE ops.loaded_object (
    object_key     text PRIMARY KEY,
    dataset        text NOT NULL,
    source         text NOT NULL,
    logical_date   date NOT NULL,
    etag           text NOT NULL,
    size_bytes     bigint NOT NULL,
    row_count      bigint NOT NULL,
    min_business_date date,
    max_business_date date,
    created_run_id bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    loaded_run_id  bigint,
    loaded_at      timestamptz
);
COMMENT ON TABLE ops.loaded_object IS 'One row an object of the store that a job finished writing; loaded_at is set in the transaction that loaded its rows.';
COMMENT ON COLUMN ops.loaded_object.dataset IS 'What the object holds, e.g. retail/landing, retail/raw, retail/processed.';
CREATE INDEX loaded_object_pending ON ops.loaded_object (dataset, logical_date) WHERE loaded_at IS NULL;
CREATE INDEX loaded_object_date ON ops.loaded_object (dataset, logical_date);

CREATE TABLE ops.reconciliation (
    pipeline       text NOT NULL,
    source         text NOT NULL,
    business_date  date NOT NULL,
    run_id         bigint NOT NULL,
    source_rows    bigint NOT NULL DEFAULT 0,
    fact_rows      bigint NOT NULL DEFAULT 0,
    duplicate_rows bigint NOT NULL DEFAULT 0,
    rejected_rows  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (pipeline, source, business_date, run_id),
    CONSTRAINT nothing_lost CHECK (source_rows = fact_rows + duplicate_rows + rejected_rows)
);
COMMENT ON TABLE ops.reconciliation IS 'The ledger of conservation: one row a run, source and business day. Every line delivered became a fact, a duplicate or a reject; sums over runs hold too.';
COMMENT ON COLUMN ops.reconciliation.fact_rows IS 'Facts added less facts taken away (a corrected transaction takes its earlier version away, which is then a duplicate).';
COMMENT ON COLUMN ops.reconciliation.duplicate_rows IS 'Lines already known in the same or a newer version, and lines that a newer version replaced.';
CREATE INDEX reconciliation_date ON ops.reconciliation (pipeline, business_date);

CREATE TABLE ops.dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline       text NOT NULL,
    job            text NOT NULL,
    source         text NOT NULL,
    logical_date   date NOT NULL,
    position       text NOT NULL,
    payload        text NOT NULL,
    payload_bytes  integer NOT NULL,
    reason         text NOT NULL,
    field          text,
    rows           integer NOT NULL DEFAULT 1,
    fingerprint    text NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    run_id         bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    settled_by     text,
    settled_at     timestamptz,
    UNIQUE (pipeline, source, fingerprint)
);
COMMENT ON TABLE ops.dead_letter IS 'One row a record that could not be used, with what it was, why, and where it stood at the source.';
COMMENT ON COLUMN ops.dead_letter.position IS 'Where to find it at the source: landing object and line, e.g. landing/retailer_1/...jsonl.gz:17.';
COMMENT ON COLUMN ops.dead_letter.rows IS 'How many source lines the payload stands for (an order may hold several).';
COMMENT ON COLUMN ops.dead_letter.fingerprint IS 'SHA-256 of the payload: the same bad record delivered again is not a second letter.';
CREATE INDEX dead_letter_open ON ops.dead_letter (pipeline, source, dead_letter_id) WHERE state = 'open';

CREATE TABLE ops.quality_result (
    result_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id       bigint NOT NULL,
    workflow     text NOT NULL,
    table_name   text NOT NULL,
    check_name   text NOT NULL,
    logical_date date NOT NULL,
    severity     text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    passed       boolean NOT NULL,
    observed     numeric,
    expected     text NOT NULL,
    message      text NOT NULL,
    sample_keys  jsonb NOT NULL DEFAULT '[]',
    checked_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.quality_result IS 'One row a check of a run. sample_keys names up to ten offenders.';
CREATE INDEX quality_result_run ON ops.quality_result (run_id);
CREATE INDEX quality_result_check ON ops.quality_result (workflow, check_name, logical_date);

CREATE TABLE ops.quality_score (
    workflow     text NOT NULL,
    logical_date date NOT NULL,
    run_id       bigint NOT NULL,
    score        numeric(5, 2) NOT NULL CHECK (score BETWEEN 0 AND 100),
    checks       integer NOT NULL,
    failed       integer NOT NULL,
    critical     integer NOT NULL,
    scored_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow, logical_date, run_id)
);
COMMENT ON TABLE ops.quality_score IS 'One row a quality run: the weighted share of checks that passed, in percent (critical 5, warning 2, info 1).';

CREATE TABLE ops.column_profile (
    table_name     text NOT NULL,
    column_name    text NOT NULL,
    profiled_at    timestamptz NOT NULL DEFAULT now(),
    run_id         bigint,
    row_count      bigint NOT NULL,
    null_count     bigint NOT NULL,
    distinct_count bigint NOT NULL,
    min_value      text,
    max_value      text,
    mean_value     numeric,
    top_values     jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (table_name, column_name, profiled_at)
);
COMMENT ON TABLE ops.column_profile IS 'One row a column and profiling: what values it holds. Written by cronhouse profile.';

CREATE TABLE ops.data_quality_log (
    issue_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow    text NOT NULL,
    check_name  text NOT NULL,
    severity    text NOT NULL,
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved')),
    owner       text,
    notes       text,
    first_seen_date date NOT NULL,
    last_seen_date  date NOT NULL,
    times_seen  integer NOT NULL DEFAULT 1,
    message     text NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
COMMENT ON TABLE ops.data_quality_log IS 'One row an open or past quality issue: a failing check stays one issue until it passes again.';
CREATE UNIQUE INDEX data_quality_log_open ON ops.data_quality_log (workflow, check_name) WHERE status <> 'resolved';

CREATE TABLE ops.storage_metrics (
    measured_on   date NOT NULL,
    relation      text NOT NULL,
    partitions    integer NOT NULL,
    row_estimate  bigint NOT NULL,
    table_bytes   bigint NOT NULL,
    index_bytes   bigint NOT NULL,
    total_bytes   bigint NOT NULL,
    PRIMARY KEY (measured_on, relation)
);
COMMENT ON TABLE ops.storage_metrics IS 'One row a day and relation, partitions summed under their parent. Bytes.';

CREATE TABLE ops.alert (
    alert_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident     text NOT NULL,
    severity     text NOT NULL CHECK (severity IN ('warning', 'critical')),
    title        text NOT NULL,
    reason       text NOT NULL,
    look_closer  text NOT NULL,
    run_id       bigint,
    opened_at    timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    times_seen   integer NOT NULL DEFAULT 1,
    notified_at  timestamptz,
    resolved_at  timestamptz
);
COMMENT ON TABLE ops.alert IS 'One row an incident, e.g. job_failed:retail_ingest. Repeats are counted in it, a recovery closes it.';
COMMENT ON COLUMN ops.alert.look_closer IS 'The command that shows more, e.g. cronhouse logs 42.';
CREATE UNIQUE INDEX alert_open ON ops.alert (incident) WHERE resolved_at IS NULL;

CREATE TABLE ops.audit_log (
    audit_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    actor     text NOT NULL,
    action    text NOT NULL,
    target    text NOT NULL,
    detail    jsonb NOT NULL DEFAULT '{}',
    remote    text
);
COMMENT ON TABLE ops.audit_log IS 'One row a change that a person or key asked for: over the API or with a command.';

CREATE TABLE ops.api_key (
    key_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    role         text NOT NULL CHECK (role IN ('reader', 'operator', 'admin')),
    prefix       text NOT NULL UNIQUE,
    key_hash     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
COMMENT ON TABLE ops.api_key IS 'One row an API key. Only the SHA-256 of the key is kept; prefix is its first part, to find the row by.';
