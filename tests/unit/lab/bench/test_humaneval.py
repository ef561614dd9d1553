"""Programs with holes, filled by fakes: what passes, what is counted, and what a bad file is told."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.cli import evaluate as cli_evaluate
from fim_lsp.cli.app import app
from fim_lsp.domain import Outcome, Suggestion
from fim_lsp.errors import InputError
from fim_lsp.lab.bench import humaneval
from fim_lsp.lab.bench.humaneval import Middle, Result, Task

DOUBLE = Task(
    "SingleLineInfilling/Own/0/L1",
    "double",
    "def double(number):\n    first = number\n",
    "    return second\n",
    "    second = first + number\n",
    "def check(candidate):\n    assert candidate(2) == 4\n",
)
COUNT = Task(
    "MultiLineInfilling/Own/1/L1_L2",
    "count",
    "def count(words):\n    found = {}\n",
    "    return found\n",
    "    for word in words:\n        found[word] = found.get(word, 0) + 1\n",
    "def check(candidate):\n    assert candidate(['a', 'b', 'a']) == {'a': 2, 'b': 1}\n",
)
SPAN = Task(
    "RandomSpanInfillingLight/Own/2/0",
    "half",
    "def half(number):\n    return num",
    "/ 2\n",
    "ber ",
    "def check(candidate):\n    assert candidate(4) == 2\n",
)
TASKS = [DOUBLE, COUNT, SPAN]


def written(path: Path, tasks: list[Task] = TASKS) -> Path:
    text = "".join(json.dumps(vars(task)) + "\n" for task in tasks).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


class Completer:
    """A completer that has one canned suggestion, or none."""

    def __init__(self, *suggestions: Suggestion):
        self.suggestions, self.texts = suggestions, []

    def __call__(self, snap, cancel):
        self.texts.append((snap.prefix, snap.suffix))
        return Outcome(self.suggestions)


@pytest.mark.parametrize("name", ["tasks.jsonl", "tasks.jsonl.gz"])
def test_tasks_are_read_plain_and_packed(tmp_path, name):
    assert humaneval.read(written(tmp_path / name)) == TASKS


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 is no JSON object"),
        (json.dumps({**vars(DOUBLE), "suffix": None, "test": 1}), "line 2 has no text under suffix, test"),
        (json.dumps({**vars(DOUBLE), "task_id": "HumanEval/0"}), "line 2: task_id 'HumanEval/0' begins with none of"),
        (json.dumps({**vars(DOUBLE), "entry_point": "f(1)"}), "line 2: entry_point 'f(1)' is no name"),
    ],
)
def test_a_bad_line_is_named_with_the_remedy(tmp_path, line, told):
    path = written(tmp_path / "tasks.jsonl", [DOUBLE])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match="as it was published") as problem:
        humaneval.read(path)
    assert told in str(problem.value)


@pytest.mark.parametrize(
    "content", [None, b"", b"\n\n", b"\xff\xfe", b"\x1f\x8b\x08 broken", gzip.compress(b"{}" * 99, mtime=0)[:-9]]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "tasks"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"tasks.*as it was published"):
        humaneval.read(path)


def test_a_limit_draws_the_same_tasks_in_order_and_none_twice():
    tasks = [Task(f"{DOUBLE.task_id}{n}", *list(vars(DOUBLE).values())[1:]) for n in range(50)]
    drawn = humaneval.draw(tasks, 20)
    assert drawn == humaneval.draw(tasks, 20)
    assert len(set(drawn)) == 20
    assert drawn == sorted(drawn, key=tasks.index)
    assert drawn != humaneval.draw(tasks, 20, seed=1)
    assert humaneval.draw(tasks, 0) == humaneval.draw(tasks, 99) == tasks


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.subset)
def test_the_model_says_it_all_and_is_asked_from_cold(task):
    fake = FakeBackend(task.canonical_solution)
    forgotten = []
    fake.forget = lambda: forgotten.append(1)
    answer = humaneval.ask_model(fake)(task)
    assert (answer.text, answer.after) == (task.canonical_solution, task.suffix)
    assert answer.is_exact(task)
    assert fake.requests[0].segments == (task.prompt, task.suffix)
    limits = fake.requests[0].limits
    assert (limits.max_tokens, limits.candidates, limits.multiline) == (256, 1, task is not DOUBLE)
    assert forgotten == [1]


@pytest.mark.parametrize(
    "said", ["    second = 1\n    third = 2\n", "    second = 1", "\n    second = 1\n", "    second = 1\n\n"]
)
def test_of_a_single_line_the_first_one_is_kept_with_its_break(said):
    fake = FakeBackend(said, step_chars=1)
    assert humaneval.ask_model(fake)(DOUBLE).text == "    second = 1\n"
    assert fake.steps <= said.index("1") + 2


@pytest.mark.parametrize("task", [COUNT, SPAN])
def test_several_lines_and_spans_are_kept_as_said(task):
    said = "\n  a\n\n  b"
    assert humaneval.ask_model(FakeBackend(said, step_chars=1))(task).text == said


def test_a_model_that_says_nothing_fills_in_nothing():
    assert humaneval.ask_model(FakeBackend())(COUNT).text == ""
    assert humaneval.ask_model(FakeBackend())(DOUBLE).text == "\n"


def test_a_hole_of_whole_lines_is_an_empty_line_to_the_pipeline():
    complete = Completer(Suggestion(("    second = first + number",)))
    answer = humaneval.ask_pipeline(complete)(DOUBLE)
    assert complete.texts == [(DOUBLE.prompt, "\n" + DOUBLE.suffix)]
    assert answer.is_exact(DOUBLE)


def test_a_suffix_that_brings_the_line_break_gets_no_other():
    task = Task(*(("\n" + value) if name == "suffix" else value for name, value in vars(DOUBLE).items()))
    complete = Completer(Suggestion(("    second = first + number",)))
    assert humaneval.ask_pipeline(complete)(task).after == task.suffix


def test_what_a_suggestion_covers_does_not_stand_twice():
    answer = humaneval.ask_pipeline(Completer(Suggestion(("ber / 3",), replaces=3)))(SPAN)
    assert (answer.text, answer.after) == ("ber / 3", "\n")
    assert not answer.is_exact(SPAN)
    assert humaneval.ask_pipeline(Completer(Suggestion(("ber / 2",), replaces=3)))(SPAN).is_exact(SPAN)


def test_no_suggestion_is_an_empty_answer():
    answer = humaneval.ask_pipeline(Completer())(SPAN)
    assert (answer.text, answer.after) == ("", SPAN.suffix)


@pytest.mark.parametrize(
    ("task", "text", "verdict"),
    [
        (DOUBLE, DOUBLE.canonical_solution, "passed"),
        (DOUBLE, "    second = number * 2  # another way\n", "passed"),
        (DOUBLE, "    second = first\n", "failed"),
        (COUNT, COUNT.canonical_solution, "passed"),
        (COUNT, "    for word in words:", "failed"),
        (COUNT, "    exit(0)\n", "failed"),
        (SPAN, "ber ", "passed"),
        (SPAN, "", "failed"),
    ],
)
def test_programs_pass_by_what_they_do(task, text, verdict):
    (result,) = humaneval.run([task], lambda task: Middle(text, task.suffix, 1.0))
    assert result.verdict == verdict


def test_results_come_in_order_and_programs_run_beside_the_asking():
    started, threads = threading.Event(), set()

    def execute(program):
        threads.add(threading.current_thread())
        started.set()
        return "passed"

    def ask(task):
        if task is not DOUBLE:
            assert started.wait(60)  # the first program runs before the last task was asked
        return Middle(task.task_id, "", 1.0)

    results = list(humaneval.run(TASKS, ask, execute))
    assert [result.task for result in results] == TASKS
    assert [result.answer.text for result in results] == [task.task_id for task in TASKS]
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_a_summary_is_of_each_subset():
    right, wrong = Middle(DOUBLE.canonical_solution, DOUBLE.suffix, 10.0), Middle("", "", 30.0)
    results = [Result(DOUBLE, right, "passed")] * 3 + [Result(DOUBLE, wrong, "timeout"), Result(SPAN, wrong, "failed")]
    rows = humaneval.summarise(results)
    assert list(rows) == ["SingleLineInfilling", "RandomSpanInfillingLight"]
    row = rows["SingleLineInfilling"]
    assert (row["n"], row["pass_at_1"], row["exact_match"], row["timeouts"]) == (4, 75.0, 75.0, 1)
    assert row["latency_p50_ms"] == 10.0
    assert rows["RandomSpanInfillingLight"]["pass_at_1"] == 0.0


@pytest.mark.parametrize(
    ("hits", "n", "ends"), [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (50, 100, (0.4038, 0.5962))]
)
def test_the_interval_of_a_share(hits, n, ends):
    assert humaneval.wilson(hits, n) == pytest.approx(ends, abs=1e-4)


def test_nothing_is_measured_where_the_right_answer_fails(monkeypatch):
    humaneval.check_harness(DOUBLE)
    with pytest.raises(InputError, match="canonical solution of SingleLineInfilling/Own/0/L1 fails"):
        humaneval.check_harness(DOUBLE, lambda program: "failed")
    monkeypatch.setattr(sys, "executable", sys.executable + "-that-is-not-there")
    with pytest.raises(InputError, match="cannot be started"):
        humaneval.check_harness(DOUBLE)


class Loaded:
    """A loaded completer whose model says one thing."""

    def __init__(self, said: str):
        self.backend, self.router = FakeBackend(said), self

    def ready(self):
        return self.backend

    def forget(self):
        pass

    def complete(self, snap, cancel):
        return Outcome((Suggestion(("    second = 0",)),))


@pytest.fixture
def evaluate(monkeypatch, tmp_path):
    monkeypatch.setattr(cli_evaluate, "load", lambda resolved: Loaded(DOUBLE.canonical_solution))
    path = written(tmp_path / "tasks.jsonl.gz", [DOUBLE])
    return lambda *args: CliRunner().invoke(app, ["eval", "--humaneval", str(path), *args])


def test_the_command_asks_the_model_unless_told_otherwise(evaluate):
    done = evaluate("--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["ask"], report["of"], report["backend"]) == ("model", 1, "gpt")
    assert report["subsets"]["SingleLineInfilling"]["pass_at_1"] == 100.0
    assert "is executed on this machine" in done.stderr
    piped = evaluate("--ask", "pipeline", "--json")
    assert json.loads(piped.stdout)["subsets"]["SingleLineInfilling"]["pass_at_1"] == 0.0


def test_the_command_prints_a_table(evaluate):
    done = evaluate()
    assert "asked: model · 1 of 1 tasks" in done.stdout
    assert "100.0 % (20.7–100.0)" in done.stdout


@pytest.mark.parametrize("args", [["--ask", "nobody"], ["--holes", "other"], ["--on", "other"]])
def test_options_that_do_not_go_together_are_told(evaluate, args):
    assert evaluate(*args).exit_code == 2
    assert CliRunner().invoke(app, ["eval", "--ask", "model"]).exit_code == 2
