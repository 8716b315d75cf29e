-- The books of one retailer. Reads nothing; read by every page the retailer serves.
-- One row of seed: what was loaded. One row of sale: a transaction in its latest version, one row of line: a line of it.
CREATE TABLE IF NOT EXISTS seed (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    anchor       date NOT NULL,          -- the business day that the first day of the source data became
    seeded_until date NOT NULL           -- days up to this one are in sale and line
);
CREATE TABLE IF NOT EXISTS store (
    store_no  smallint PRIMARY KEY,
    store_id  text NOT NULL UNIQUE,
    name      text NOT NULL
);
CREATE TABLE IF NOT EXISTS product (
    product_id integer PRIMARY KEY,
    sku        text NOT NULL UNIQUE,
    name       text,
    category   text,
    price      numeric(14, 4)
);
CREATE TABLE IF NOT EXISTS customer (
    customer_id integer PRIMARY KEY,
    country     text NOT NULL,
    since       timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS sale (
    sale_id      bigint NOT NULL,
    reference    text NOT NULL,          -- the invoice number; from the second cycle on with -1, -2, ...
    kind         text NOT NULL CHECK (kind IN ('sale', 'return', 'adjustment', 'origin')),
    parent_id    bigint,                 -- of a return: the sale it takes back
    store_no     smallint,
    customer_id  integer,                -- null: a guest
    country      text NOT NULL,
    sold_at      timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    version      integer NOT NULL DEFAULT 1,
    is_pending   boolean NOT NULL DEFAULT false,  -- a return whose sale has not been touched by it yet
    status       text,                   -- of a web shop's order, when it is another than its refunds say
    printed_time text                    -- what an export prints for sold_at when it must not be right
);
DO $$  -- books from before there was a status; without the test, ALTER TABLE would lock every page out each night
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'sale'::regclass AND attname = 'status') THEN
        ALTER TABLE sale ADD COLUMN status text;
    END IF;
END
$$;
CREATE TABLE IF NOT EXISTS line (
    sale_id     bigint NOT NULL,
    line_no     integer NOT NULL,
    product_id  integer NOT NULL,
    name        text,
    quantity    numeric(12, 3) NOT NULL,
    unit_price  numeric(14, 4) NOT NULL,
    discount    numeric(14, 2) NOT NULL DEFAULT 0,
    source_line integer                  -- of a returned line: the line of the parent it takes back
);
CREATE TABLE IF NOT EXISTS export_file (
    day  date PRIMARY KEY,
    body bytea NOT NULL                  -- an export as it was before a later correction: files do not change
);
