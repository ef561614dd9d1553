"""The shipped decoder adapts to this very repository, for two steps: `pytest -m adapt`, some minutes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch

from fim_lsp.checkpoints import adapters
from fim_lsp.context.index import Workspace
from fim_lsp.lab.adapt.network import AdaptedTrunk
from fim_lsp.lab.adapt.rows import AdaptObjective, AdaptRows
from fim_lsp.lab.adapt.run import END, Adapting, Pace, Told
from fim_lsp.lab.train.batch import Batch
from fim_lsp.lab.train.head import score
from fim_lsp.nn.encoder import log_softmax
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.settings import Config

pytestmark = pytest.mark.adapt
ROOT = Path(__file__).resolve().parents[4] / "fim_lsp"
BRIEF = Pace(rows=4, of_kind=1, checks=2, check_steps=2, compile=False)


@pytest.fixture
def adapting(tmp_path, monkeypatch) -> Adapting:
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path))
    return Adapting(ROOT, Config(), BRIEF)


def test_what_torch_trains_is_as_likely_to_the_engine(adapting):
    """Both take the mean loss of middles, on the same rows, before anything is trained."""
    marks, end = adapting.format, adapting.tokenizer.sentinel(END)
    rows = AdaptRows(
        adapting.tokenizer, marks, adapting.parted.learnt, adapting.parted.checked, Workspace.of(ROOT), 640, 2
    )
    some = list(islice(rows.rows(0), 2))
    objective = AdaptObjective(marks.prefix, marks.suffix, marks.middle, end, 640)
    batch = Batch.stack([objective.example(row, (0, 0)) for row in some], objective, torch.device("cpu"))
    trunk = AdaptedTrunk(adapting.decoder, adapting.first_layer, 8, torch.float32)
    with torch.no_grad():
        found = score(trunk, trunk(batch.ids, batch.positions, batch.mask), batch)
    engine, said = NativeDecoder.from_folder(adapting.decoder), []
    for row in some:
        example = objective.example(row, (0, 0))
        likely = log_softmax(np.array(engine.forward(example.ids, engine.new_cache(640), rows=len(example.ids))))
        said += [-float(likely[at, token]) for at, token, _, span in example.targets if span == 0]
    assert found.span_loss / found.span_weight == pytest.approx(np.mean(said), abs=0.05)


def test_a_run_on_the_shipped_weights_ends_in_an_adapter_or_in_nothing(adapting):
    steps: list = []
    told = Told(lambda line, done: steps.append(line), lambda *line: None, lambda why: None, Event())
    verdict = adapting.adapt(told, regardless=True)
    assert verdict is not None
    assert steps[-1]["step"] == 2
    assert (adapters.get(ROOT) is not None) == verdict.has_helped == adapting.folder.exists()
