"""Evaluation of a plan on normal and anomalous recordings: figures with intervals, and reports of them."""

from anomsdk.evaluate.alarms_by_label import LabelAlarms
from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.evaluate.clip_sets import Known, LeftOut
from anomsdk.evaluate.day_evaluation import DayEvaluation, evaluate_days
from anomsdk.evaluate.day_events import DayEvent, read_labels
from anomsdk.evaluate.day_scores import AnimalRows
from anomsdk.evaluate.evaluation import Evaluation, evaluate
from anomsdk.evaluate.events import read_events
from anomsdk.evaluate.figures import Figures
from anomsdk.evaluate.labelled_diaries import read_labelled_diary
from anomsdk.evaluate.labels import MarkedClip, marked, open_marked
from anomsdk.evaluate.report_html import as_html
from anomsdk.evaluate.report_json import as_json
from anomsdk.evaluate.report_text import as_text
from anomsdk.sources.clips import Clip, Clips, clip_from_array, open_clips
from anomsdk.stats.intervals import Figure, bootstrap, paired_bootstrap
from anomsdk.stats.metrics import auc, pauc, sensitivity_at
from anomsdk.synthetic.mixing import mixed

__all__ = [
    "AnimalRows",
    "Clip",
    "Clips",
    "DayEvaluation",
    "DayEvent",
    "Evaluation",
    "Figure",
    "Figures",
    "Known",
    "LabelAlarms",
    "LeftOut",
    "MarkedClip",
    "ScoredClip",
    "as_html",
    "as_json",
    "as_text",
    "auc",
    "bootstrap",
    "clip_from_array",
    "evaluate",
    "evaluate_days",
    "marked",
    "mixed",
    "open_clips",
    "open_marked",
    "paired_bootstrap",
    "pauc",
    "read_events",
    "read_labelled_diary",
    "read_labels",
    "sensitivity_at",
]
