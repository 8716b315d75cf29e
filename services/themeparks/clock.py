"""Which poll of the recorded sequence is shown, and when it is supposed to be."""

from datetime import UTC, datetime, timedelta

STEP = timedelta(minutes=5)


class Clock:
    """Follows the real time, the sequence over and over; or stands at a poll until it is told otherwise.

    Following, times are shifted so that the poll that is shown was recorded in the running five minutes. Standing,
    they are those of the recording.
    """

    def __init__(self, first: datetime, polls: int, poll: int | None = None) -> None:
        self.first, self.polls = first, polls
        self.stand_at(poll)

    def stand_at(self, poll: int | None) -> None:
        """Stand at a poll, counted from 0; None follows the real time.

        Raises:
            ValueError: there is no such poll.
        """
        if poll is not None and (
            isinstance(poll, bool) or not isinstance(poll, int) or not 0 <= poll < self.polls
        ):
            raise ValueError(f"there is no poll {poll!r}: they are 0 to {self.polls - 1}")
        self._poll = poll

    def now(self) -> datetime:
        """Return the time that the answers belong to, UTC, whole seconds."""
        return (
            datetime.now(UTC).replace(microsecond=0) if self._poll is None else self.first + self._poll * STEP
        )

    def poll(self) -> int:
        """Return the number of the poll that is shown."""
        if self._poll is not None:
            return self._poll
        return int(self.now().timestamp() // STEP.total_seconds()) % self.polls

    def shift(self) -> timedelta:
        """Return what recorded times are moved by."""
        if self._poll is not None:
            return timedelta()
        now = self.now()
        running = now - timedelta(seconds=now.timestamp() % STEP.total_seconds())
        return running - (self.first + self.poll() * STEP)
