-- depends: 0001.ops
-- Schema retail: the star. Schema staging: unlogged tables that a load fills and empties.

CREATE SCHEMA IF NOT EXISTS retail;
CREATE SCHEMA IF NOT EXISTS staging;
COMMENT ON SCHEMA retail IS 'Sales of all retailers as a star: fact_sales and its dimensions, and the views over them.';
COMMENT ON SCHEMA staging IS 'Work tables of loads, unlogged; nothing here is kept.';

CREATE TABLE retail.dim_date (
    date_key       date PRIMARY KEY,
    year           smallint NOT NULL,
    quarter        smallint NOT NULL,
    month          smallint NOT NULL,
    month_name     text NOT NULL,
    iso_year       smallint NOT NULL,
    iso_week       smallint NOT NULL,
    day_of_month   smallint NOT NULL,
    iso_weekday    smallint NOT NULL,
    weekday_name   text NOT NULL,
    is_weekend     boolean NOT NULL
);
COMMENT ON TABLE retail.dim_date IS 'One row a calendar day. The key is the day itself, so that facts can be filtered without a join.';
COMMENT ON COLUMN retail.dim_date.iso_weekday IS '1 Monday to 7 Sunday.';

CREATE TABLE retail.dim_retailer (
    retailer_key  smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    retailer_id   text NOT NULL UNIQUE,
    retailer_name text NOT NULL,
    source_kind   text NOT NULL,
    timezone      text NOT NULL,
    currency      char(3) NOT NULL
);
COMMENT ON TABLE retail.dim_retailer IS 'One row a retailer of the workflow file (slowly changing dimension, type 1).';
COMMENT ON COLUMN retail.dim_retailer.timezone IS 'IANA zone that business days are counted in.';
COMMENT ON COLUMN retail.dim_retailer.currency IS 'ISO 4217; every amount of the retailer is in it.';

CREATE TABLE retail.dim_store (
    store_key    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    retailer_key smallint NOT NULL REFERENCES retail.dim_retailer,
    store_id     text NOT NULL,
    store_name   text,
    updated_at   timestamptz NOT NULL,
    UNIQUE (retailer_key, store_id)
);
COMMENT ON TABLE retail.dim_store IS 'One row a store of a retailer (type 1). store_id '''' is the unknown member, one for each retailer.';

CREATE TABLE retail.dim_customer (
    customer_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    retailer_key smallint NOT NULL REFERENCES retail.dim_retailer,
    customer_id  text NOT NULL,
    country      text,
    updated_at   timestamptz NOT NULL,
    UNIQUE (retailer_key, customer_id)
);
COMMENT ON TABLE retail.dim_customer IS 'One row a customer of a retailer (type 1), without names or addresses. customer_id '''' is the unknown member, one for each retailer.';

CREATE TABLE retail.category_rule (
    priority integer PRIMARY KEY,
    pattern  text NOT NULL,
    category text NOT NULL
);
COMMENT ON TABLE retail.category_rule IS 'One row a rule that gives a product a category where the source gives none: the first pattern (case-insensitive regular expression on the product name, lowest priority first) wins.';

CREATE TABLE retail.dim_product (
    product_key  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    retailer_key smallint NOT NULL REFERENCES retail.dim_retailer,
    product_id   text NOT NULL,
    product_name text,
    category     text NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (retailer_key, product_id)
);
COMMENT ON TABLE retail.dim_product IS 'One row a product of a retailer (type 1), by its code as the retailer writes it, outer spaces removed.';
COMMENT ON COLUMN retail.dim_product.category IS 'From the source, else from retail.category_rule, else Uncategorised.';

CREATE TABLE retail.fact_sales (
    business_date     date NOT NULL,
    retailer_key      smallint NOT NULL,
    store_key         integer NOT NULL,
    customer_key      integer NOT NULL,
    product_key       integer NOT NULL,
    transaction_id    text COLLATE "C" NOT NULL,
    line_id           text COLLATE "C" NOT NULL,
    sold_at           timestamptz NOT NULL,
    quantity          numeric(12, 3) NOT NULL,
    unit_price        numeric(14, 4) NOT NULL,
    discount          numeric(14, 2) NOT NULL,
    total             numeric(14, 2) NOT NULL,
    source_updated_at timestamptz NOT NULL,
    run_id            bigint NOT NULL
) PARTITION BY RANGE (business_date);
COMMENT ON TABLE retail.fact_sales IS 'One row a line of a transaction, in its latest version. Returns and cancellations are rows of their own with a negative quantity. Partitioned by month of business_date.';
COMMENT ON COLUMN retail.fact_sales.business_date IS 'Day of the sale in the retailer''s own time zone; joins dim_date.date_key.';
COMMENT ON COLUMN retail.fact_sales.unit_price IS 'Price of one unit before discount, in the retailer''s currency.';
COMMENT ON COLUMN retail.fact_sales.discount IS 'Discount on the line; negative on a returned line, as total is.';
COMMENT ON COLUMN retail.fact_sales.total IS 'quantity * unit_price - discount, as the source gives it.';
COMMENT ON COLUMN retail.fact_sales.source_updated_at IS 'When the source last changed the transaction: its version.';
COMMENT ON COLUMN retail.fact_sales.run_id IS 'The run of ops.job_run that loaded the row.';
CREATE UNIQUE INDEX fact_sales_business_key ON retail.fact_sales (transaction_id, line_id, retailer_key, business_date);
CREATE INDEX fact_sales_business_date ON retail.fact_sales USING brin (business_date) WITH (pages_per_range = 32);

CREATE UNLOGGED TABLE staging.retail_sales (
    retailer_id       text NOT NULL,
    business_date     date NOT NULL,
    store_id          text NOT NULL,
    store_name        text,
    customer_id       text NOT NULL,
    customer_country  text,
    product_id        text NOT NULL,
    product_name      text,
    category          text,
    transaction_id    text COLLATE "C" NOT NULL,
    line_id           text COLLATE "C" NOT NULL,
    sold_at           timestamptz NOT NULL,
    quantity          numeric(12, 3) NOT NULL,
    unit_price        numeric(14, 4) NOT NULL,
    discount          numeric(14, 2) NOT NULL,
    total             numeric(14, 2) NOT NULL,
    updated_at        timestamptz NOT NULL
);
COMMENT ON TABLE staging.retail_sales IS 'Lines of the raw Parquet files of one load, every version of them. Emptied at the start of each load; '''' stands for an unknown store or customer.';

INSERT INTO retail.category_rule (priority, pattern, category) VALUES
    (10, '(postage|carriage|manual|bank charges|amazon fee|dotcom|samples|adjust|discount|cruk)', 'Services'),
    (20, '(christmas|xmas|advent|santa|reindeer|bauble|snowflake)', 'Christmas'),
    (30, '(candle|t-light|lantern|lamp|light)', 'Lighting'),
    (40, '(mug|cup|plate|bowl|teapot|tea |spoon|cutlery|kitchen|cake|baking|jar|tin|bottle|lunch|apron|glass)', 'Kitchen'),
    (50, '(bag|purse|wallet|luggage|shopper|umbrella)', 'Bags'),
    (60, '(card|wrap|ribbon|paper|notebook|pencil|pen |sticker|envelope|calendar|stamp)', 'Stationery'),
    (70, '(necklace|bracelet|earring|ring|brooch|hair|jewel|scarf)', 'Jewellery'),
    (80, '(toy|game|doll|puzzle|skipping|playhouse|soldier|children|kids|baby|spaceboy|dolly)', 'Toys'),
    (90, '(garden|flower|plant|bird|parasol|watering|deckchair)', 'Garden'),
    (100, '(cushion|frame|clock|sign|hook|heart|box|drawer|cabinet|mirror|doormat|wicker|holder|decoration|bunting|wall|hanging)', 'Home');
