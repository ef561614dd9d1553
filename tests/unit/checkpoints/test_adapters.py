"""An adapter is found by its repository's path, beside the weights it was made for, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.checkpoints import adapters
from fim_lsp.checkpoints.adapters import Adapter
from fim_lsp.checkpoints.low_rank import Where
from fim_lsp.errors import ModelError


@pytest.fixture
def decoder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "decoder").mkdir()
    (tmp_path / "decoder" / "model.safetensors").write_bytes(b"weights" * 1000)
    return tmp_path / "decoder"


def put(root: Path, decoder: Path, matrices: tuple[str, ...] = ("down",)) -> Adapter:
    root.mkdir(parents=True, exist_ok=True)
    folder = adapters.folder_of(root)
    folder.mkdir(parents=True)
    made = Adapter(folder, root, adapters.fingerprint(decoder), 8, Where(1, matrices), {"holes": 3})
    made.write()
    return made


def test_it_is_found_again_by_its_repository_and_by_what_lies_in_it(tmp_path, decoder):
    made = put(tmp_path / "repo", decoder)
    assert adapters.find([tmp_path / "repo"], decoder) == made
    assert adapters.find([tmp_path / "repo" / "src"], decoder) == made
    assert adapters.find([tmp_path / "repo", tmp_path / "repo" / "src"], decoder) == made


def test_no_other_folder_is_served_by_it(tmp_path, decoder):
    put(tmp_path / "repo", decoder)
    assert adapters.find([tmp_path / "repository"], decoder) is None
    assert adapters.find([tmp_path], decoder) is None
    assert adapters.find([tmp_path / "repo", tmp_path / "other"], decoder) is None
    assert adapters.find([], decoder) is None


def test_two_repositories_of_one_name_have_one_each(tmp_path, decoder):
    one, other = put(tmp_path / "a" / "repo", decoder), put(tmp_path / "b" / "repo", decoder)
    assert one.folder != other.folder
    assert [one.workspace for one in adapters.every()] in (
        [one.workspace, other.workspace],
        [other.workspace, one.workspace],
    )


def test_other_weights_are_not_served_with_it(tmp_path, decoder):
    put(tmp_path / "repo", decoder)
    (decoder / "model.safetensors").write_bytes(b"Weights" * 1000)
    assert adapters.find([tmp_path / "repo"], decoder) is None


def test_what_is_removed_leaves_nothing(tmp_path, decoder):
    made = put(tmp_path / "repo", decoder)
    assert adapters.remove(tmp_path / "repo")
    assert not made.folder.exists()
    assert not adapters.remove(tmp_path / "repo")


@pytest.mark.parametrize(
    "damage", ["", "{", '{"rank": 8}', '{"workspace": "x", "decoder": "y", "rank": 0, "matrices": "down"}']
)
def test_a_damaged_one_is_as_good_as_none(tmp_path, decoder, damage):
    made = put(tmp_path / "repo", decoder)
    (made.folder / adapters.MANIFEST).write_text(damage)
    assert adapters.find([tmp_path / "repo"], decoder) is None
    assert list(adapters.every()) == []


def test_unknown_matrices_are_refused_by_name(tmp_path, decoder):
    with pytest.raises(ModelError, match="matrices"):
        Adapter.read(put(tmp_path / "repo", decoder, ("sideways",)).folder)
