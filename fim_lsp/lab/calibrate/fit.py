"""Fit what `auto` and the shown confidence go by: a curve for each family, rates by place, and the limits.

Everything is fitted on one set of holes (`data/fitting.jsonl`) and measured on another, of other files: the shipped
ones (`bench/route.py`). Limits are chosen on probabilities of curves fitted without the package in question.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

from fim_lsp import context
from fim_lsp.backends.calibration import Calibration
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.compare.quality import Hole
from fim_lsp.domain import Suggestion, ms_of, steps_of
from fim_lsp.errors import InputError
from fim_lsp.lab.calibrate import curve
from fim_lsp.lab.calibrate import measure as route
from fim_lsp.lab.calibrate.curve import Case
from fim_lsp.lab.calibrate.recordings import CALIBRATED, Recording
from fim_lsp.languages import Trees, locate
from fim_lsp.pipeline import eligibility
from fim_lsp.routing.rule import CURSOR_KINDS, RoutingTable, kind_of_cursor
from fim_lsp.settings import Config

PREFIX_CHARS, SUFFIX_CHARS = 1344, 576  # what the shipped models read
BORROWED = 10  # holes' worth of the family's overall rate in each place's, which may have been seen seldom
LOST = 0.01  # of the right answers may stay unshown; with them go the many that are almost never right
MARGIN = 0.5  # points of first-line match that `auto` may cost on these holes; twice that is the bar on others


@dataclass(frozen=True)
class Fitted:
    """The two tables of a model's config.json, `confidence` and `routing`."""

    calibration: Calibration
    table: RoutingTable


def fitting_holes() -> Path:
    """Return the file of holes to fit on."""
    with as_file(files("fim_lsp.compare") / "data" / "fitting.jsonl") as path:
        return path


def fit(holes: Sequence[Hole], recordings: Sequence[Mapping[str, Recording]]) -> dict[str, Fitted]:
    """Return the tables of both families from what they said in the holes."""
    cases, fitted, unseen = cases_of(holes, recordings), {}, {}
    for family in CALIBRATED:
        sure = curve.out_of_fold(cases[family], [hole.package for hole in holes])
        shown = _shown(sure, cases[family])
        rates = _rates([recording[family] for recording in recordings], [case.cursor_kind for case in cases[family]])
        unseen[family] = sure
        fitted[family] = Fitted(replace(curve.fit(cases[family]), shown=shown), rates)
    judged = _judged(cases, recordings, unseen, fitted)
    tables = route.choose(judged, {family: one.table for family, one in fitted.items()}, MARGIN)
    return {family: replace(one, table=tables[family]) for family, one in fitted.items()}


def judge(
    holes: Sequence[Hole], recordings: Sequence[Mapping[str, Recording]], fitted: Mapping[str, Fitted]
) -> list[route.Judged]:
    """Say how sure each family is of what it said in holes it was not fitted on."""
    cases = cases_of(holes, recordings)
    sure = {family: [case.judged(one.calibration) for case in cases[family]] for family, one in fitted.items()}
    return _judged(cases, recordings, sure, fitted)


def cases_of(holes: Sequence[Hole], recordings: Sequence[Mapping[str, Recording]]) -> dict[str, list[Case]]:
    """Return family → what it said in each hole, with the place and the text around as the completer sees them."""
    cases: dict[str, list[Case]] = {family: [] for family in CALIBRATED}
    for hole, said in zip(holes, recordings, strict=True):
        snap = hole.snapshot(0)
        site = locate(snap, Trees())
        request = context.build(snap, site, eligibility.limits(snap, Config(), site), PREFIX_CHARS, SUFFIX_CHARS)
        cursor_kind = kind_of_cursor(request, site.zone)
        for family in CALIBRATED:
            recording = said[family]
            suggestion = Suggestion((recording.text,), finish=recording.finish, log_probs=recording.log_probs)
            cases[family].append(Case(suggestion, cursor_kind, request.segments, recording.is_first_line_match))
    return cases


def write(config: Path, fitted: Fitted) -> None:
    """Put the tables into a model's config.json; raises InputError."""
    confidence = asdict(fitted.calibration)
    del confidence["curve"]  # a person's own, never of the weights
    tables = {"confidence": confidence, "routing": asdict(fitted.table)}
    try:
        config.write_text(json.dumps(read_raw_config(config.parent) | tables, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{config} cannot be written: {problem.strerror}") from None


def read() -> dict[str, Fitted]:
    """Read the tables of the shipped models; raises InputError where they are not fitted yet."""
    found = {}
    for family in CALIBRATED:
        folder = find_model(family, "")
        calibration, table = Calibration.read(folder), RoutingTable.read(folder)
        if calibration is None or table is None:
            raise InputError(f"{folder}/config.json has no fitted tables: run `fim-lsp router fit` first")
        found[family] = Fitted(calibration, table)
    return found


def _judged(
    cases: Mapping[str, Sequence[Case]],
    recordings: Sequence[Mapping[str, Recording]],
    sure: Mapping[str, Sequence[float]],
    fitted: Mapping[str, Fitted],
) -> list[route.Judged]:
    """Put together what was said and how sure it was; what is under the limit to be shown was not said."""
    judged = []
    for at, said in enumerate(recordings):
        heard: dict[str, float | None] = {}
        for family, one in fitted.items():
            is_shown = said[family].is_answered and sure[family][at] >= one.calibration.shown
            heard[family] = sure[family][at] if is_shown else None
        judged.append(route.Judged(cases[CALIBRATED[0]][at].cursor_kind, said, heard))
    return judged


def _shown(sure: Sequence[float], cases: Sequence[Case]) -> float:
    """Return the highest limit that leaves no more than the share LOST of the right answers unshown."""
    right = sorted(p for p, case in zip(sure, cases, strict=True) if case.is_first_line_match)
    return round(right[int(LOST * len(right))] * 0.999, 4) if right else 0.0


def _rates(recordings: Sequence[Recording], cursor_kinds: Sequence[str]) -> RoutingTable:
    overall = statistics.fmean(recording.is_first_line_match for recording in recordings)
    pairs = list(zip(recordings, cursor_kinds, strict=True))
    by_kind = {name: [one for one, kind in pairs if kind == name] for name in CURSOR_KINDS}
    hits = {
        name: (sum(recording.is_first_line_match for recording in some) + BORROWED * overall) / (len(some) + BORROWED)
        for name, some in by_kind.items()
        if some
    }
    steps = {name: statistics.fmean(steps_of(one.tokens) for one in some) for name, some in by_kind.items() if some}
    reading = [
        ms_of("read", recording.timings) / recording.tokens["prefilled"]
        for recording in recordings
        if recording.tokens.get("prefilled")
    ]
    stepping = [
        ms_of("write", recording.timings) / steps_of(recording.tokens)
        for recording in recordings
        if steps_of(recording.tokens)
    ]
    return RoutingTable(
        {name: round(rate, 4) for name, rate in hits.items()},
        {name: round(count, 2) for name, count in steps.items()},
        token_ms=round(statistics.median(reading), 3),
        step_ms=round(statistics.median(stepping), 3),
    )
