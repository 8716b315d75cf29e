-- The tables of the work go before the transaction ends: a second build in it starts anew.
DROP TABLE dropdown_cell, dropdown_found, dropdown_leaf
