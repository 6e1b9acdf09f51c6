"""Days of a herd: what changed in its animals on one day, by their diaries."""

from anomsdk.herd.days.overview import ChangedAnimal, Common, DaysList, QuietDevice, days_list

__all__ = ["ChangedAnimal", "Common", "DaysList", "QuietDevice", "days_list"]
