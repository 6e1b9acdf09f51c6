"""Recordings of any source, as the samples that a pipeline takes: files, folders, tables, standard input."""

from anomsdk.sources.file_listing import MOTION_SUFFIXES, SUFFIXES
from anomsdk.sources.files import open_files, open_recordings, open_skippable, open_skippable_files
from anomsdk.sources.formats.stored_samples import Block
from anomsdk.sources.recording import OpenedFile, Recording, read_recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

__all__ = [
    "MOTION_SUFFIXES",
    "SUFFIXES",
    "Block",
    "OpenedFile",
    "ReadOptions",
    "Recording",
    "StreamFormat",
    "open_files",
    "open_recordings",
    "open_skippable",
    "open_skippable_files",
    "read_recording",
]
