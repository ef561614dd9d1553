"""A comparison of contenders that say what they were told to: who is right where is known beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.compare import footprint
from fim_lsp.compare import run as compare
from fim_lsp.compare.contenders import Contender
from fim_lsp.compare.quality import SEVERAL, Hole

HEAD = "def add(first, second):\n    return "
GOLD = "first + second"


def at_cursor(number: int, kind: str = "rest_of_line") -> Hole:
    return Hole("p", f"f{number}.py", number, kind, f"# {number}\n{HEAD}", "\n", GOLD)


def several(number: int) -> Hole:
    return Hole("p", f"s{number}.py", 1, SEVERAL, f"# {number}\ndef ", "(a):\n    return ", "f", further=(("a", "\n"),))


class Filler(FakeBackend):
    """A fake that gives each of several holes its own text, with the scores a parser chooses by."""

    def __init__(self, fills: tuple[str, ...], *texts: str, **kwargs: Any):
        super().__init__(*texts, **kwargs)
        self.fills = fills

    def generate(self, request, cancel, meter):
        if len(request.segments) == 2:
            yield from super().generate(request, cancel, meter)
        else:
            from fim_lsp.domain import Suggestion

            yield iter([Suggestion(self.fills, confidence=0.5, scores=(-1.0,) * len(self.fills))])


class SuffixReader(FakeBackend):
    """A fake that is right only while it sees text right of the cursor."""

    def generate(self, request, cancel, meter):
        said = GOLD if request.segments[1] else "None"
        return FakeBackend(said, step_s=self.step_s, confidence=self.confidence).generate(request, cancel, meter)


def contenders(folder: Path | None = None) -> list[Contender]:
    """Return a slow decoder that is right, and a quick infiller that is wrong."""
    folder = folder or find_model("gpt", "")
    right = Filler(("f", "a"), GOLD, step_s=0.004)
    wrong = Filler(("g", "b"), "other other other", confidence=0.2)
    wrong.has_prefix_cache = False
    return [Contender("gpt", "gpt", folder, right), Contender("bert", "bert", folder, wrong)]


def report(monkeypatch, count: int = 12) -> dict[str, Any]:
    """Return the report of those two on holes of two kinds and on two texts with several."""
    monkeypatch.setattr(footprint, "measure", lambda family, folder: {"loaded_mb": 1.0, "peak_mb": 2.0, "load_s": 0.1})
    kinds = ("rest_of_line", "function_body")
    holes = [at_cursor(n, kinds[n % 2]) for n in range(count)] + [several(n) for n in range(2)]
    return compare.compare(holes, contenders(), seed=1)
