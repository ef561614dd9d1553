"""The real server around a backend that needs no weights: python fake_server.py [--texts JSON] [--step-s S] …"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.cli.speaking import log_to
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion
from fim_lsp.errors import ModelMissing
from fim_lsp.lsp import feedback, idle
from fim_lsp.lsp.server import make_server
from fim_lsp.lsp.settings import ServerSettings
from fim_lsp.lsp.trace import Trace
from fim_lsp.lsp.wire import speak
from fim_lsp.metrics import writer
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

parser = argparse.ArgumentParser()
parser.add_argument("--texts", type=json.loads, default=["alpha + beta", "gamma()", "alpha + beta", "delta"])
parser.add_argument("--bert-texts", type=json.loads, help="what the infiller says, where it is to say something else")
parser.add_argument("--broken", default="", help="a family whose weights are not there")
parser.add_argument("--step-s", type=float, default=0.0)
parser.add_argument("--load-s", type=float, default=0.0, help="seconds that loading takes")
parser.add_argument("--minute-s", type=float, default=60.0, help="seconds of a minute without a request")
parser.add_argument("--second-s", type=float, default=1.0, help="seconds of a second after accepting")
parser.add_argument("--trace", type=Path)
parser.add_argument("--log", type=Path)
parser.add_argument("--prompts", type=Path, help="where to write what the backend is shown, a JSON line each")
options = parser.parse_args()


class Recording(FakeBackend):
    """Write down what is asked before answering it."""

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        snippets = [snippet.text for snippet in request.snippets]
        asked = {"path": request.path, "segments": request.segments, "snippets": snippets}
        with options.prompts.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asked) + "\n")
        yield from super().generate(request, cancel, meter)


def create(family: str, model: str) -> FakeBackend:
    if family == options.broken:
        raise ModelMissing(f"no weights of {family} here: put some")
    time.sleep(options.load_s)
    texts = options.bert_texts if family == "bert" and options.bert_texts else options.texts
    made = Recording if options.prompts else FakeBackend
    return made(*texts, step_s=options.step_s)


idle.MINUTE_S = options.minute_s
feedback.SECOND_S = writer.BATCH_S = options.second_s
log_to(options.log)
speak(make_server(Completer(Config(), create), ServerSettings({}), Trace(options.trace)))
