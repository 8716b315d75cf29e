-- What bench/star_load.py measures against. One schema, written by hand, without partitions, versions, ledger or
-- BRIN: the least that gives a star.

-- name: lines_table
CREATE UNLOGGED TABLE lines (
    retailer_id text NOT NULL, business_date date NOT NULL, store_id text NOT NULL, store_name text,
    customer_id text NOT NULL, customer_country text, product_id text NOT NULL, product_name text, category text,
    transaction_id text COLLATE "C" NOT NULL, line_id text COLLATE "C" NOT NULL, sold_at timestamptz NOT NULL,
    quantity numeric(12, 3) NOT NULL, unit_price numeric(14, 4) NOT NULL, discount numeric(14, 2) NOT NULL,
    total numeric(14, 2) NOT NULL, updated_at timestamptz NOT NULL
);

-- name: lines_key
CREATE UNIQUE INDEX lines_key ON lines (transaction_id, line_id, retailer_id, business_date);

-- name: copy_lines
COPY lines FROM STDIN WITH (FORMAT csv)

-- name: make_months
SELECT retail.ensure_fact_partitions(%(first)s, %(last)s)

-- name: star_tables
CREATE TABLE retailer (retailer_key smallint GENERATED ALWAYS AS IDENTITY, retailer_id text PRIMARY KEY);
CREATE TABLE store (
    store_key integer GENERATED ALWAYS AS IDENTITY, retailer_key smallint, store_id text, store_name text,
    PRIMARY KEY (retailer_key, store_id)
);
CREATE TABLE customer (
    customer_key integer GENERATED ALWAYS AS IDENTITY, retailer_key smallint, customer_id text, country text,
    PRIMARY KEY (retailer_key, customer_id)
);
CREATE TABLE product (
    product_key integer GENERATED ALWAYS AS IDENTITY, retailer_key smallint, product_id text, product_name text,
    PRIMARY KEY (retailer_key, product_id)
);
CREATE TABLE sales (
    business_date date NOT NULL, retailer_key smallint NOT NULL, store_key integer NOT NULL,
    customer_key integer NOT NULL, product_key integer NOT NULL, transaction_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL, sold_at timestamptz NOT NULL, quantity numeric(12, 3) NOT NULL,
    unit_price numeric(14, 4) NOT NULL, discount numeric(14, 2) NOT NULL, total numeric(14, 2) NOT NULL,
    source_updated_at timestamptz NOT NULL, run_id bigint NOT NULL
);
CREATE UNIQUE INDEX sales_key ON sales (transaction_id, line_id, retailer_key, business_date);

-- name: fill_dimensions
ANALYZE lines;
INSERT INTO retailer (retailer_id) SELECT DISTINCT retailer_id FROM lines ON CONFLICT DO NOTHING;
INSERT INTO store (retailer_key, store_id, store_name)
SELECT retailer_key, store_id, max(store_name) FROM lines JOIN retailer USING (retailer_id) GROUP BY retailer_key, store_id
ON CONFLICT (retailer_key, store_id) DO UPDATE SET store_name = EXCLUDED.store_name;
INSERT INTO customer (retailer_key, customer_id, country)
SELECT retailer_key, customer_id, max(customer_country) FROM lines JOIN retailer USING (retailer_id)
GROUP BY retailer_key, customer_id
ON CONFLICT (retailer_key, customer_id) DO UPDATE SET country = EXCLUDED.country;
INSERT INTO product (retailer_key, product_id, product_name)
SELECT retailer_key, product_id, max(product_name) FROM lines JOIN retailer USING (retailer_id)
GROUP BY retailer_key, product_id
ON CONFLICT (retailer_key, product_id) DO UPDATE SET product_name = EXCLUDED.product_name;
ANALYZE retailer, store, customer, product;

-- name: fill_sales
INSERT INTO sales
SELECT s.business_date, r.retailer_key, st.store_key, c.customer_key, p.product_key, s.transaction_id, s.line_id,
       s.sold_at, s.quantity, s.unit_price, s.discount, s.total, s.updated_at, 1
FROM lines AS s
JOIN retailer AS r USING (retailer_id)
JOIN store AS st USING (retailer_key, store_id)
JOIN customer AS c USING (retailer_key, customer_id)
JOIN product AS p USING (retailer_key, product_id)

-- name: unless_known
ON CONFLICT (transaction_id, line_id, retailer_key, business_date) DO NOTHING
