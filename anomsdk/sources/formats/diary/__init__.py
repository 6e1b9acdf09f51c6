"""Diaries: values of an animal or device in slots of the day."""
