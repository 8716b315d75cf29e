DROP TABLE ops.void_transaction;
