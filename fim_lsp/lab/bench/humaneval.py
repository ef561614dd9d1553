"""HumanEval-Infilling (arXiv 2207.14255) on the user's own copy: does the program work with what was filled in?

task    prompt ┃ middle ┃ suffix        ask     a way to fill it: the decoder alone, or the pipeline as users see it
                  ▼
program prompt + answer + suffix + test + check(entry_point)         run in sandbox.py while the next one is decoded

Nothing here is chosen or trained by these tasks, and none ship with the package.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import statistics
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fim_lsp.backends.base import Backend
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter, Outcome, Snapshot, Suggestion
from fim_lsp.errors import InputError
from fim_lsp.lab.bench import sandbox
from fim_lsp.lab.bench.sandbox import ProgramVerdict

SINGLE_LINE, MULTI_LINE = "SingleLineInfilling", "MultiLineInfilling"
SUBSETS = (SINGLE_LINE, MULTI_LINE, "RandomSpanInfilling", "RandomSpanInfillingLight")
FIELDS = ("task_id", "entry_point", "prompt", "suffix", "canonical_solution", "test")
GZIP = b"\x1f\x8b"
MODEL_TOKENS = 256  # of a middle at most, the model's way
REMEDY = "give a file of HumanEval-Infilling as it was published, .jsonl or .jsonl.gz"
Z = 1.959964  # 95 % of a normal distribution lie within so many deviations


@dataclass(frozen=True)
class Task:
    """One hole in one solution, and the test that tells whether a fill works."""

    task_id: str
    entry_point: str
    prompt: str
    suffix: str
    canonical_solution: str
    test: str

    @property
    def subset(self) -> str:
        return self.task_id.partition("/")[0]

    @property
    def line_break(self) -> str:
        """The line break that ends a hole of whole lines, "" where the suffix brings it or the hole is a span."""
        is_lines = self.subset in (SINGLE_LINE, MULTI_LINE) and self.prompt.endswith("\n")
        return "\n" if is_lines and self.suffix and not self.suffix.startswith("\n") else ""


@dataclass(frozen=True)
class Middle:
    """What was filled in, what then stands after it, and how long it took from a cold K/V cache."""

    text: str
    after: str
    latency_ms: float

    def program(self, task: Task) -> str:
        """Return the whole program that passes when the fill works."""
        return f"{task.prompt}{self.text}{self.after}\n{task.test}\ncheck({task.entry_point})\n"

    def is_exact(self, task: Task) -> bool:
        """True when the solution is again what it was, blank space at its end aside."""
        return (self.text + self.after).rstrip() == (task.canonical_solution + task.suffix).rstrip()


@dataclass(frozen=True)
class Result:
    """One task's answer and what running it said."""

    task: Task
    answer: Middle
    verdict: ProgramVerdict


AskMiddle = Callable[[Task], Middle]
Execute = Callable[[str], ProgramVerdict]


def read(path: Path) -> list[Task]:
    """Read tasks from JSON lines, packed by gzip or not; raises InputError."""
    try:
        packed = path.read_bytes()
        lines = (gzip.decompress(packed) if packed.startswith(GZIP) else packed).decode("utf-8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise InputError(f"{path} cannot be read ({problem}): {REMEDY}") from None
    tasks = [_task(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not tasks:
        raise InputError(f"{path} holds no task: {REMEDY}")
    return tasks


def draw(tasks: Sequence[Task], limit: int, seed: int = 0) -> list[Task]:
    """Return `limit` tasks drawn without replacement, 0 for all, in the order of the file."""
    if not limit or limit >= len(tasks):
        return list(tasks)
    return [tasks[at] for at in sorted(random.Random(seed).sample(range(len(tasks)), limit))]


def ask_model(backend: Backend) -> AskMiddle:
    """Ask the model alone, greedily until its end token: of a single-line hole its first line, else all it says."""

    def ask(task: Task) -> Middle:
        is_line = task.subset == SINGLE_LINE
        limits = GenerationLimits(
            multiline=not is_line, max_tokens=MODEL_TOKENS, max_lines=1 if is_line else MODEL_TOKENS
        )
        backend.forget()
        began = time.perf_counter()
        request = FimRequest((task.prompt, task.suffix), limits, language="python")
        drafts = next(backend.generate(request, Cancel(), Meter()), iter(()))
        text = _first_line(drafts) + task.line_break if is_line else _last(drafts)
        return Middle(text, task.suffix, (time.perf_counter() - began) * 1e3)

    return ask


def ask_pipeline(complete: Callable[[Snapshot, Cancel], Outcome]) -> AskMiddle:
    """Ask the whole completer, as an editor does while one types; a hole of whole lines is an empty line to it."""

    def ask(task: Task) -> Middle:
        after = task.line_break + task.suffix
        snap = Snapshot(f"humaneval:{task.task_id}", 0, "python", task.prompt + after, len(task.prompt))
        began = time.perf_counter()
        shown = next(iter(complete(snap, Cancel()).suggestions), Suggestion(("",)))
        return Middle(shown.text, after[shown.replaces :], (time.perf_counter() - began) * 1e3)

    return ask


def check_harness(task: Task, execute: Execute = sandbox.run) -> None:
    """Run the file's own answer to a task: where that fails, every figure would be worthless; raises InputError."""
    verdict = execute(Middle(task.canonical_solution, task.suffix, 0.0).program(task))
    if verdict != "passed":
        verb = "takes too long" if verdict == "timeout" else "fails"
        raise InputError(f"the canonical solution of {task.task_id} {verb} here, so nothing is measured: {REMEDY}")


def run(tasks: Iterable[Task], ask: AskMiddle, execute: Execute = sandbox.run) -> Iterator[Result]:
    """Ask every task and yield its result; one program runs while the next answer is decoded."""
    waiting: deque[tuple[Task, Middle, Future[ProgramVerdict]]] = deque()
    worker = ThreadPoolExecutor(max_workers=1)
    try:
        for task in tasks:
            answer = ask(task)
            waiting.append((task, answer, worker.submit(execute, answer.program(task))))
            while waiting and waiting[0][2].done():
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        worker.shutdown(cancel_futures=True)


def summarise(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Return per subset: n, pass@1 in % with its 95 % interval, exact match in %, programs stopped, median ms."""
    rows: dict[str, dict[str, Any]] = {}
    for subset in SUBSETS:
        some = [result for result in results if result.task.subset == subset]
        if not some:
            continue
        passed = sum(result.verdict == "passed" for result in some)
        rows[subset] = {
            "n": len(some),
            "pass_at_1": 100 * passed / len(some),
            "pass_at_1_interval": [100 * end for end in wilson(passed, len(some))],
            "exact_match": 100 * statistics.fmean(result.answer.is_exact(result.task) for result in some),
            "timeouts": sum(result.verdict == "timeout" for result in some),
            "latency_p50_ms": statistics.median(result.answer.latency_ms for result in some),
        }
    return rows


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share, 0..1 (Wilson 1927): it stays within, also for none and for all."""
    share, spread = hits / n, Z * Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _last(drafts: Iterator[Suggestion]) -> str:
    text = ""
    for draft in drafts:
        text = draft.text
    return text


def _first_line(drafts: Iterator[Suggestion]) -> str:
    """Return the first line that is not empty, and end the decoding there: what else it would say is not kept."""
    text = ""
    for draft in drafts:
        text = draft.text.lstrip("\n")
        if "\n" in text:
            break
    if isinstance(drafts, Generator):
        drafts.close()
    return text.partition("\n")[0]


def _result(task: Task, answer: Middle, verdict: Future[ProgramVerdict]) -> Result:
    return Result(task, answer, verdict.result())


def _task(line: str, where: str) -> Task:
    """Read one line; raises InputError that names it."""
    try:
        row = json.loads(line)
    except ValueError as problem:
        raise InputError(f"{where} is no JSON ({problem}): {REMEDY}") from None
    if not isinstance(row, Mapping):
        raise InputError(f"{where} is no JSON object: {REMEDY}")
    if wrong := [field for field in FIELDS if not isinstance(row.get(field), str)]:
        raise InputError(f"{where} has no text under {', '.join(wrong)}: {REMEDY}")
    task = Task(**{field: row[field] for field in FIELDS})
    if task.subset not in SUBSETS:
        raise InputError(f"{where}: task_id {task.task_id!r} begins with none of {', '.join(SUBSETS)}: {REMEDY}")
    if not task.entry_point.isidentifier():
        raise InputError(f"{where}: entry_point {task.entry_point!r} is no name: {REMEDY}")
    return task
