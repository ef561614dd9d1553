"""The corpus: what goes in, what stays out and why, and that the same sources give the same shards."""

from __future__ import annotations

import json
import zipfile
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.cli.app import app
from fim_lsp.errors import InputError
from fim_lsp.lab.train import clean, sources
from fim_lsp.lab.train.shards import ShardReader

LONG = "\n".join(f"def step_{n}(value, scale):\n    return combine(value, scale, limit={n})\n" for n in range(40))
OTHER = "\n".join(
    f"class Shape{n}:\n    side = {n}\n\n    def area(self):\n        return self.side ** 2\n" for n in range(30)
)
THIRD = "\n".join(f"for name in names[{n}:]:\n    print(name.upper(), len(name) + {n}, sep='')\n" for n in range(40))
ANSWER = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda_ mu nu xi omicron pi rho"


def wheel(folder: Path, name: str, licence: str, files: dict[str, str], version: str = "1.0") -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n{licence}\n\nText\n")
        for at, text in files.items():
            made.writestr(at, text)
    return path


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    mit = "License-Expression: MIT"
    wheel(folder, "good", mit, {"good/a.py": LONG, "good/_vendor/b.py": OTHER, "good/c_pb2.py": OTHER})
    wheel(folder, "twin", mit, {"twin/a.py": LONG + "\n# one more remark\n", "twin/b.py": OTHER})
    wheel(folder, "copyleft", "License: GPL-3.0-or-later", {"copyleft/a.py": THIRD})
    wheel(folder, "unknown", "Summary: says nothing", {"unknown/a.py": THIRD})
    wheel(folder, "kept_apart", mit, {"kept_apart/a.py": THIRD})
    wheel(
        folder, "leaky", "Classifier: License :: OSI Approved :: BSD License", {"leaky/a.py": THIRD + f"# {ANSWER}\n"}
    )
    return folder


def corpus(*args: object) -> str:
    done = CliRunner().invoke(app, ["train", "corpus", *map(str, args)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_corpus_of_wheels(wheels, tmp_path):
    against = tmp_path / "tasks.jsonl"
    against.write_text(json.dumps({"prefix": "", "gold": ANSWER, "suffix": ""}))
    rules = ["--held-out", "kept-apart", "--against", against, "--tokens", 64, "--holes", 4]
    corpus(wheels, "--out", tmp_path / "one", *rules)
    manifest = json.loads((tmp_path / "one/manifest.json").read_text())
    assert {p["name"]: (p["licence"], p["files"]) for p in manifest["packages"] if p["files"]} == {
        "good": ("MIT", 1),
        "twin": ("MIT", 1),
    }
    assert manifest["packages_left_out"] == ["copyleft", "kept_apart", "unknown"]
    assert manifest["left_out"] == {"contaminated": 1, "generated": 1, "near copy": 1, "vendored": 1}
    rows = list(islice(ShardReader(tmp_path / "one").rows(0), manifest["rows"]))
    assert sum(len(piece) for row in rows for piece in row) == manifest["tokens"] > 500
    tokenizer = Tokenizer.from_folder(find_model("bert", ""))
    assert all("".join(map(tokenizer.decode, row)) in LONG + OTHER for row in rows)
    assert all(3 <= len(row) <= 9 for row in rows)

    recipe = sources.CorpusRecipe.read(tmp_path / "one/recipe.toml")
    assert recipe.packages == (("good", "1.0"), ("twin", "1.0"))
    assert recipe.held_out == {"kept_apart"}

    corpus(wheels, "--out", tmp_path / "two", *rules)
    shards = [sorted((tmp_path / name).glob("*.zst")) for name in ("one", "two")]
    assert [p.read_bytes() for p in shards[0]] == [p.read_bytes() for p in shards[1]]
    made = shards[0][0].stat().st_mtime_ns
    shards[0][-1].unlink()  # as if it had been stopped there
    corpus(wheels, "--out", tmp_path / "one", *rules)
    assert shards[0][0].stat().st_mtime_ns == made
    assert [p.read_bytes() for p in shards[0]] == [p.read_bytes() for p in shards[1]]
    done = CliRunner().invoke(app, ["train", "corpus", str(wheels), "--out", str(tmp_path / "one"), "--tokens", "32"])
    assert done.exit_code == 2


def test_a_recipe_names_its_packages(wheels, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\npackages = [["twin", "1.0", "MIT"]]\nheld_out = ["good"]\n')
    said = corpus(recipe, "--wheels", wheels, "--out", tmp_path / "out", "--family", "gpt", "--tokens", 64)
    assert "1 packages" in said
    rows = list(islice(ShardReader(tmp_path / "out").rows(0), 40))
    assert {len(row) for row in rows} <= {1, 3}


def test_a_folder_of_files_with_a_licence(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/a.py").write_text(LONG)
    corpus(tmp_path / "code", "--out", tmp_path / "out", "--licence", "MIT", "--tokens", 64)
    done = CliRunner().invoke(app, ["train", "corpus", str(tmp_path / "code"), "--out", str(tmp_path / "none")])
    assert (done.exit_code, "permissive licence" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("licence", "is_permissive"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-2-Clause", True),
        ("BSD License", True),
        ("GNU Lesser General Public License", False),
        ("MIT AND GPL-2.0-only", False),
        ("MPL-2.0", False),
        ("NVIDIA Proprietary Software", False),
        ("", False),
    ],
)
def test_licences(licence, is_permissive):
    assert sources.Package("x", "1", licence, Path()).is_permissive is is_permissive


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("a/b.py", LONG, ""),
        ("a/_vendor/b.py", LONG, "vendored"),
        ("a/b_pb2.py", LONG, "generated"),
        ("a/b.py", "# This file was AUTO-GENERATED\n" + LONG, "generated"),
        ("a/b.py", "x = 1\n", "too short or too long"),
        ("a/b.py", LONG + "x = '" + "y" * 700 + "'\n", "long lines"),
        ("a/b.py", "TABLE = [\n" + "    0x12, 0x34, 0x56,\n" * 60 + "]\n", "data"),
    ],
)
def test_files_not_worth_training_on(path, text, why):
    assert clean.refuse(path, text) == why


def test_copies():
    copies = clean.Copies()
    said = [
        copies.add(str(n), clean.digest(text), clean.signature(text))
        for n, text in enumerate([LONG, LONG.replace("    ", "  "), LONG + "# end\n", OTHER])
    ]
    assert said == ["", "copy", "near copy", ""]


def test_contamination_is_about_the_answer_and_not_its_surroundings(tmp_path):
    words = [f"w{n}" for n in range(60)]
    hole = {"prefix": " ".join(words[:40]), "gold": " ".join(words[40:43]), "suffix": " ".join(words[43:])}
    (tmp_path / "holes.jsonl").write_text(json.dumps(hole))
    contamination = clean.Contamination([tmp_path / "holes.jsonl"])
    assert contamination.touches(" ".join(words[35:50]))
    assert not contamination.touches(" ".join(words[:39]))
    assert not contamination.touches(" ".join(words[38:49]))  # fewer than 13 words in a row
    (tmp_path / "broken.jsonl").write_text("{")
    with pytest.raises(InputError, match="broken"):
        clean.Contamination([tmp_path / "broken.jsonl"])


def test_bad_sources_are_named(tmp_path):
    (tmp_path / "recipe.toml").write_text("[data]\npackages = [1]\n")
    with pytest.raises(InputError, match="recipe"):
        sources.CorpusRecipe.read(tmp_path / "recipe.toml")
    (tmp_path / "broken.whl").write_bytes(b"no zip")
    assert sources.wheels(tmp_path) == []
