-- depends: 0003.retail-views
-- Transactions that hold nothing any more: no line of theirs can say so.

CREATE TABLE ops.void_transaction (
    pipeline       text NOT NULL,
    source         text NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    version        timestamptz NOT NULL,
    business_date  date NOT NULL,
    run_id         bigint NOT NULL,
    applied_run_id bigint,
    PRIMARY KEY (pipeline, source, transaction_id)
);
COMMENT ON TABLE ops.void_transaction IS 'One row a transaction that came in a version without lines: emptied, never paid, or put into the trash. It takes away the facts of every older version, whenever these are loaded.';
COMMENT ON COLUMN ops.void_transaction.version IS 'The newest version without lines, as the source dates it; facts of the same version or a newer one stay.';
COMMENT ON COLUMN ops.void_transaction.run_id IS 'The run that heard of it.';
COMMENT ON COLUMN ops.void_transaction.applied_run_id IS 'The load that took older facts away; null while none has.';
CREATE INDEX void_transaction_pending ON ops.void_transaction (pipeline) WHERE applied_run_id IS NULL;
