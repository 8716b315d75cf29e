-- The releases go too: they can be loaded again.
DROP SCHEMA IF EXISTS vpic CASCADE;
DROP SCHEMA IF EXISTS vpic_previous CASCADE;
DROP SCHEMA vehicles CASCADE;
