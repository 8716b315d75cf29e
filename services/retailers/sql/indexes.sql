-- Keys of sale and line, made after the first COPY. Pages are read by time of change or of sale.
ALTER TABLE sale ADD PRIMARY KEY (sale_id);
ALTER TABLE line ADD PRIMARY KEY (sale_id, line_no);
CREATE UNIQUE INDEX sale_reference ON sale (reference);
CREATE INDEX sale_updated ON sale (updated_at, sale_id);
CREATE INDEX sale_sold ON sale (sold_at, sale_id);
CREATE INDEX sale_parent ON sale (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sale_pending ON sale (sold_at) WHERE is_pending;
ANALYZE
