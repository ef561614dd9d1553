"""GGUF files: what is written is read back; a head that is cut or lies is told, and nothing runs without end."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest

from fim_lsp.checkpoints import gguf
from fim_lsp.checkpoints.gguf_head import read_head
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from tests.unit.checkpoints.fuzz import folders


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gguf")
    folders.write_gguf(folder / "model")
    return folder / "model/model.gguf"


def head(*values: bytes, tensors: int = 0, count: int | None = None) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(values) if count is None else count) + b"".join(values)


def text(of: str) -> bytes:
    return struct.pack("<Q", len(of)) + of.encode()


def test_what_is_written_is_read_back(file):
    raw, tensors = gguf.read(file)
    for name, expected in folders.random_tensors(folders.LLAMA, "floats").items():
        np.testing.assert_allclose(tensors[name], expected, atol=0.01)
    wanted = {name: folders.LLAMA[name] for name in ("model_type", "vocab_size", "hidden_size", "num_key_value_heads")}
    assert wanted.items() <= raw.items()
    assert raw["tie_word_embeddings"] is False


@pytest.mark.parametrize(
    ("rope", "factors"),
    [
        ({"rope_type": "default"}, ()),
        ({"rope_type": "linear", "factor": 4.0}, (4.0,) * 8),
        ({"rope_type": "default", "factors": [1.0] * 4 + [2.0] * 4}, (1.0,) * 4 + (2.0,) * 4),
    ],
    ids=["plain", "linear", "of a tensor"],
)
def test_stretched_positions_are_read(tmp_path, rope, factors):
    folders.write_gguf(tmp_path / "model", rope_parameters={"rope_theta": 5e5, **rope})
    config = gguf.GgufFile(tmp_path / "model/model.gguf").config
    assert (config.rope_theta, config.rope_factors) == (5e5, factors)


@pytest.mark.parametrize(
    ("bytes_of", "said"),
    [
        (b"", "cannot be read as GGUF"),
        (b"PK\3\4 a zip", "begins with other bytes"),
        (head()[:10], "ends within its head: byte 8 asks for 8 more, of 10"),
        (head(count=2**63), "ends within its head"),
        (head(text("a") + struct.pack("<IIQ", 9, 0, 2**60)), "ends within an array"),
        (head(text("a") + struct.pack("<IIQ", 9, 9, 2**60)), "unknown type 9"),
        (head(text("a") + struct.pack("<IQ", 8, 2**62)), "ends within a string"),
        (head(text("general.alignment") + struct.pack("<II", 4, 3)), "no power of two"),
        (head(text("t") + struct.pack("<I", 2**31), tensors=1, count=0), "dimensions"),
    ],
)
def test_a_head_that_lies_is_told(tmp_path, bytes_of, said):
    (tmp_path / "model.gguf").write_bytes(bytes_of)
    with pytest.raises(ModelCorrupt, match=said):
        read_head(tmp_path / "model.gguf")


def test_weights_that_are_not_there_are_told_by_name(file, tmp_path):
    whole = file.read_bytes()
    (tmp_path / "model.gguf").write_bytes(whole[:-5000])
    with pytest.raises(ModelCorrupt, match=r"ends at byte \d+, and the file has"):
        gguf.read(tmp_path / "model.gguf")


def test_without_the_package_the_remedy_is_said(file, monkeypatch):
    def lacking(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(gguf, "import_module", lacking)
    with pytest.raises(ModelMismatch, match=r"pip install 'fim-lsp\[gguf\]'"):
        gguf.read(file)


@pytest.mark.parametrize("shape", [(), (2**60, 0), (1, 1, 1, 8), (4096,)])
def test_factors_of_another_shape_are_told(tmp_path, shape):
    folders.write_gguf(tmp_path / "model", rope_parameters={"rope_theta": 5e5, "factors": [1.0] * 8})
    path = tmp_path / "model/model.gguf"
    whole, name = path.read_bytes(), text(gguf.SCALED)
    before, behind = whole.split(name)
    assert behind[:12] == struct.pack("<IQ", 1, 8)
    said = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
    path.write_bytes(before + name + said + behind[12:])
    with pytest.raises(ModelCorrupt, match=re.escape(f"{path}: {gguf.SCALED} has the shape")):
        gguf.GgufFile(path)
