"""Hourly tables with columns of events, from generated files."""

from __future__ import annotations

import pytest

from anomsdk.errors import InputError
from anomsdk.evaluate import DayEvent
from anomsdk.evaluate.labelled_diaries import EVENTS, read_labelled_diary

DAY = 19_844 * 86_400  # 2024-05-01


def table(tmp_path, lines, comma=","):
    path = tmp_path / "cows.csv"
    path.write_text("\n".join(lines).replace(",", comma) + "\n")
    return path


def hours(cow, first, n, marks=()):
    return [
        f"{cow},2024-05-{1 + at // 24:02d},{at % 24},{100 + at},{at % 3},{int(at in marks)},False"
        for at in range(first, first + n)
    ]


HEAD = "cow,date,hour,EAT,REST,oestrus,LPS"


@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_rows_begin_at_midnight_and_events_with_the_first_marked_hour(tmp_path, comma):
    lines = [HEAD, *reversed(hours("7", 5, 30, marks={8, 9, 10, 20})), *hours("8", 0, 3)]
    animals, events = read_labelled_diary(table(tmp_path, lines, comma), ["REST", "EAT"], scale=2, offset=1)
    assert [(each.name, each.rows.shape, each.start_s) for each in animals] == [
        ("7", (48, 2), DAY),
        ("8", (24, 2), DAY),
    ]
    assert animals[0].rows[4].tolist() == [-32768, -32768]
    assert animals[0].rows[5].tolist() == [2 * 2 + 1, 105 * 2 + 1]
    assert animals[0].rows[34].tolist() == [2 * 1 + 1, 134 * 2 + 1] and animals[0].rows[35, 0] == -32768
    assert events == [DayEvent("7", "oestrus", DAY + 8 * 3600), DayEvent("7", "oestrus", DAY + 20 * 3600)]


def test_an_hour_without_a_line_does_not_end_an_event(tmp_path):
    lines = hours("7", 0, 24, marks=range(6, 12))
    del lines[8]
    _, events = read_labelled_diary(table(tmp_path, [HEAD, *lines]), ["EAT"])
    assert [event.start_s for event in events] == [DAY + 6 * 3600]


def test_events_are_the_columns_that_are_named(tmp_path):
    path = table(tmp_path, [HEAD, "7,2024-05-01,0,1,2,1,True"])
    assert {event.label for event in read_labelled_diary(path, ["EAT"])[1]} == {"oestrus", "LPS"}
    assert {event.label for event in read_labelled_diary(path, ["EAT"], events=["LPS"])[1]} == {"LPS"}
    assert read_labelled_diary(path, ["EAT"], events=[])[1] == []
    assert len(EVENTS) == 11


def test_other_names_and_missing_values(tmp_path):
    path = table(tmp_path, ["id,day,h,move", "a,2024-05-01,0,", "a,2024-05-01,1,nan", "a,2024-05-01,2,3"])
    animals, events = read_labelled_diary(path, ["move"], animal="id", day="day", hour="h")
    assert animals[0].rows[:3, 0].tolist() == [-32768, -32768, 3] and events == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,2024-05-01,24,1,2,0,0", "line 2: '24' is no hour; write 0 to 23"),
        ("7,01.05.2024,1,1,2,0,0", "line 2: '01.05.2024' is no date"),
        ("7,2024-05-01,1,-3,2,0,0", "EAT becomes -3, beyond 0 to 32767; give another `scale` or `offset`"),
        ("7,2024-05-01,1,40000,2,0,0", "EAT becomes 40000"),
        ("7,2024-05-01,1,inf,2,0,0", "EAT becomes inf"),
        ("7,2024-05-01,1,much,2,0,0", "'much' in EAT is no number"),
        ("7,2024-05-01,1,1,2,maybe,0", "'maybe' in oestrus is neither 0 nor 1"),
        ("7,2024-05-01,1,1,2,0,0\n7,2024-05-01,1,1,2,0,0", "line 3: this hour of '?7'? occurs twice"),
        ("7,2024-05-01,1,1,2,0,0\n7,2424-05-01,1,1,2,0,0", "days; check the dates"),
        ("", "has no line but the first"),
    ],
)
def test_bad_tables_are_one_clear_line(tmp_path, line, message):
    with pytest.raises(InputError, match=message) as caught:
        read_labelled_diary(table(tmp_path, [HEAD, line]), ["EAT"])
    assert "\n" not in str(caught.value)


def test_missing_columns_and_files_are_said(tmp_path):
    with pytest.raises(InputError, match="no column ACTIVITY_LEVEL"):
        read_labelled_diary(table(tmp_path, [HEAD]), ["ACTIVITY_LEVEL"])
    with pytest.raises(InputError, match="no column colic"):
        read_labelled_diary(table(tmp_path, [HEAD]), ["EAT"], events=["colic"])
    with pytest.raises(InputError, match=r"none.csv"):
        read_labelled_diary(tmp_path / "none.csv", ["EAT"])
