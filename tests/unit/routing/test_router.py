"""Who answers, who is loaded and when, with backends that need no weights."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import AcceptanceCurve, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import ModelError, ModelMissing
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.first_run import TRIALS
from fim_lsp.routing.router import CANDIDATES, Router
from fim_lsp.routing.rule import RoutingTable
from fim_lsp.routing.tables import read_table
from fim_lsp.settings import Config

ASK = FimRequest(("x = ", "\n"), GenerationLimits(), language="python")
RATED = {
    "gpt": RoutingTable({"end of line": 0.2}, {"end of line": 10}),
    "bert": RoutingTable({"end of line": 0.5}, {"end of line": 1}),
}


class Factory:
    """Makes named fakes; `broken` families cannot be had, `slow` ones wait for `go`."""

    def __init__(self, broken: tuple[str, ...] = (), slow: tuple[str, ...] = ()):
        self.broken, self.slow, self.go = broken, slow, threading.Event()
        self.made: list[tuple[str, ModelRequest]] = []
        self.calibration: Calibration | None = None

    def __call__(self, family: str, model: ModelRequest) -> FakeBackend:
        if family in self.slow:
            assert self.go.wait(10)
        self.made.append((family, model))
        if family in self.broken:
            raise ModelMissing(f"no {family} here")
        backend = FakeBackend("text")
        backend.name, backend.calibration = family, self.calibration
        return backend


def router(factory: Factory, tables=None, **settings) -> Router:
    return Router(Config(**settings), factory, lambda family, model: (tables or {}).get(family))


def wait_for(done) -> None:
    until = time.monotonic() + 10
    while not done() and time.monotonic() < until:
        time.sleep(0.01)
    assert done()


@pytest.mark.parametrize("family", CANDIDATES)
def test_a_setting_decides_and_the_other_is_never_loaded(family):
    factory = Factory()
    backend, choice = router(factory, backend=family, tables=RATED).pick(ASK)
    assert (backend.name, choice.family, choice.why) == (family, family, "fimLsp.backend")
    assert set(choice.expected_ms) == set(CANDIDATES)
    assert [name for name, _ in factory.made] == [family]


def test_a_language_may_have_its_own():
    it = router(Factory(), backend="gpt", backend_by_language={"python": "bert"})
    assert it.choose(ASK).family == "bert"
    assert it.choose(ASK).why == "fimLsp.backendByLanguage"
    assert it.choose(FimRequest(("", ""), GenerationLimits(), language="go")).family == "gpt"
    assert it.ready("python").name == "bert"


def test_the_second_model_is_loaded_aside_when_first_wanted():
    factory = Factory(slow=("bert",))
    it = router(factory, tables=RATED)
    assert it.ready().name == "gpt"
    backend, choice = it.pick(ASK)
    assert (backend.name, choice.family) == ("gpt", "gpt")
    assert "bert is being loaded" in choice.why
    assert it.choose(ASK).family == "bert"
    it.pick(ASK)
    factory.go.set()
    wait_for(lambda: "bert" in it.loader.loaded)
    assert it.pick(ASK)[0].name == "bert"
    assert [name for name, _ in factory.made] == ["gpt", "bert"]


def test_a_second_model_that_cannot_be_loaded_is_explained_from_then_on():
    it = router(Factory(broken=("bert",)), tables=RATED)
    it.ready()
    it.pick(ASK)
    wait_for(lambda: "bert" in it.loader.failed)
    backend, choice = it.pick(ASK)
    assert backend.name == "gpt"
    assert "bert cannot be loaded (no bert here)" in choice.why


def test_a_second_model_that_breaks_while_it_is_tried_is_not_used():
    class Breaks(Factory):
        def __call__(self, family, model):
            backend = super().__call__(family, model)
            if family == "bert":
                backend.generate = lambda *_: 1 / 0
            return backend

    it = router(Breaks(), tables=RATED)
    it.ready()
    it.pick(ASK)
    wait_for(lambda: "bert" in it.loader.failed)
    assert it.pick(ASK)[0].name == "gpt"


def test_auto_works_with_the_one_that_loads():
    it = router(Factory(broken=("gpt",)))
    assert it.ready().name == "bert"
    backend, choice = it.pick(ASK)
    assert (backend.name, choice.family) == ("bert", "bert")
    assert "gpt cannot be loaded" in choice.why


def test_no_model_at_all_is_an_error_and_so_is_the_one_asked_for():
    with pytest.raises(ModelError, match="no bert"):
        router(Factory(broken=CANDIDATES)).ready()
    with pytest.raises(ModelError, match="no gpt"):
        router(Factory(broken=("gpt",)), backend="gpt").ready()


def test_a_changed_model_is_loaded_again():
    factory = Factory(broken=("gpt",))
    it = router(factory, backend="gpt")
    with pytest.raises(ModelError):
        it.ready()
    factory.broken = ()
    with pytest.raises(ModelError):
        it.ready()
    it.configure(Config(backend="gpt", gpt_model="/other"))
    assert it.ready().name == "gpt"
    assert factory.made == [("gpt", ModelRequest()), ("gpt", ModelRequest("/other"))]


def test_a_model_that_was_being_loaded_when_the_settings_changed_is_dropped():
    factory = Factory(slow=("bert",))
    it = router(factory, tables=RATED)
    it.ready()
    it.pick(ASK)
    it.configure(Config(bert_model="/other"))
    factory.go.set()
    wait_for(lambda: not it.loader.coming)
    assert "bert" not in it.loader.loaded


def test_who_must_have_a_model_that_is_being_loaded_waits_for_it_and_loads_no_second_one():
    factory = Factory(slow=("bert",))
    it = router(factory, tables=RATED)
    it.ready()
    it.pick(ASK)
    wait_for(lambda: "bert" in it.loader.coming)
    threading.Timer(0.05, factory.go.set).start()
    assert it.loader.get("bert").name == "bert"
    wait_for(lambda: not it.loader.coming)
    assert [family for family, _ in factory.made].count("bert") == 1


def test_the_costs_are_the_tables_until_they_are_measured():
    it = router(Factory(), tables=RATED)
    before = it.choose(ASK).expected_ms
    meter = Meter()
    meter.timings, meter.tokens = {"decode": 10_000.0}, {"decoded": 10}
    it.learn("gpt", meter)
    after = it.choose(ASK).expected_ms
    assert after["gpt"] > 40 * before["gpt"]
    assert after["bert"] == pytest.approx(50 * before["bert"], rel=0.01)  # a guess, at the pace of this machine
    meter.timings, meter.tokens = {"fill": 30.0}, {"passes": 1}
    it.learn("bert", meter)
    assert it.choose(ASK).expected_ms["bert"] < 2 * before["bert"]


def test_too_little_time_sends_a_request_to_the_quicker_one():
    it = router(Factory(), tables={**RATED, "bert": RoutingTable({"end of line": 0.1}, {"end of line": 1})})
    assert it.choose(ASK).family == "gpt"
    hurried = FimRequest(ASK.segments, GenerationLimits(deadline=time.monotonic() + 0.1), language="python")
    assert it.choose(hurried).family == "bert"


def test_a_folder_without_tables_is_unrated(tmp_path):
    assert read_table("gpt", str(tmp_path)) is None
    (tmp_path / "config.json").write_text("[")
    assert read_table("gpt", str(tmp_path)) is None
    (tmp_path / "config.json").write_text('{"routing": {"no such": 1}}')
    assert read_table("gpt", str(tmp_path)) is None
    (tmp_path / "config.json").write_text('{"routing": {"hits": 0.5}}')
    assert read_table("gpt", str(tmp_path)) is None
    (tmp_path / "config.json").write_text('{"routing": {"hits": {"string": 0.5}, "latency_penalty": 0.1}}')
    assert read_table("gpt", str(tmp_path)).hits == {"string": 0.5}


def test_names_of_earlier_releases_are_read(tmp_path):
    (tmp_path / "config.json").write_text('{"routing": {"price": 0.1, "hand_over": 0.3}}')
    assert read_table("gpt", str(tmp_path)) == RoutingTable(latency_penalty=0.1, cascade_below=0.3)


def test_any_number_of_families_is_weighed(monkeypatch):
    monkeypatch.setattr("fim_lsp.routing.router.CANDIDATES", ("gpt", "bert", "third"))
    tables = {**RATED, "third": RoutingTable({"end of line": 0.9}, {"end of line": 1})}
    factory = Factory(slow=("third",))
    it = router(factory, tables=tables)
    assert it.choose(ASK).family == "third"
    assert set(it.choose(ASK).expected_ms) == {"gpt", "bert", "third"}
    it.ready("python")
    assert it.pick(ASK)[1].family == "gpt"  # the only one that is loaded answers meanwhile
    factory.go.set()
    wait_for(lambda: "third" in it.loader.loaded)
    assert it.pick(ASK)[0].name == "third"


def test_when_two_of_three_cannot_be_had_the_third_answers(monkeypatch):
    monkeypatch.setattr("fim_lsp.routing.router.CANDIDATES", ("gpt", "bert", "third"))
    it = router(Factory(broken=("gpt", "bert")), tables=RATED)
    assert it.ready("python").name == "third"
    assert it.choose(ASK).family == "third"
    assert "gpt cannot be loaded" in it.choose(ASK).why
    assert "bert cannot be loaded" in it.choose(ASK).why


def test_a_persons_acceptances_reach_what_is_loaded_and_what_will_be():
    factory = Factory()
    made = router(factory, tables=RATED)
    first = made.ready()
    first.calibration = Calibration(0.0, {}, {}, shown=0.1)
    made.follow({"gpt": AcceptanceCurve(-1.0), "bert": AcceptanceCurve(2.0)})
    assert first.calibration.limit > 0.1
    assert made.choose(ASK).why.count("gpt 8% right") == 1  # 20 % by the table
    made.follow({})
    assert first.calibration.limit == 0.1 and "gpt 20% right" in made.choose(ASK).why
    made.follow({"bert": AcceptanceCurve(2.0)})
    factory.calibration = Calibration(0.0, {}, {}, shown=0.1)
    assert made.loader.get("bert").calibration.limit < 0.1


def completer(create) -> Completer:
    return Completer(Config(), create)


def test_what_was_begun_is_waited_for_and_runs_once():
    factory = Factory(slow=("gpt",))
    it = completer(factory)
    it.router.begin()
    with ThreadPoolExecutor(1) as pool:
        warming = pool.submit(it.warm_up)
        assert not warming.done()
        factory.go.set()
        assert warming.result(10)[0] == "gpt"
    assert [name for name, _ in factory.made] == ["gpt"]
    assert len(it.router.loader.loaded["gpt"].requests) == len(TRIALS)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_was_begun_for_other_settings_is_dropped_and_not_waited_for():
    factory, go = Factory(), threading.Event()

    def create(family: str, model: ModelRequest) -> FakeBackend:
        assert model.model or go.wait(10)
        return factory(family, model)

    it = completer(create)
    it.router.begin()
    (begun,) = it.router.loader.coming.values()
    it.configure(Config(gpt_model="another"))
    assert it.warm_up()[0] == "gpt"
    ours = it.router.loader.loaded["gpt"]
    assert len(ours.requests) == len(TRIALS)
    go.set()
    begun.join(10)
    assert [model.model for _, model in factory.made] == ["another", ""]
    assert it.router.loader.loaded["gpt"] is ours


def test_nothing_is_begun_here_where_a_server_is_to_answer():
    factory = Factory()
    it = router(factory, backend="remote")
    it.begin()
    assert not it.loader.coming
    assert factory.made == []


class Sharing(FakeBackend):
    """A fake with a reader that it may share; `running` says whose turns were taken."""

    def __init__(self, name: str, reader: FakeBackend, running: list[str]):
        super().__init__("text")
        self.name, self.reader, self.running = name, reader, running

    def generate(self, *args):
        self.running.append(self.name)
        assert len(set(self.running)) == 1
        time.sleep(0.05)
        return super().generate(*args)


def test_families_that_share_a_reader_are_tried_once_and_never_side_by_side():
    running, reader, it = [], FakeBackend("text"), router(Factory())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(it.try_out, [Sharing(family, reader, running) for family in CANDIDATES]))
    assert len(running) == len(TRIALS)


def test_a_reader_that_the_decode_thread_may_be_running_is_not_tried():
    running, reader = [], FakeBackend("text")
    it = Router(Config(), lambda family, model: Sharing(family, reader, running))
    it.ready()
    it.try_out(Sharing("bert", reader, running))
    assert running == []
