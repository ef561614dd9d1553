"""The decoder backend on the shipped weights: formats, sentinels in the text, reuse, candidates, stopping."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import time

import pytest

from fim_lsp import backends
from fim_lsp.backends.reader import short
from fim_lsp.checkpoints.catalogue import find_model, models_folder
from fim_lsp.checkpoints.formats import Format
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import ModelError, ModelMismatch, ModelMissing
from fim_lsp.nn.native import library

pytestmark = pytest.mark.model

ADD = FimRequest(
    ("def add(first, second):\n    return first", "\n\nprint(add(1, 2))\n"), GenerationLimits(max_tokens=12)
)


@pytest.fixture(scope="module")
def gpt(decoder):
    return decoder.router.ready()


def run(gpt, request: FimRequest = ADD, cancel: Cancel | None = None):
    meter = Meter()
    streams = gpt.generate(request, cancel or Cancel(), meter)
    return [list(drafts)[-1] for drafts in streams], meter


def test_it_fills_in(gpt):
    (answer,), meter = run(gpt)
    assert answer.text.split("\n")[0].strip() == "+ second"
    assert 0 < answer.confidence <= 1
    assert set(meter.timings) == {"tokenize", "prefill", "decode"}


def test_drafts_grow_and_the_last_is_the_answer(gpt):
    (drafts,) = [list(drafts) for drafts in gpt.generate(ADD, Cancel(), Meter())]
    texts = [draft.text for draft in drafts]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


def test_a_warm_cache_gives_the_same_answer(gpt):
    gpt.forget()
    cold, cold_meter = run(gpt)
    longer = FimRequest((ADD.segments[0] + " +", ADD.segments[1]), ADD.limits)
    run(gpt, longer)
    warm, warm_meter = run(gpt)
    assert [a.text for a in warm] == [a.text for a in cold]
    assert cold_meter.tokens["reused"] == 0
    assert warm_meter.tokens["reused"] > 0.8 * cold_meter.tokens["prefilled"]
    assert warm_meter.tokens["prefilled"] < 5


def test_the_outlook_is_what_a_run_then_reads_and_reuses(gpt):
    run(gpt)
    longer = FimRequest((ADD.segments[0] + " +", ADD.segments[1]), ADD.limits)
    first, again = gpt.estimate(longer), gpt.estimate(longer)
    _, meter = run(gpt, longer)
    assert first == again
    assert (first.reused, first.tokens - first.reused) == (meter.tokens["reused"], meter.tokens["prefilled"])


def test_every_token_of_an_answer_has_its_log_probability(gpt):
    (answer,), meter = run(gpt)
    assert len(answer.log_probs) == meter.tokens["decoded"]
    assert math.exp(sum(answer.log_probs) / len(answer.log_probs)) == pytest.approx(answer.confidence)


def test_typing_only_appends(gpt):
    run(gpt)
    for typed in (" ", " +", " + s"):
        _, meter = run(gpt, FimRequest((ADD.segments[0] + typed, ADD.segments[1]), ADD.limits))
        assert meter.tokens["prefilled"] <= 4


def test_candidates_differ_in_their_first_token(gpt):
    limits = GenerationLimits(max_tokens=8, candidates=3)
    answers, _ = run(gpt, FimRequest(ADD.segments, limits))
    assert len({answer.text for answer in answers}) == 3
    assert answers[0].text == run(gpt, FimRequest(ADD.segments, GenerationLimits(max_tokens=8)))[0][0].text


def test_sentinel_names_in_the_document_are_text(gpt):
    text = 'MARK = "<fim_middle>" + "<|endoftext|>" + "<fim_suffix>"\n'
    ids = gpt.tokenizer.encode(text)
    assert not set(ids) & {gpt.format.prefix, gpt.format.suffix, gpt.format.middle, 0}
    assert gpt.tokenizer.decode(ids) == text
    prompt = gpt.reader.prompt(text, text, FimRequest((text, text), GenerationLimits())).ids
    assert [prompt.count(i) for i in (gpt.format.prefix, gpt.format.suffix, gpt.format.middle)] == [1, 1, 1]


def test_half_characters_are_held_back(gpt):
    ids = gpt.tokenizer.encode("🦥")
    assert len(ids) > 1
    assert gpt.tokenizer.decode(ids[:1]) == ""
    assert gpt.tokenizer.decode(ids) == "🦥"


def test_a_cancel_is_seen_within_a_step(gpt):
    cancel = Cancel()
    drafts = next(gpt.generate(FimRequest(ADD.segments, GenerationLimits(max_tokens=400)), cancel, Meter()))
    next(drafts)
    cancel.raise_for("cancelled")
    assert len(list(drafts)) <= 2


def test_the_deadline_gives_what_there_is(gpt):
    late = FimRequest(ADD.segments, GenerationLimits(max_tokens=400, deadline=time.monotonic() - 1))
    assert run(gpt, late)[0] == []
    limits = GenerationLimits(max_tokens=400)
    drafts = next(gpt.generate(FimRequest(ADD.segments, limits), Cancel(), Meter()))
    next(draft for draft in drafts if draft.text)
    object.__setattr__(limits, "deadline", 0.0)  # now, whatever the machine's speed
    *_, answer = drafts
    assert (answer.finish, bool(answer.text)) == ("deadline", True)


def test_a_prompt_beyond_the_window_is_clamped_in_steps(gpt):
    lengths = set()
    for extra in range(40):
        prompt = gpt.reader.prompt("value = other\n" * 400 + "x" * extra, "y\n" * 900, ADD).ids
        lengths.add(prompt.index(gpt.format.prefix))
        assert len(prompt) <= gpt.format.prefix_tokens + gpt.format.suffix_tokens + 3
    assert lengths == {gpt.format.suffix_tokens + 1}


def test_an_empty_document_is_a_prompt_too(gpt):
    assert run(gpt, FimRequest(("", ""), GenerationLimits(max_tokens=2)))


def test_orders():
    order = Format("suffix-first", 11, 12, 13, frozenset(), 10, 10)
    assert order.render([1], [2], []) == [12, 2, 11, 1, 13]
    assert Format("prefix-first", 11, 12, 13, frozenset(), 10, 10).render([1], [2], []) == [11, 1, 12, 2, 13]
    assert Format("prefix-only", -1, -1, -1, frozenset(), 10, 10).render([1], [2], []) == [1]
    assert order.render([1], [2], [3]) == [12, 2, 11, 1, 13]  # a model that was taught no paths is shown none
    assert Format("suffix-first", 11, 12, 13, frozenset(), 10, 10, 14).render([1], [2], [3]) == [
        14,
        3,
        12,
        2,
        11,
        1,
        13,
    ]


def test_the_files_path_stands_before_what_typing_changes(gpt):
    request = FimRequest(ADD.segments, ADD.limits, path="pkg/numbers/add.py")
    prompt, plain = gpt.reader.prompt(*request.segments, request).ids, gpt.reader.prompt(*ADD.segments, ADD).ids
    assert prompt[0] == gpt.format.file
    assert prompt[-len(plain) :] == plain
    assert gpt.tokenizer.decode(prompt[1 : -len(plain)]) == "pkg/numbers/add.py\n"


@pytest.mark.parametrize(
    ("path", "kept"),
    [("a/b.py", "a/b.py"), (f"{'x' * 95}/mid/a.py", "mid/a.py"), (f"a/{'y' * 120}.py", f"{'y' * 97}.py"), ("", "")],
)
def test_a_long_path_keeps_its_end(path, kept):
    assert short(path) == kept


@pytest.mark.parametrize(
    ("pieces", "order"),
    [
        (["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], "prefix-first"),
        (["<fim_prefix>", "<fim_suffix>", "<fim_middle>"], "prefix-first"),
        (["<fim-prefix>", "<fim-suffix>", "<fim-middle>"], "prefix-first"),
        (["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"], "prefix-first"),
        (["▁<PRE>", "▁<SUF>", "▁<MID>"], "prefix-first"),
        (["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"], "suffix-first"),
    ],
)
def test_published_sentinels_are_recognised(pieces, order):
    ids = {piece: number for number, piece in enumerate([*pieces, "</s>", "▁<EOT>"])}
    found = Format.read({}, ids.get)
    assert (found.order, found.prefix, found.suffix, found.middle) == (order, 0, 1, 2)
    assert found.ends == set(ids.values())


@pytest.mark.parametrize("pieces", [[], ["[PREFIX]", "[SUFFIX]"], ["<fim_prefix>", "<fim_suffix>"]])
def test_without_all_three_sentinels_the_prefix_is_read_alone(pieces):
    assert Format.read({}, {piece: number for number, piece in enumerate(pieces)}.get).order == "prefix-only"


def test_sentinels_that_the_vocabulary_lacks_are_refused():
    with pytest.raises(ModelMismatch, match="sentinels"):
        Format.read({"prefix": "<a>", "suffix": "<b>", "middle": "<c>"}, {}.get)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small decoder as people publish them, with the shipped vocabulary."""
    import torch
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    path = tmp_path_factory.mktemp("published")
    config = transformers.Qwen2Config(vocab_size=65536, num_key_value_heads=2, **sizes)
    transformers.Qwen2ForCausalLM(config).save_pretrained(path)
    shutil.copy(find_model("gpt", "") / "tokenizer.json", path)
    return path


def test_a_folder_of_published_weights_runs(published):
    backend = backends.create("gpt", backends.ModelRequest(str(published)))
    assert backend.format.order == "prefix-first"
    assert len(run(backend)[0]) == 1


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda f: shutil.rmtree(f), "not a folder"),
        (lambda f: (f / "config.json").unlink(), "config.json"),
        (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json"),
        (lambda f: (f / "layers-2.safetensors").unlink(), "layers-2"),
        (lambda f: (f / "layers-2.safetensors").write_bytes(b"\0" * 99), "layers-2"),
    ],
)
def test_broken_folders_name_the_file_and_a_remedy(tmp_path, break_it, said):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in find_model("gpt", "").iterdir():
        (folder / file.name).symlink_to(file)
    for name in ("layers-2.safetensors", "tokenizer.json"):
        if not said.startswith(name[:5]):
            continue
        (folder / name).unlink()
        shutil.copy(find_model("gpt", "") / name, folder / name)
    break_it(folder)
    with pytest.raises(ModelError, match=said) as caught:
        backends.create("gpt", backends.ModelRequest(str(folder)))
    assert any(word in str(caught.value) for word in ("copy", "correct", "check", "only"))


def test_other_families_are_named():
    with pytest.raises(ModelMismatch, match="not an infiller"):
        backends.create("bert", backends.ModelRequest(str(find_model("gpt", ""))))
    with pytest.raises(ModelMissing, match=r"gpt\.model"):
        find_model("gpt", "/nowhere")


def test_the_shipped_weights_are_within_bounds():
    files = [file for file in models_folder().rglob("*") if file.is_file()]
    assert all(file.stat().st_size < 50e6 for file in files)
    decoder = [file for file in find_model("gpt", "").iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in decoder) < 260e6
    assert sum(file.stat().st_size for file in files) < 310e6
    config = json.loads((find_model("gpt", "") / "config.json").read_text())
    assert config["fim"]["order"] == "suffix-first"


def test_other_first_tokens_are_filled_in_beside_each_other(gpt):
    request = FimRequest(("def f(items):\n    for ", "\n\n\nprint(f([2, 3]))\n"), GenerationLimits(max_tokens=12))
    (answer,), _ = run(gpt, request)
    streams = [list(drafts) for drafts in gpt.generate_alternatives(request, answer.text, Cancel(), Meter())]
    firsts = [drafts[-1].text[0] for drafts in streams]
    assert len(set(firsts)) == len(firsts) >= 2
    assert answer.text[0] not in firsts
    for drafts in streams:
        assert all(later.text.startswith(earlier.text) for earlier, later in itertools.pairwise(drafts))
        assert all("\n" not in draft.text[:-1] for draft in drafts)
    (again,), meter = run(gpt, request)
    assert again == answer
    assert meter.tokens["prefilled"] == 1  # the alternatives left the prompt's keys and values as they were
    stopped = Cancel()
    stopped.raise_for("stopped")
    assert not list(gpt.generate_alternatives(request, answer.text, stopped, Meter()))


@pytest.mark.skipif(not library.chosen(), reason="only the compiled kernels hold four bits")
def test_four_bits_are_kept_to(published):
    coarse, fine = (run(backends.create("gpt", backends.ModelRequest(str(published), bits=bits)))[0] for bits in (4, 8))
    assert coarse[0].log_probs != fine[0].log_probs


def test_a_small_budget_is_kept_to():
    small = backends.create("gpt", backends.ModelRequest(cache_mb=1))
    assert run(small)[0][0].text
    for n in range(3):
        run(small, FimRequest((f"value_{n} = {n}\n" * 40, f"other_{n}\n" * 40), GenerationLimits(max_tokens=2)))
    assert len(small.reader.pool.caches) == 1
