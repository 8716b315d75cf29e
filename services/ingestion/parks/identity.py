"""Which ride of ours a ride of another system is, by the names alone: pure functions, nothing is written.

The order is UUID, the exact folded name within the park, a nearly equal name within the park. Two rides that
fit equally well are never chosen between, and a name that fits none well enough is left to people.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from shared.names import fold_name

LETTERS_PER_EDIT = 8  # one edit for every eight letters of the name: a name of seven is exact or nothing
WORD_LETTERS_PER_EDIT = 4  # ... and within one word one for every four, at least one from five letters on
SMALLEST_WORD = 5
MARGIN = 8.0  # points by which the best likeness must beat the second
SHOWN, SHOWN_FROM = 3, 55.0  # candidates for people: how many, and from which likeness on
_SMALL_WORDS = {"the", "a", "an", "and"}
_ROMAN = dict(
    zip(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"], map(str, range(1, 11)), strict=True)
)
_SINGLE_RIDER = re.compile(r"\bsingle riders?( (line|queue|entrance))?\b")
NAMED_TYPES = ("ATTRACTION", "SHOW", None)  # restaurants, hotels and parks are matched by UUID alone


@dataclass(frozen=True)
class Ride:
    """A ride of ours; `names` are all folded names it ever had, `name` is today's as it is written."""

    ride_id: int
    entity_id: UUID
    park_id: UUID | None
    name: str
    names: tuple[str, ...]
    entity_type: str | None = None


@dataclass(frozen=True)
class Park:
    """A park that rides may name by its UUID, slug or name."""

    park_id: UUID
    name: str | None
    slug: str | None


@dataclass(frozen=True)
class External:
    """A ride of another system, as its file has it; `uuid` is the text of its UUID column, if it has one."""

    external_id: str
    name: str
    park: str
    uuid: str = ""


@dataclass(frozen=True)
class Candidate:
    """A ride that people may choose; likeness 0 to 100."""

    ride_id: int
    name: str
    score: float


@dataclass(frozen=True)
class Verdict:
    """What was found for a ride: `ride_id` with the method, or the reason why people must look."""

    external: External
    ride_id: int | None = None
    method: str | None = None
    score: float | None = None
    queue_type: str = "STANDBY"
    park_id: UUID | None = None
    reason: str = ""
    candidates: tuple[Candidate, ...] = field(default=())


class Matcher:
    """Finds the rides of other systems among ours."""

    def __init__(self, rides: Iterable[Ride], parks: Iterable[Park]) -> None:
        self._by_entity: dict[UUID, Ride] = {}
        self._by_park: dict[UUID, dict[str, list[Ride]]] = {}
        self._parks: dict[str, set[UUID]] = {}
        for ride in rides:
            self._by_entity[ride.entity_id] = ride
            if ride.park_id is not None and ride.entity_type in NAMED_TYPES:
                names = self._by_park.setdefault(ride.park_id, {})
                for name in set(ride.names):
                    names.setdefault(name, []).append(ride)
        for park in parks:
            for key in (str(park.park_id), _squash(park.slug), _squash(park.name)):
                if key:
                    self._parks.setdefault(key, set()).add(park.park_id)

    def match(self, external: External) -> Verdict:
        """Find the ride, or say why none was taken."""
        park_id, doubt = self._find_park(external.park)
        if external.uuid.strip():
            return self._by_uuid(external, park_id)
        if park_id is None:
            return Verdict(external, reason=doubt)
        folded = fold_name(external.name)
        if not folded:
            return Verdict(external, park_id=park_id, reason="the name has no letter or digit to go by")
        return self._by_name(external, park_id, folded)

    def _find_park(self, text: str) -> tuple[UUID | None, str]:
        found = self._parks.get(text.strip().lower()) or self._parks.get(_squash(text)) or set()
        if len(found) == 1:
            return next(iter(found)), ""
        if found:
            return None, f"{len(found)} parks are called {text!r}: name it by its UUID"
        return None, f"there is no park {text!r}"

    def _by_uuid(self, external: External, park_id: UUID | None) -> Verdict:
        try:
            ride = self._by_entity.get(UUID(external.uuid.strip()))
        except ValueError:
            return Verdict(external, park_id=park_id, reason=f"{external.uuid!r} is no UUID")
        if ride is None:
            return Verdict(external, park_id=park_id, reason=f"no ride has the UUID {external.uuid.strip()}")
        _, queue_type = split_queue(fold_name(external.name))
        return Verdict(external, ride.ride_id, "uuid", None, queue_type, ride.park_id)

    def _by_name(self, external: External, park_id: UUID, folded: str) -> Verdict:
        names = self._by_park.get(park_id, {})
        stripped, queue_type = split_queue(folded)
        for name, queue in ((folded, "STANDBY"), (stripped, queue_type)):
            same = names.get(name, [])
            if len(same) == 1:
                return Verdict(external, same[0].ride_id, "exact", 100.0, queue, park_id)
            if same:
                found = tuple(Candidate(ride.ride_id, ride.name, 100.0) for ride in same)
                reason = f"{len(same)} rides of the park have this name"
                return Verdict(external, park_id=park_id, reason=reason, candidates=found)
        return self._nearly(external, park_id, stripped, queue_type)

    def _nearly(self, external: External, park_id: UUID, folded: str, queue_type: str) -> Verdict:
        """Take the one ride whose name is equal but for a few letters."""
        names = self._by_park.get(park_id, {})
        best: dict[int, tuple[float, Ride, bool]] = {}
        for name, rides in names.items():
            score, fits = likeness(folded, name), is_near(folded, name)
            for ride in rides:
                best[ride.ride_id] = max(
                    best.get(ride.ride_id, (-1.0, ride, False)), (score, ride, fits), key=_rank
                )
        ranked = sorted(best.values(), key=_rank, reverse=True)
        candidates = _candidates(folded, names)
        if not ranked or not ranked[0][2]:
            reason = "no ride of the park has this name or one near enough"
            return Verdict(external, park_id=park_id, reason=reason, candidates=candidates)
        score, ride, _ = ranked[0]
        if len(ranked) > 1 and score - ranked[1][0] < MARGIN:
            reason = f"{ride.name!r} and {ranked[1][1].name!r} are too much alike to choose by the name"
            return Verdict(external, park_id=park_id, reason=reason, candidates=candidates)
        return Verdict(external, ride.ride_id, "fuzzy", round(score, 2), queue_type, park_id)


def split_queue(folded: str) -> tuple[str, str]:
    """Take the words of a single-rider line out of a folded name; return the rest and the queue it means."""
    rest = " ".join(_SINGLE_RIDER.sub(" ", folded).split())
    return (rest, "SINGLE_RIDER") if rest and rest != folded else (folded, "STANDBY")


def core_words(folded: str) -> list[str]:
    """Return the words that tell rides apart: no articles, Roman numerals as digits."""
    words = [_ROMAN.get(word, word) for word in folded.split()]
    return [word for word in words if word not in _SMALL_WORDS] or words


def likeness(one: str, other: str) -> float:
    """Return how much alike two folded names are, 0 to 100: 100 less the share of letters that are edited.

    An edit is a letter put in, left out, changed, or two neighbours swapped (optimal string alignment).
    """
    return 100 * OSA.normalized_similarity(" ".join(core_words(one)), " ".join(core_words(other)))


def is_near(one: str, other: str) -> bool:
    """Tell whether two folded names may be one name misspelt: few edits for their length, the same numbers.

    The edits are counted word by word, too: in a long name a whole word would else be free to differ
    (`... Railroad - Fantasyland` and `... Railroad - Frontierland`).
    """
    first, second = core_words(one), core_words(other)
    if _numbers(first) != _numbers(second):
        return False
    if "".join(first) == "".join(second):
        return True
    if len(first) != len(second):
        return False
    letters = min(len(" ".join(first)), len(" ".join(second)))
    edits = [OSA.distance(a, b) for a, b in zip(first, second, strict=True)]
    allowed = [_word_edits(min(len(a), len(b))) for a, b in zip(first, second, strict=True)]
    return sum(edits) <= letters // LETTERS_PER_EDIT and all(
        e <= a for e, a in zip(edits, allowed, strict=True)
    )


def _word_edits(letters: int) -> int:
    return max(1, letters // WORD_LETTERS_PER_EDIT) if letters >= SMALLEST_WORD else 0


def _numbers(words: Sequence[str]) -> list[str]:
    return sorted(str(int(number)) for word in words for number in re.findall(r"[0-9]+", word))


def _rank(item: tuple[float, Ride, bool]) -> tuple[bool, float]:
    return item[2], item[0]


def _candidates(folded: str, names: Mapping[str, Sequence[Ride]]) -> tuple[Candidate, ...]:
    """Return the likeliest rides for people to look at; here words may be missing or swapped, too."""
    found: dict[int, Candidate] = {}
    likely = process.extract(
        folded, list(names), scorer=fuzz.WRatio, score_cutoff=SHOWN_FROM, limit=2 * SHOWN
    )
    for name, score, _ in likely:
        for ride in names[name]:
            found.setdefault(ride.ride_id, Candidate(ride.ride_id, ride.name, round(score, 2)))
    return tuple(list(found.values())[:SHOWN])


def _squash(text: str | None) -> str:
    return fold_name(text or "").replace(" ", "")
