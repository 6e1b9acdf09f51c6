"""Evaluation: a plan against normal and anomalous recordings, in figures with intervals."""

from anomsdk.clips import Clip, Clips, clip_from_array, open_clips
from anomsdk.evaluate.evaluation import Evaluation, evaluate
from anomsdk.evaluate.events import read_events
from anomsdk.evaluate.figures import Figures
from anomsdk.evaluate.firing import Firing
from anomsdk.evaluate.marks import MarkedClip, marked, open_marked
from anomsdk.evaluate.metrics import Figure, auc, bootstrap, paired_bootstrap, pauc, sensitivity_at
from anomsdk.evaluate.mixing import mixed
from anomsdk.evaluate.page import as_html
from anomsdk.evaluate.report import as_text
from anomsdk.evaluate.scoring import ScoredClip
from anomsdk.evaluate.sides import Known, LeftOut
from anomsdk.evaluate.values import as_json

__all__ = [
    "Clip",
    "Clips",
    "Evaluation",
    "Figure",
    "Figures",
    "Firing",
    "Known",
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
    "marked",
    "mixed",
    "open_clips",
    "open_marked",
    "paired_bootstrap",
    "pauc",
    "read_events",
    "sensitivity_at",
]
