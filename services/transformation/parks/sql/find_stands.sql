-- Grain: a row a posting of a ride in a piece, and one for the posting that stood at the piece's start
-- (is_posted false), with the stretch of the piece in which it stood.
-- Reads parks.ride_status_snapshots of the chosen source. A posting stands until the next one of its ride, and
-- at most (docs/decisions/parks-statistics.md says why):
--   LIVE                          90 minutes: the collector repeats every hour what did not change
--   OPERATING or DOWN, posted while the park was open   until it closes
--   OPERATING or DOWN otherwise   4 hours
--   everything else               24 hours
INSERT INTO stats_stand
WITH posted AS (
    SELECT piece.piece_id, ride.ride_id, snapshot.recorded_at, snapshot.status, snapshot.wait_minutes
    FROM stats_piece AS piece
    JOIN parks.rides AS ride ON ride.park_id = piece.park_id
    CROSS JOIN LATERAL (  -- OFFSET 0: one look into the key a ride and piece, not every snapshot against every piece
        SELECT recorded_at, status, wait_minutes
        FROM parks.ride_status_snapshots
        WHERE ride_id = ride.ride_id AND data_source = piece.data_source
          AND recorded_at >= piece.starts_at AND recorded_at < piece.ends_at
          AND recorded_at >= %(first_at)s AND recorded_at < %(last_at)s
        OFFSET 0
    ) AS snapshot
), carried AS (
    SELECT piece.piece_id, shown.ride_id, before.recorded_at, before.status, before.wait_minutes
    FROM (SELECT DISTINCT piece_id, ride_id FROM posted) AS shown
    JOIN stats_piece AS piece USING (piece_id)
    CROSS JOIN LATERAL (
        SELECT snapshot.recorded_at, snapshot.status, snapshot.wait_minutes
        FROM parks.ride_status_snapshots AS snapshot
        WHERE snapshot.ride_id = shown.ride_id AND snapshot.data_source = piece.data_source
          AND snapshot.recorded_at < piece.starts_at
          AND snapshot.recorded_at >= piece.starts_at - interval '24 hours'
          AND snapshot.recorded_at >= %(first_at)s - interval '24 hours' AND snapshot.recorded_at < %(last_at)s
        ORDER BY snapshot.recorded_at DESC
        LIMIT 1
    ) AS before
), followed AS (
    SELECT *, lead(recorded_at) OVER (PARTITION BY piece_id, ride_id ORDER BY recorded_at) AS next_at
    FROM (SELECT * FROM posted UNION ALL SELECT * FROM carried) AS postings
), held AS (
    SELECT followed.*, piece.starts_at, piece.ends_at,
           recorded_at + CASE WHEN piece.data_source = 'LIVE' THEN interval '90 minutes'
                              WHEN status IN ('OPERATING', 'DOWN') AND span.piece_id IS NULL THEN interval '4 hours'
                              ELSE interval '24 hours' END AS longest_at,
           CASE WHEN status IN ('OPERATING', 'DOWN') THEN span.closes_at END AS closes_at
    FROM followed
    JOIN stats_piece AS piece USING (piece_id)
    LEFT JOIN stats_span AS span
           ON span.piece_id = followed.piece_id AND NOT span.is_operating
          AND span.opens_at <= followed.recorded_at AND span.closes_at > followed.recorded_at
)
SELECT piece_id, ride_id, greatest(recorded_at, starts_at), least(next_at, longest_at, closes_at, ends_at),
       status, wait_minutes, recorded_at >= starts_at
FROM held
WHERE greatest(recorded_at, starts_at) < least(next_at, longest_at, closes_at, ends_at);
