"""`evaluate` on a plan that judges days: alarm-days of a herd, generated changes found, and lead times of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.day_events import DayEvent, LeadTimes, checked_starts, lead_times
from anomsdk.evaluate.day_scores import AnimalDay, AnimalRows, ChangedDay, changed_days, judged_days, slots_of
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.stats.intervals import (
    Figure,
    bootstrap,
    exact,
    poisson_rate,
    trials,
    trials_of_pairs,
    wider,
)
from anomsdk.stats.metrics import auc_of
from anomsdk.stats.paired import ratio_of, share_found
from anomsdk.synthetic.days import CHANGES, Change

MOST_CHANGED = 300
"""Animal-days after which no further animal gets changes, as they take long: about a second a day."""
EPISODE_GAP_DAYS = 3
"""Days without an alarm after which an alarm-day begins another episode, where the plan has no ladder."""
_PER = 1000


@dataclass(frozen=True)
class AnimalCounts:
    """Counts of one animal.

    Parameters
    ----------
    name : name of the animal
    days : days that were given
    judged : days with a judged slot
    alarm_days : judged days on which an alarm stood
    episodes : alarm-days after enough days without one
    """

    name: str
    days: int
    judged: int
    alarm_days: int
    episodes: int


@dataclass(frozen=True)
class KindFigures:
    """Figures of one kind of generated change.

    Parameters
    ----------
    name, words : as `anomsdk.synthetic.days.Change`
    n : number of days that the change was put into
    n_found : number of them on which an alarm stood at the plan's level
    found : share of them
    auc : by the score at the end of the last changed day, against all untouched days of the same animals
    """

    name: str
    words: str
    n: int
    n_found: int
    found: Figure
    auc: Figure


@dataclass(frozen=True, eq=False)
class DayEvaluation:
    """Result of `evaluate_days`.

    Parameters
    ----------
    plan : plan that was evaluated
    engine, seed : as given
    animals : counts of each animal
    per_1000 : alarm-days in 1,000 animal-days that were judged
    episodes_per_1000 : episodes in 1,000 animal-days that were judged
    episode_gap : days without an alarm that divide two episodes
    kinds : figures of each generated change; empty where none could be put in
    n_changed_animals : number of animals that changes were put into
    untouched_found : share of the days that began without an alarm and had one, on the animals that were changed
    leads : figures of labelled events; None: no labels were given
    """

    plan: Plan
    engine: str
    seed: int
    animals: tuple[AnimalCounts, ...]
    per_1000: Figure
    episodes_per_1000: Figure
    episode_gap: int
    kinds: tuple[KindFigures, ...]
    n_changed_animals: int
    untouched_found: Figure
    leads: LeadTimes | None

    def total(self, name: str) -> int:
        """Return the sum of a count over the animals."""
        return sum(getattr(each, name) for each in self.animals)


@wiping()
def evaluate_days(
    plan: Plan,
    animals: Sequence[AnimalRows],
    *,
    events: Sequence[DayEvent] | None = None,
    changes: Mapping[str, Change] = CHANGES,
    engine: str | None = None,
    seed: int = 0,
    most_changed: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DayEvaluation:
    """Judge the days of a herd, and put generated changes into them.

    Every animal begins with a fresh pipeline, which learns before it judges. A change counts as found where an alarm
    stood at the plan's level on its days; changes are put only into days that begin without an alarm.

    Parameters
    ----------
    plan : plan of a diary
    animals : rows of each animal; names must differ
    events : labelled events; None: there are no labels
    changes : name -> generated change
    engine : as `anomsdk.Pipeline`; changed days always run on engine reference, whose integers are the same
    seed : seed of the changes, of the order of animals that get them, and of the bootstrap
    most_changed : animal-days after which no further animal gets changes; 0: none does; None: `MOST_CHANGED`
    progress : called with the number of slots done, and of all

    Returns
    -------
    DayEvaluation

    Raises
    ------
    InputError : a plan without days, no animal, two of one name, rows that do not fit, or no animal with a judged day
    """
    slots = slots_of(plan)
    _check(plan, animals, seed)
    checked_starts(animals, events or ())
    with Pipeline(plan, engine) as pipeline:
        engine = pipeline.engine
    most_changed = MOST_CHANGED if most_changed is None else most_changed
    total, done = 2 * sum(len(each.rows) for each in animals), 0
    judged = dict[str, list[AnimalDay]]()
    for each in animals:
        judged[each.name] = judged_days(plan, each, engine)
        done += len(each.rows)
        progress(done, total)
    if not any(judged.values()):
        need = plan.samples_to_first_tick // slots
        raise InputError(f"`normal`: no animal has a judged day; give more than {need} days of each")
    gap = EPISODE_GAP_DAYS if plan.ladder is None else plan.ladder.episode_gap or EPISODE_GAP_DAYS
    counts = tuple(
        AnimalCounts(
            each.name,
            -(-len(each.rows) // slots),
            len(judged[each.name]),
            sum(day.in_alarm for day in judged[each.name]),
            _episodes(judged[each.name], gap),
        )
        for each in animals
    )
    changed, names = list[ChangedDay](), list[str]()
    for at in np.random.default_rng(seed).permutation(len(animals)).tolist():
        animal = animals[at]
        if len({(each.animal, each.day) for each in changed}) >= most_changed:
            break
        rng = np.random.default_rng([seed, at])
        changed += changed_days(plan, animal, list(changes.values()), rng)
        names.append(animal.name)
        done += len(animal.rows)
        progress(done, total)
    progress(total, total)
    untouched = [day for name in names for day in judged[name]]
    return DayEvaluation(
        plan=plan,
        engine=engine,
        seed=seed,
        animals=counts,
        per_1000=_rate([each.alarm_days for each in counts], counts, seed),
        episodes_per_1000=_rate([each.episodes for each in counts], counts, seed),
        episode_gap=gap,
        kinds=tuple(
            _kind(change, [each for each in changed if each.kind == name], untouched, seed)
            for name, change in changes.items()
            if any(each.kind == name for each in changed)
        ),
        n_changed_animals=len({each.animal for each in changed}),
        untouched_found=_begun(untouched, seed),
        leads=None if events is None else lead_times(plan, animals, judged, events, seed),
    )


def _check(plan: Plan, animals: Sequence[AnimalRows], seed: int) -> None:
    if seed < 0:
        raise InputError(f"`seed={seed}`: give 0 or more")
    if not animals:
        raise InputError("`normal`: there is no animal; give a file with rows")
    names = [each.name for each in animals]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"`normal`: {len(twice)} name(s) occur twice, e.g. {twice[0]}; give each animal its own")
    for each in animals:
        if each.rows.dtype != np.int16 or each.rows.ndim != 2 or each.rows.shape[1] != plan.columns:
            raise InputError(
                f"{each.name}: rows are {each.rows.dtype} {each.rows.shape}; the plan takes int16 with "
                f"{plan.columns} column(s)"
            )


def _episodes(days: Sequence[AnimalDay], gap: int) -> int:
    """Count alarm-days that come after ``gap`` days without one, or as the first."""
    found, last = 0, None
    for each in days:
        if each.in_alarm:
            found += last is None or each.day - last > gap
            last = each.day
    return found


def _rate(counted: Sequence[int], animals: Sequence[AnimalCounts], seed: int) -> Figure:
    """Compute events in 1,000 animal-days; the interval is the wider one of resampled animals and of Poisson."""
    days = np.array([each.judged for each in animals])
    drawn = bootstrap([each.name for each in animals], (), ratio_of(np.array(counted), days), seed=seed)
    found = wider(drawn, poisson_rate(sum(counted), float(days.sum())))
    value, low, high = (None if end is None else _PER * end for end in (found.value, found.low, found.high))
    return Figure(value, low, high)


def _kind(change: Change, days: Sequence[ChangedDay], untouched: Sequence[AnimalDay], seed: int) -> KindFigures:
    found = np.array([each.found for each in days])
    normal, changed = [each.animal for each in untouched], [each.animal for each in days]
    curve = auc_of([each.score for each in untouched], [each.score for each in days])
    return KindFigures(
        change.name,
        change.words,
        len(days),
        int(found.sum()),
        share_found(changed, found, seed),
        bootstrap(normal, changed, curve, seed=seed, rests_on=trials_of_pairs(normal, changed)),
    )


def _begun(days: Sequence[AnimalDay], seed: int) -> Figure:
    """Compute the share of days on which an alarm began, of those that began without one."""
    fresh = [each for each in days if not each.in_alarm or each.raised]
    if not fresh:
        return exact(0.0, trials(()))
    return share_found([each.animal for each in fresh], np.array([bool(each.raised) for each in fresh]), seed)
