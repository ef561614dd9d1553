"""What reads a prompt: a decoder, its prompt's form, and the keys and values it keeps; both families may share one."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from fim_lsp.backends.base import Budget, ModelRequest
from fim_lsp.backends.costs import Cost
from fim_lsp.checkpoints.adapters import Adapter
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.domain import FimRequest, Meter
from fim_lsp.errors import ModelError, ModelMismatch
from fim_lsp.nn import decode
from fim_lsp.nn.kv_pool import Pool
from fim_lsp.nn.load import load_decoder
from fim_lsp.nn.native.layers import NativeDecoder

ROOM = 256  # tokens for what is decoded after a prompt
CHUNK_MS, CHUNKS = 50.0, (16, 256)  # a chunk of prefill takes about that long, and has so many tokens
PATH_CHARS = 100  # of a file's path, in the prompt
SNIPPETS, SNIPPET_TOKENS = 2, 260  # of other files, as many and as long as the decoder was taught to read
SNIPPET_SHARE = 0.35  # of the time that is left, at most, for snippets that have not been read yet
TILE = 16  # tokens that processors with tiles multiply at once
READING_SHARE = 0.6  # of the time that is left, at most: what is read must also be answered
SHORT_PREFIX, SHORT_SUFFIX = 128, 32  # tokens: where time is left for no more before the cursor, so many behind it do
BEGUN = re.compile(  # what a longer token of the vocabulary may begin with
    r"""(?:[^\W\d_]+|_+            # a piece of a word
    |(?<=\S)[ ]                   # the blank before one; indentation is read as it stands
    |[^\w\s([{<.'"`]              # a mark that others follow: = of ==, ) of );
    |(?<=[\w)\]}.!?])['"`]        # a quote that closes; one that opens, a bracket and a dot end their token mostly
    |(?<=['"./])\.               # a dot of a path
    )\Z""",
    re.VERBOSE,
)
BEGUN_TOKENS, BEGUN_CHARS = 3, 100  # left out of a prompt and said again, at most
SHORTER_LOG = math.log(0.02)  # how likely a token with all letters must be beside one with some: few mean that one
CLAMP_TOKENS = 64  # a prefix too long loses tokens in such steps, so that typing does not shift it at every key

_readers: WeakValueDictionary[tuple[Path, int, int, str], Reader] = WeakValueDictionary()
_loading = threading.Lock()
logger = logging.getLogger(__name__)


class Prompt(NamedTuple):
    """What is read, and what of the last word it leaves out, to be said again (token healing).

    `len(ma` ends in the tokens `(m`, `a`, and `len(matches` would have none of them: read is `len`, and what is said
    has to begin with `(ma`.
    """

    ids: list[int]
    prefix: list[int]  # of the document, as far as it may be read, without what is left out
    suffix: list[int]
    left_out: tuple[int, ...] = ()  # the tokens that were
    begun: str = ""  # what is still to be said again, as the vocabulary spells it
    typed: int = 0  # characters that were left out; the answer begins behind them
    said: tuple[int, ...] = ()  # tokens that were said again, the last ones of `ids`
    probability: float = 1.0  # of these among all that go on as was typed

    def say(self, step: decode.Step, spelt: str) -> Prompt:
        """Return the prompt with one more token of what is to be said again."""
        return self._replace(
            ids=[*self.ids, step.token],
            begun=self.begun.removeprefix(spelt),
            said=(*self.said, step.token),
            probability=self.probability * step.probability,
        )


class Reader:
    """A decoder and what it has read."""

    def __init__(self, model: decode.Model, tokenizer: Tokenizer, cache_mb: int = ModelRequest().cache_mb):
        self.model, self.tokenizer = model, tokenizer
        self.beside: Path | None = None
        self.adapted_to = ""  # the repository whose adapter stands beside the weights
        form = Format.read(model.config.fim, tokenizer.sentinel).within(model.config.positions)
        self.format = replace(form, begin=tokenizer.beginning)
        self.budget = Budget.of_tokens(self.format.prefix_tokens, self.format.suffix_tokens)
        self.cost = Cost(token_ms=1.0, step_ms=20.0)
        around = self.format.prefix_tokens + self.format.suffix_tokens + 3 + len(self.format.begin) + ROOM
        room = SNIPPETS * SNIPPET_TOKENS
        self.takes_snippets = self.format.file is not None and around + room <= model.config.positions
        self.pool = Pool(model, around + room * self.takes_snippets, cache_mb << 20)
        self.breaks: dict[int, bool] = {}  # whether a token holds a line break

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        bits: int = ModelRequest().bits,
        cache_mb: int = ModelRequest().cache_mb,
        adapter: str = "",
    ) -> Reader:
        """Load a model folder, and beside it an adapter; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        model = load_decoder(folder, bits)
        tokenizer = Tokenizer.from_folder(folder, model.config.vocab)
        try:
            made = cls(model, tokenizer, cache_mb)
        except ModelMismatch as problem:  # of the prompt's form
            raise ModelMismatch(f"{folder}: {problem}") from None
        made.adapted_to = adapt(model, Path(adapter)) if adapter else ""
        return made

    @classmethod
    def shared(cls, folder: Path, bits: int, cache_mb: int, adapter: str = "", beside: Path | None = None) -> Reader:
        """Return the reader of a folder that a backend has already, or load one; raises what `from_folder` does.

        `beside`: the slots that are to stand beside its weights; a reader with others beside them is another one.
        """
        key = folder.resolve(), bits, cache_mb, adapter
        with _loading:
            found = _readers.get(key)
            if found is None or (beside and found.beside and found.beside != beside):
                found = cls.from_folder(folder, bits, cache_mb, adapter)
                _readers.setdefault(key, found)
            found.beside = beside or found.beside
            return found

    def read(self, prompt: Prompt, stop: Callable[[], bool], meter: Meter) -> tuple[Prompt, Any, decode.Logits | None]:
        """Read a prompt, and say again what it left out as far as that is no beginning of a longer token.

        Return what was read, a cache that stands for it and the logits after it, [vocab], in which nothing but what
        goes on as was typed has a chance; None in their place when stopped.
        """
        cache = self.pool.take(prompt.ids)
        reused = len(cache)
        with meter.stage("prefill"):
            rows = decode.prefill_and_try(self.model, cache, prompt.ids, prompt.left_out, stop, self.chunk)
        meter.count("reused", reused)
        meter.count("prefilled", min(len(cache), len(prompt.ids)) - reused)
        self.cost = self.cost.learn(meter)
        return (prompt, cache, None) if rows is None else self._say_again(prompt, cache, rows, stop, meter)

    def firsts(self, prompt: Prompt, logits: decode.Logits, count: int) -> list[decode.Step]:
        """Return the likeliest first tokens of an answer, best first, with what was said again in their probability."""
        ranked = decode.rank(logits, count)
        return [step._replace(probability=step.probability * prompt.probability) for step in ranked]

    def pace(self, deadline_ms: int) -> dict[str, float]:
        """Say what this machine was measured to take, and how much is therefore read at once and within a deadline."""
        most = self.format.prefix_tokens + self.format.suffix_tokens
        return {
            "ms a token read": round(self.cost.token_ms, 2),
            "tokens a chunk": self.chunk,
            "tokens read in time": min(int(deadline_ms * READING_SHARE / self.cost.token_ms), most),
        }

    @property
    def chunk(self) -> int:
        """Return how many tokens of prefill this machine computes between two looks at the stop flag."""
        low, high = CHUNKS
        return int(min(max(CHUNK_MS / self.cost.token_ms, low), high)) // TILE * TILE

    def prompt(self, before: str, after: str, request: FimRequest, is_said_again: bool = True) -> Prompt:
        """Return the longest prompt that can be read in time, the far end of the prefix cut in steps.

        A step is cut from where the window begins, so that what is left goes on from the same keys and values.
        `is_said_again`: what is left of a word before the cursor is not read, but said.
        """
        prefix, suffix = self.pieces(before, after)
        count = self._begun(before, prefix) if is_said_again else 0
        kept, begun = prefix[: len(prefix) - count], prefix[len(prefix) - count :]
        typed = len(self.tokenizer.decode(begun))
        ids = self._in_time(kept, suffix, request)
        return Prompt(ids, kept, suffix, tuple(begun), self.tokenizer.spell(begun), typed)

    def text(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """Return what was said after a prompt, without what had been typed."""
        return self.tokenizer.decode([*prompt.said, *ids])[prompt.typed :]

    def snippets(self, request: FimRequest) -> list[list[int]]:
        """Return the ids of other files' snippets, each after its path, cut to what the model was taught to read."""
        if not self.takes_snippets or not request.path:
            return []
        texts = (f"{short(snippet.path)}\n{snippet.text}\n" for snippet in request.snippets[:SNIPPETS])
        return [self.tokenizer.encode(text)[: SNIPPET_TOKENS - 1] for text in texts]

    def _say_again(
        self, prompt: Prompt, cache: Any, rows: decode.Logits, stop: Callable[[], bool], meter: Meter
    ) -> tuple[Prompt, Any, decode.Logits | None]:
        """Say again what was left out; `rows` are the logits after the prompt and after each token of that."""
        logits, tried = rows[0], list(zip(prompt.left_out, rows[1:], strict=True))
        while prompt.begun:
            whole, shorter = self.tokenizer.beginning_with(prompt.begun), self.tokenizer.within(prompt.begun)
            likely, possible = decode.only(logits, whole), decode.only(logits, whole, shorter)
            is_whole = likely.max() >= possible.max() + SHORTER_LOG
            token = int((likely if is_whole else possible).argmax())
            as_typed = tried.pop(0)[1] if tried and tried[0][0] == token else None
            if is_whole and as_typed is None:
                cache.truncate(len(prompt.ids))
                return prompt, cache, likely
            prompt = prompt.say(decode.step_of(possible, token), self.tokenizer.spell([token]))
            if as_typed is not None:
                logits = as_typed
                continue
            tried.clear()
            cache.truncate(len(prompt.ids) - 1)
            if stop():
                return prompt, cache, None
            with meter.stage("decode"):
                logits = decode.decode_one(self.model, cache, token)
            meter.count("decoded", 1)
        cache.truncate(len(prompt.ids))
        return prompt, cache, logits

    def _begun(self, before: str, prefix: list[int]) -> int:
        """Return how many of the last tokens hold the letters before the cursor, 0 where no other token could."""
        letters = BEGUN.search(before[-BEGUN_CHARS:])
        count, text = 0, ""
        while letters and count < min(BEGUN_TOKENS, len(prefix)) and len(text) < len(letters.group()):
            count += 1
            text = self.tokenizer.decode(prefix[-count:])
        is_other = count > 1 or (count and len(self.tokenizer.beginning_with(self.tokenizer.spell(prefix[-1:]))) > 1)
        return count if is_other and before.endswith(text) else 0

    def _in_time(self, prefix: list[int], suffix: list[int], request: FimRequest) -> list[int]:
        path = self.tokenizer.encode(f"{short(request.path)}\n") if request.path else []
        left_ms = (request.limits.deadline - time.monotonic()) * 1e3
        if others := self.snippets(request):
            prompt = self.format.render(prefix, suffix, path, others)
            unread_ms = self.cost.token_ms * (len(prompt) - self.pool.shared(prompt))
            snippets_ms = self.cost.token_ms * sum(map(len, others))
            if unread_ms <= left_ms * READING_SHARE and min(unread_ms, snippets_ms) <= left_ms * SNIPPET_SHARE:
                return prompt
        for shorter in _ever_shorter(prefix, suffix):
            prompt = self.format.render(*shorter, path) or self.tokenizer.encode("\n")
            if self.cost.token_ms * (len(prompt) - self.pool.shared(prompt)) <= left_ms * READING_SHARE:
                break
        return prompt

    def ends_line(self, token: int) -> bool:
        """True for a token that ends the span or its first line."""
        if token not in self.breaks:
            self.breaks[token] = token in self.format.ends or "\n" in self.tokenizer.decode([token])
        return self.breaks[token]

    def pieces(self, before: str, after: str) -> tuple[list[int], list[int]]:
        """Return the ids of prefix and suffix, cut to what the model was taught to read."""
        prefix = self.tokenizer.encode(before)
        suffix = self.tokenizer.encode(after)[: self.format.suffix_tokens]
        if (over := len(prefix) - self.format.prefix_tokens) > 0:
            prefix = prefix[-(-over // CLAMP_TOKENS) * CLAMP_TOKENS :]
        return prefix, suffix


def adapt(model: decode.Model, folder: Path) -> str:
    """Put an adapter beside a decoder that was just loaded and return whose it is; "" with a warning where it cannot.

    Completion goes on without it: it would help, and nothing needs it.
    """
    try:
        if not isinstance(model, NativeDecoder):
            raise ModelMismatch("it needs the compiled kernels, and here torch computes: `fim-lsp doctor` says why")
        adapter = Adapter.read(folder)
        model.add_low_rank(adapter.part(model.config))
    except ModelError as problem:
        logger.warning("the adapter in %s is not used: %s; fim-lsp adapt --remove takes it away", folder, problem)
        return ""
    return adapter.workspace.name


def short(path: str) -> str:
    """Return the last parts of a path, as many as say where the file belongs without crowding the prompt."""
    *folders, name = path.split("/")
    while folders and len("/".join([*folders, name])) > PATH_CHARS:
        del folders[0]
    return "/".join([*folders, name])[-PATH_CHARS:]


def _ever_shorter(prefix: list[int], suffix: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield ever less of both: the prefix a step shorter each time, and little suffix once the prefix is short."""
    starts = range(0, max(len(prefix), 1), CLAMP_TOKENS)
    long = [start for start in starts if len(prefix) - start >= SHORT_PREFIX] or [0]
    yield from ((prefix[start:], suffix) for start in long)
    yield from ((prefix[start:], suffix[:SHORT_SUFFIX]) for start in starts if start >= long[-1])
