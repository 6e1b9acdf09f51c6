"""The table of the alarm's life cycle holds in every engine, and the page and the picture are made of it."""

from xml.etree import ElementTree

import pytest

from anomsdk.core.alarm import Annunciation
from anomsdk.core.event import Input, Kind, State
from tests.support import alarm_page
from tests.support.alarm_table import found, rows

ROWS = list(rows())
NAMES = [f"{row.state}: {', '.join(row.input)} after {', '.join(row.after)} ({row.plan})" for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_holds_in_python(row):
    assert found(row, "reference") == row


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_holds_in_c(native, row):
    assert found(row, "native") == row


def test_every_row_is_another_one():
    assert len({(row.plan, row.after, row.input) for row in ROWS}) == len(ROWS)


def test_the_table_names_every_state_input_kind_and_signal():
    """A kind, an input or a signal that is added asks for its row."""
    events = [event for row in ROWS for event in row.events]
    assert {row.state for row in ROWS} == {state.name for state in State if state != State.PENDING}
    assert {signal for row in ROWS for signal in row.annunciation.split(", ") if signal} == {
        signal.name for signal in Annunciation
    }
    happened = {event.split(",")[0] for event in events}
    assert {given.word for given in Input} <= happened
    assert {kind.word for kind in (Kind.RESTART, Kind.HEARTBEAT, Kind.REPEAT)} <= happened
    assert {"prealarm", "raise", "escalation", "clear", "clipped raised", "clipped cleared"} <= happened


@pytest.mark.parametrize("given", ["hit", "low", "fault", "acknowledge", "cancel", "out", "test", "silence 2", "gap 3"])
@pytest.mark.parametrize("state", [state.name for state in State if state != State.PENDING])
def test_every_state_has_a_row_of_every_input_that_matters(state, given):
    assert any(row.state == state and row.input == (given,) for row in ROWS)


def test_the_page_is_made_of_the_table():
    assert alarm_page.PAGE.read_text("utf-8") == alarm_page.page(alarm_page.PAGE.read_text("utf-8")), (
        "run make alarm-table"
    )


def test_the_picture_is_made_of_the_table():
    assert alarm_page.PICTURE.read_text("utf-8") == alarm_page.drawn(), "run make alarm-table"


def test_the_picture_fetches_nothing_and_follows_the_readers_colours():
    picture = alarm_page.PICTURE.read_text("utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture.replace('xmlns="http://www.w3.org/2000/svg"', "").count("//") == 0, "an address in the picture"
    assert "prefers-color-scheme: dark" in picture


def test_every_change_of_state_in_the_table_is_an_arrow_and_every_arrow_a_row():
    changes = {(row.state, row.next) for row in ROWS if row.state != row.next and len(row.input) == 1}
    assert changes == set(alarm_page.ARROWS)
