-- Remembers which days are in the books; the anchor never changes. Read by extend_books.
INSERT INTO seed (anchor, seeded_until) VALUES (%(anchor)s, %(until)s)
ON CONFLICT (only_row) DO UPDATE SET seeded_until = EXCLUDED.seeded_until
