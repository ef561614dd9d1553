"""The causal family: a decoder trained to fill in the middle, token by token."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

from fim_lsp.backends.base import Budget, ModelRequest
from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.costs import Cost
from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.nn import alternatives, decode, speculate
from fim_lsp.nn.kv_pool import Pool
from fim_lsp.nn.load import load_decoder
from fim_lsp.nn.speculate import Lookup
from fim_lsp.nn.token_cache import TokenCache

CHARS_PER_TOKEN = 3.5  # Python under a code vocabulary; a little low, so that a window seldom needs clamping
MOST_CHARS_PER_TOKEN = 4.5  # a suffix is cut at its far end, where clamping by tokens costs nothing
FIRST_TOKENS = 6  # first tokens tried in each of several holes
ROOM = 256  # tokens for what is decoded after a prompt
CHUNK_MS, CHUNKS = 50.0, (16, 256)  # a chunk of prefill takes about that long, and has so many tokens
PATH_CHARS = 100  # of a file's path, in the prompt
SNIPPETS, SNIPPET_TOKENS = 2, 260  # of other files, as many and as long as the decoder was taught to read
SNIPPET_SHARE = 0.35  # of the time that is left, at most, for snippets that have not been read yet
TILE = 16  # tokens that processors with tiles multiply at once
READING_SHARE = 0.6  # of the time that is left, at most: what is read must also be answered
ALTERNATIVE_RANKS, ALTERNATIVE_SHARE = 64, 0.02  # first tokens looked at, and how likely a first character must be
ALTERNATIVE_TOKENS, ALTERNATIVE_SURE = 10, 0.1  # of an alternative at most, and how likely it must stay
UNTYPED = ("", "\n", "\r", "\ufffd")  # no first character: nothing, what the editor types, half of one
SHORT_PREFIX, SHORT_SUFFIX = 128, 32  # tokens: where time is left for no more before the cursor, so many behind it do
CLAMP_TOKENS = 64  # a prefix too long loses tokens in such steps, so that typing does not shift it at every key


def load(folder: Path, wanted: ModelRequest) -> GptBackend:
    """Load a decoder; raises ModelError."""
    return GptBackend.from_folder(folder, wanted.bits, wanted.cache_mb)


class GptBackend:
    """A Llama- or Qwen2-family decoder on this machine."""

    name = "gpt"
    has_prefix_cache = True

    def __init__(
        self,
        model: decode.Model,
        tokenizer: Tokenizer,
        calibration: Calibration | None = None,
        cache_mb: int = ModelRequest().cache_mb,
    ):
        self.model, self.tokenizer, self.calibration = model, tokenizer, calibration
        self.format = Format.read(model.config.fim, tokenizer.sentinel).within(model.config.positions)
        self.budget = Budget(
            prefix_chars=int(self.format.prefix_tokens * CHARS_PER_TOKEN),
            suffix_chars=int(self.format.suffix_tokens * MOST_CHARS_PER_TOKEN),
        )
        self.cost = Cost(token_ms=1.0, step_ms=20.0)
        around = self.format.prefix_tokens + self.format.suffix_tokens + 3 + ROOM
        room = SNIPPETS * SNIPPET_TOKENS
        self.takes_snippets = self.format.file is not None and around + room <= model.config.positions
        self.pool = Pool(model, around + room * self.takes_snippets, cache_mb << 20)

    @classmethod
    def from_folder(
        cls, folder: Path, bits: int = ModelRequest().bits, cache_mb: int = ModelRequest().cache_mb
    ) -> GptBackend:
        """Load a model folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        calibration = Calibration.read(read_raw_config(folder).get("confidence"))
        model = load_decoder(folder, bits)
        return cls(model, Tokenizer.from_folder(folder, model.config.vocab), calibration, cache_mb)

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the hole of `request`, the candidates parting at their first token, best first; several in turn."""
        limits = request.limits
        if len(request.segments) > 2:
            yield from self._fill_in_turn(request, cancel, meter)
            return

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        with meter.stage("tokenize"):
            prompt = self._prompt(request.segments[0], request.segments[1], request)
        cache = self.pool.take(prompt)
        reused = len(cache)
        with meter.stage("prefill"):
            logits = decode.prefill(self.model, cache, prompt, stop, self._chunk)
        meter.count("reused", reused)
        meter.count("prefilled", len(cache) - reused)
        self.cost = self.cost.learn(meter)
        if logits is None:
            return
        for first in decode.rank(logits, limits.candidates):
            if stop():
                return
            cache.truncate(len(prompt))
            yield self._drafts(request, cache, first, cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Fill in once for each other character that the text may well begin with, all in the same passes."""
        prompt = self._prompt(request.segments[0], request.segments[1], request)
        cache = self.pool.take(prompt)
        reused = len(cache)
        with meter.stage("prefill"):
            logits = decode.prefill(self.model, cache, prompt, cancel.is_set, self._chunk)
        meter.count("reused", reused)
        meter.count("prefilled", len(cache) - reused)
        if logits is None:
            return
        with meter.stage("decode"):
            firsts = self._other_first_tokens(logits, said[:1])
            found = alternatives.decode(self.model, cache, firsts, ALTERNATIVE_TOKENS, self._is_over, cancel.is_set)
        for steps in found if not cancel.is_set() else ():
            meter.count("decoded", len(steps))
            yield self._grown(steps)

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Count the prompt's tokens and those whose keys and values are there from before."""
        prompt = self._prompt(request.segments[0], " ".join(request.segments[1:]), request)
        holes = len(request.segments) - 1
        answers = FIRST_TOKENS * holes if holes > 1 else request.limits.candidates
        return TokenEstimate(len(prompt), self.pool.shared(prompt), answers)

    def pace(self, deadline_ms: int) -> dict[str, float]:
        """Say what this machine was measured to take, and how much is therefore read at once and within a deadline."""
        most = self.format.prefix_tokens + self.format.suffix_tokens
        return {
            "ms a token read": round(self.cost.token_ms, 2),
            "tokens a chunk": self._chunk,
            "tokens read in time": min(int(deadline_ms * READING_SHARE / self.cost.token_ms), most),
        }

    def forget(self) -> None:
        """Drop the K/V caches."""
        self.pool.forget()

    def _drafts(
        self, request: FimRequest, cache: TokenCache, first: decode.Step, cancel: Cancel, meter: Meter
    ) -> Iterator[Suggestion]:
        limits = request.limits
        ids: list[int] = []
        log_probs: list[float] = []

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        def draft(finish: Finish) -> Suggestion:
            confidence = math.exp(sum(log_probs) / len(ids)) if ids else first.probability
            text = self.tokenizer.decode(ids)
            return Suggestion((text,), finish=finish, confidence=confidence, log_probs=tuple(log_probs))

        prefix, suffix = self._pieces(request.segments[0], request.segments[1])
        lookup = Lookup(*self._snippets(request), suffix, prefix)
        steps = speculate.decode(self.model, cache, first, limits.max_tokens, self.format.ends, stop, lookup)
        try:
            while True:
                with meter.stage("decode"):
                    step = next(steps, None)
                if step is None:
                    break
                ids.append(step.token)
                log_probs.append(math.log(max(step.probability, 1e-9)))
                yield draft("length")
        finally:  # who has enough closes the stream
            meter.count("decoded", len(ids))
            meter.count("drafted", lookup.drafted)
            meter.count("accepted", lookup.accepted)
        if cancel.is_set():
            yield draft("cancelled")
        elif limits.expired:
            yield draft("deadline")
        else:
            yield draft("length" if len(ids) >= limits.max_tokens else "stop")

    def _other_first_tokens(self, logits: decode.Logits, said: str) -> list[decode.Step]:
        """Return for each likely first character its likeliest token, with its share among those that begin so."""
        by_char: dict[str, list[decode.Step]] = {}
        for step in decode.rank(logits, ALTERNATIVE_RANKS):
            char = "" if step.token in self.format.ends else self.tokenizer.decode([step.token])[:1]
            if char not in (*UNTYPED, said):
                by_char.setdefault(char, []).append(step)
        likely = sorted(by_char.values(), key=lambda steps: -_share(steps))[: speculate.MOST]
        return [
            steps[0]._replace(probability=steps[0].probability / _share(steps))
            for steps in likely
            if _share(steps) >= ALTERNATIVE_SHARE
        ]

    def _is_over(self, steps: list[decode.Step]) -> bool:
        """True at the end of a line, and where an alternative has become a guess."""
        token = steps[-1].token
        is_end = token in self.format.ends or "\n" in self.tokenizer.decode([token])
        return is_end or math.prod(step.probability for step in steps) < ALTERNATIVE_SURE

    def _grown(self, steps: list[decode.Step]) -> Iterator[Suggestion]:
        """Yield the drafts of an alternative, and at last whether its end was said."""
        is_ended = steps[-1].token in self.format.ends
        tokens = [step.token for step in steps[: len(steps) - is_ended]]
        log_probs = [math.log(max(step.probability, 1e-9)) for step in steps]
        for at in range(1, len(tokens) + 1):
            finish: Finish = "stop" if is_ended and at == len(tokens) else "length"
            text = self.tokenizer.decode(tokens[:at])
            yield Suggestion((text,), finish=finish, log_probs=tuple(log_probs[:at]))

    def _fill_in_turn(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill from left to right, each hole after the best fill of those before it; candidates by rank."""
        before, ranked = "", []
        for hole in range(len(request.segments) - 1):
            before += request.segments[hole]
            options = self._options(before, " ".join(request.segments[hole + 1 :]), request, cancel, meter)
            if not options:
                return
            ranked.append(options)
            before += options[0][1]
        finish: Finish = "cancelled" if cancel.is_set() else "deadline" if request.limits.expired else "stop"
        for rank in range(min(request.limits.candidates, max(map(len, ranked)))):
            scores, fills = zip(*(options[min(rank, len(options) - 1)] for options in ranked), strict=True)
            yield iter([Suggestion(fills, 0, finish, math.exp(sum(scores) / len(scores)), scores)])

    def _options(
        self, before: str, after: str, request: FimRequest, cancel: Cancel, meter: Meter
    ) -> list[tuple[float, str]]:
        """Return (log-probability, text) of what may fill one hole, best first: every place a decode may end."""

        def stop() -> bool:
            return cancel.is_set() or request.limits.expired

        prompt = self._prompt(before, after, request)
        cache = self.pool.take(prompt)
        with meter.stage("prefill"):
            logits = decode.prefill(self.model, cache, prompt, stop, self._chunk)
        found: dict[str, float] = {}
        if logits is None:
            return []
        with meter.stage("decode"):
            for first in decode.rank(logits, FIRST_TOKENS):
                cache.truncate(len(prompt))
                ids: list[int] = []
                score = 0.0
                for step, ending in decode.decode_with_endings(
                    self.model, cache, first, request.limits.max_tokens, self.format.ends, stop
                ):
                    ids.append(step.token)
                    score += math.log(max(step.probability, 1e-9))
                    text = self.tokenizer.decode(ids)
                    ended = score + math.log(max(ending, 1e-9))
                    found[text] = max(found.get(text, -math.inf), ended)
                meter.count("decoded", len(ids))
        return sorted(((score, text) for text, score in found.items() if text.strip()), reverse=True)

    @property
    def _chunk(self) -> int:
        """Return how many tokens of prefill this machine computes between two looks at the stop flag."""
        low, high = CHUNKS
        return int(min(max(CHUNK_MS / self.cost.token_ms, low), high)) // TILE * TILE

    def _prompt(self, before: str, after: str, request: FimRequest) -> list[int]:
        """Return the longest prompt that can be read in time, the far end of the prefix cut in steps.

        A step is cut from where the window begins, so that what is left goes on from the same keys and values.
        """
        path = self.tokenizer.encode(f"{short(request.path)}\n") if request.path else []
        left_ms = (request.limits.deadline - time.monotonic()) * 1e3
        pieces = self._pieces(before, after)
        if others := self._snippets(request):
            prompt = self.format.render(*pieces, path, others)
            unread_ms = self.cost.token_ms * (len(prompt) - self.pool.shared(prompt))
            snippets_ms = self.cost.token_ms * sum(map(len, others))
            if unread_ms <= left_ms * READING_SHARE and min(unread_ms, snippets_ms) <= left_ms * SNIPPET_SHARE:
                return prompt
        for prefix, suffix in _ever_shorter(*pieces):
            prompt = self.format.render(prefix, suffix, path) or self.tokenizer.encode("\n")
            if self.cost.token_ms * (len(prompt) - self.pool.shared(prompt)) <= left_ms * READING_SHARE:
                break
        return prompt

    def _snippets(self, request: FimRequest) -> list[list[int]]:
        """Return the ids of other files' snippets, each after its path, cut to what the model was taught to read."""
        if not self.takes_snippets or not request.path:
            return []
        texts = (f"{short(snippet.path)}\n{snippet.text}\n" for snippet in request.snippets[:SNIPPETS])
        return [self.tokenizer.encode(text)[: SNIPPET_TOKENS - 1] for text in texts]

    def _pieces(self, before: str, after: str) -> tuple[list[int], list[int]]:
        """Return the ids of prefix and suffix, cut to what the model was taught to read."""
        prefix = self.tokenizer.encode(before)
        suffix = self.tokenizer.encode(after)[: self.format.suffix_tokens]
        if (over := len(prefix) - self.format.prefix_tokens) > 0:
            prefix = prefix[-(-over // CLAMP_TOKENS) * CLAMP_TOKENS :]
        return prefix, suffix


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


def _share(steps: list[decode.Step]) -> float:
    return sum(step.probability for step in steps)
