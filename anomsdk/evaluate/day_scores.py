"""Days of one animal as a plan judges them: untouched, and with generated changes put into single days."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.framer import Framer
from anomsdk.core.pipeline import Chain, Result
from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.errors import InputError
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.synthetic.days import Change, Rows, usual_day

DAY_S = 86_400


@dataclass(frozen=True, eq=False)
class AnimalRows:
    """Diary rows of one animal, person or room.

    Parameters
    ----------
    name : its name
    rows : int16 (slots, columns); the first slot of a day stands at multiples of the slots of a day; -32768 is missing
    start_s : time of the first slot, seconds since 1970 in local time; None: unknown
    """

    name: str
    rows: Rows
    start_s: float | None = None


@dataclass(frozen=True)
class AnimalDay:
    """One judged day.

    Parameters
    ----------
    animal : name of the animal
    day : index of the day, from 0
    score : score of the last judged slot
    in_alarm : True if an alarm stood at any time of the day
    raised : indices of the slots, counted over all days, at which an alarm began
    """

    animal: str
    day: int
    score: int
    in_alarm: bool
    raised: tuple[int, ...]


@dataclass(frozen=True)
class ChangedDay:
    """Judged day at the end of a generated change.

    Parameters
    ----------
    animal, day : as `AnimalDay`, of the last day of the change
    kind : name of the change
    score : score of the last judged slot of that day
    found : True if an alarm stood at any time of the change
    """

    animal: str
    day: int
    kind: str
    score: int
    found: bool


def slots_of(plan: Plan) -> int:
    """Return the slots of a day of a plan that judges days.

    Raises
    ------
    InputError : the plan takes other samples than rows of a diary
    """
    if not isinstance(plan.sensor, DiarySensorPlan):
        raise InputError(f"`plan`: {plan.name} takes {plan.sensor.kind} samples, and no days; give a plan of a diary")
    return DAY_S // plan.sensor.slot_s


class _Run(Chain):
    """Chain whose state between two days can be copied."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, Autoencoder(plan.layers))

    def copy(self) -> _Run:
        """Return an independent copy. A row is a window, so that no row waits in the framer between two."""
        other = copy.deepcopy(self, {id(self._plan): self._plan})
        other._framer = Framer(self._plan.framer, self._plan.columns, 1)  # the old one looks at its samples by a view
        other._framer.resume(self._framer.next_hop, 0)
        return other

    def day(self, rows: NDArray[np.int16]) -> list[Result]:
        """Take the rows of a day."""
        return [*self.due(), *(result for ticks in self.ticks(rows) for result in self.results(ticks))]


class _Alarm:
    """Alarm of a stream of results, day by day."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self.stands = False

    def day(self, animal: str, day: int, results: Sequence[Result]) -> AnimalDay | None:
        """Follow the results of a day; None where no slot was judged."""
        judged, raised = [], []
        in_alarm = self.stands
        for result in results:
            for event in result.events:
                if event.raised:
                    raised.append(result.hop)
                    self.stands = in_alarm = True
                elif event.cleared:
                    self.stands = False
            if result.judged and not result.void:
                judged.append(result.score)
        if not judged:
            return None
        return AnimalDay(animal, day, judged[-1], in_alarm, tuple(raised))


def judged_days(plan: Plan, animal: AnimalRows, engine: str | None) -> list[AnimalDay]:
    """Judge the rows of an animal with a fresh pipeline.

    Parameters
    ----------
    plan : plan of a diary
    animal : rows
    engine : as `anomsdk.Pipeline`
    """
    slots, found = slots_of(plan), list[AnimalDay]()
    alarm = _Alarm(slots)
    with Pipeline(plan, engine) as pipeline:
        for day, rows in enumerate(_by_day(animal.rows, slots)):
            each = alarm.day(animal.name, day, pipeline.process(rows))
            found += [] if each is None else [each]
    return found


def changed_days(
    plan: Plan, animal: AnimalRows, changes: Sequence[Change], rng: np.random.Generator
) -> Iterator[ChangedDay]:
    """Put every change into every whole day that begins without an alarm, once the animal's own days are learnt.

    The pipeline before the day goes on with the changed rows, and without them: one change does not follow another.
    Engine reference runs it, whose integers are those of every engine.

    Parameters
    ----------
    plan : plan of a diary
    animal : rows
    changes : changes of `anomsdk.synthetic.days`
    rng : source of chance
    """
    slots = slots_of(plan)
    days = list(_by_day(animal.rows, slots))
    runs, alarm = _Run(plan), _Alarm(slots)
    for day, rows in enumerate(days):
        before = runs.copy(), alarm.stands
        judged = alarm.day(animal.name, day, runs.day(rows))
        if judged is None or before[1] or len(rows) < slots:
            continue
        usual = usual_day(animal.rows[: day * slots], slots)
        for change in changes:
            end = day + change.days
            if end <= len(days) and len(days[end - 1]) == slots:
                given = change.put(animal.rows[day * slots : end * slots], usual, rng)
                made = _followed(before[0].copy(), animal.name, day, given, slots)
                if made is not None:
                    last, found = made
                    yield ChangedDay(animal.name, last.day, change.name, last.score, found)


def _followed(runs: _Run, name: str, first: int, rows: Rows, slots: int) -> tuple[AnimalDay, bool] | None:
    """Run changed rows; None where the last day is not judged."""
    alarm, found, last = _Alarm(slots), False, None
    for day, each in enumerate(_by_day(rows, slots), start=first):
        last = alarm.day(name, day, runs.day(each))
        found |= last is not None and last.in_alarm
    return None if last is None else (last, found)


def _by_day(rows: Rows, slots: int) -> Iterator[NDArray[np.int16]]:
    return (rows[at : at + slots] for at in range(0, len(rows), slots))
