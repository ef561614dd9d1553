"""A server takes what was learnt of the folders that are open, says so, and lets go of it with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fim_lsp.checkpoints import adapters
from fim_lsp.checkpoints.adapters import WEIGHTS, Adapter
from fim_lsp.checkpoints.low_rank import Where
from fim_lsp.lab.adapt.network import AdaptedTrunk
from fim_lsp.lab.adapt.run import MATRICES
from tests.client import Client
from tests.unit.lab.adapt.toy import source, write_decoder, write_repository

TEXT = source(3) + "def area(width, height):\n    return \n"
LINE = TEXT.count("\n") - 1


@pytest.fixture
def decoder(tmp_path) -> Path:
    (tmp_path / "decoder").mkdir()
    return write_decoder(tmp_path / "decoder")


def put_adapter(root: Path, decoder: Path) -> None:
    """Put one there that says something else, whatever that is."""
    torch.manual_seed(1)
    factors = AdaptedTrunk(decoder, 1, 8, torch.float32).factors()
    folder = adapters.folder_of(root)
    folder.mkdir(parents=True)
    save_file({f"{name}.weight": torch.randn_like(one) for name, one in factors.items()}, folder / WEIGHTS)
    Adapter(folder, root, adapters.fingerprint(decoder), 8, Where(1, MATRICES), {}).write()


def test_the_open_folders_decide(tmp_path, decoder):
    root, other = write_repository(tmp_path / "repo"), write_repository(tmp_path / "other")
    put_adapter(root, decoder)
    folder = {"uri": root.as_uri(), "name": "repo"}
    settings = {"backend": "gpt", "gpt": {"model": str(decoder)}, "deadlineMs": 60_000, "lookAhead": False}
    uri = (root / "file_3.py").as_uri()

    def why(client: Client) -> str:
        client.inline(LINE, 11, kind=1, uri=uri)
        return client.explain(LINE, 11, uri=uri)["why"]

    with Client.real(tmp_path) as client:
        client.start(rootUri=root.as_uri(), workspaceFolders=[folder], initializationOptions=settings)
        client.until_ready()
        client.open(TEXT, uri=uri)
        assert why(client).endswith("; adapted to repo")
        more = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": more})
        client.until_state("loading")
        client.until_ready()
        assert "adapted" not in why(client), "of two projects it knows one"
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": more["added"]}})
        client.until_state("loading")
        client.until_ready()
        assert why(client).endswith("; adapted to repo"), "nothing said without it is said again"
        off = {**settings, "adapter": "off"}
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": off}})
        client.until_state("loading")
        client.until_ready()
        assert "adapted" not in why(client)
    client.check_clean()
