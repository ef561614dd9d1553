"""How the measuring sets are cut: drawn packages in, holes out; and what ships keeps to its rules."""

from __future__ import annotations

import io
import json
import random
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from fim_lsp.compare import languages, multi_file, quality
from fim_lsp.compare.holes import Span
from fim_lsp.lab.holes import by_language
from fim_lsp.lab.holes import multi_file as across
from fim_lsp.languages import LANGUAGES, language_of

ROOT = Path(__file__).parents[4]
TUNED_ON = [ROOT / "models/study/corpus.toml", ROOT / "models/qwen2.5-coder-0.5b/data.toml"]
PERMISSIVE = re.compile("MIT|Expat|BSD|Apache|ISC|Unlicense|PostgreSQL|Zlib|CC0")
LIMITS = """\
LIMIT_OF_ROWS = 10


class Ledger:
    def settle(self, row):
        return row[:LIMIT_OF_ROWS]
"""
SHOP = """\
import os

from .ledger import Ledger


def close(book: Ledger, row):
    place = os.path.join("a", "b")
    done = book.settle(row)
    return done, place
"""


def npm(folder: Path, name: str, licence: str, **files: str) -> None:
    with tarfile.open(folder / f"{name}-1.0.0.tgz", "w:gz") as archive:
        told = json.dumps({"name": name, "version": "1.0.0", "license": licence})
        for path, text in {"package.json": told, **files}.items():
            info = tarfile.TarInfo(f"package/{path.replace('__', '/')}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def wheel(folder: Path, name: str, licence: str = "MIT", **files: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\nLicense: {licence}\n")
        for file, text in files.items():
            archive.writestr(f"{name}/{file}.py", text)
    return path


def script(seed: int) -> str:
    draw = random.Random(seed)
    names = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(12)]
    return "\n".join(
        f"function {name}(list, size) {{\n  return list.slice(0, size + {len(name)});\n}}" for name in names
    )


def test_only_what_people_wrote_in_packages_not_tuned_on(tmp_path):
    npm(
        tmp_path,
        "taken",
        "MIT",
        **{"src__list.js": script(1), "dist__list.js": script(2), "src__list.test.js": script(3)},
    )
    npm(tmp_path, "tuned", "MIT", **{"list.js": script(4)})
    npm(tmp_path, "closed", "GPL-3.0", **{"list.js": script(5)})
    made = by_language.cut_sets([tmp_path], ["javascript", "go"], {"tuned"}, seed=1)
    assert made.keys() == {"javascript"}
    assert made["javascript"].packages == (("taken", "1.0.0", "MIT"),)
    assert {hole.path for hole in made["javascript"].holes} == {"src/list.js"}
    by_language.write(made, tmp_path / "out")
    assert quality.read_holes(tmp_path / "out" / "javascript.jsonl.gz") == list(made["javascript"].holes)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("librust-syn-1-dev", "syn"),
        ("golang-github-a-b-dev", "github_a_b"),
        ("lua5.4", "lua"),
        ("Flask-WTF", "flask_wtf"),
    ],
)
def test_packagings_of_one_package_have_one_name(name, bare):
    assert by_language.normal(name) == bare


def test_a_name_counts_where_the_file_imports_what_defines_it():
    package = across.PackageFiles([("shop/close.py", SHOP), ("shop/ledger.py", LIMITS), ("shop/path.py", "join = 1\n")])
    file = package.files["shop/close.py"]
    assert {use.name for use in file.uses if package.is_foreign(use, file)} == {"Ledger", "settle"}
    at = SHOP.index("settle")
    assert not file.is_seen_elsewhere("settle", Span(at, at + 6))
    assert not file.is_seen_elsewhere("Ledger", Span(SHOP.index("book: "), SHOP.index(", row")))
    assert file.is_seen_elsewhere("settle", Span(0, 5))


def test_multi_file_holes_are_read_back_and_asked_with_the_other_file(tmp_path):
    path = wheel(tmp_path, "shop", close=SHOP, ledger=LIMITS)
    wheel(tmp_path, "tuned", close=SHOP, ledger=LIMITS)
    wheel(tmp_path, "closed", "GPL", close=SHOP, ledger=LIMITS)
    recipe = across.cut(list(tmp_path.glob("*.whl")), {"tuned"}, seed=2)
    assert [one.file for one in recipe.wheels] == [path.name]
    assert {name for span in recipe.spans for name in span.names} <= {"Ledger", "settle"}
    assert all(span.gold and span.path == "shop/close.py" for span in recipe.spans)
    (tmp_path / "recipe.json").write_text(recipe.dump())
    assert multi_file.read(tmp_path / "recipe.json") == recipe


def test_the_shipped_holes_of_each_language():
    told = tomllib.loads((quality.shipped_holes("go").parent / "packages.toml").read_text(encoding="utf-8"))
    tuned_on = {by_language.normal(name) for name in by_language.tuned_on(TUNED_ON)}
    for language in languages.measured()[1:]:
        holes = languages.holes_of(language)
        assert len(holes) >= 60, language
        assert {language_of(hole.path) for hole in holes} == {language}
        assert len({(hole.prefix, hole.suffix) for hole in holes}) == len(holes)
        rows = {name: licence for name, _, licence in told[language]["packages"]}
        assert {hole.package for hole in holes} == rows.keys()
        assert not tuned_on & {by_language.normal(name) for name in rows}
        assert all(PERMISSIVE.search(licence) for licence in rows.values()), rows
    assert LANGUAGES.keys() >= set(languages.measured()) >= {"javascript", "typescript", "go", "rust", "java"}
    assert sum(path.stat().st_size for path in quality.shipped_holes("go").parent.iterdir()) < 4_000_000


def test_the_shipped_holes_that_other_files_answer():
    recipe = multi_file.read()
    tuned_on = {by_language.normal(name) for name in by_language.tuned_on(TUNED_ON)}
    assert len(recipe.spans) >= 300 and len(recipe.wheels) >= 12
    assert {span.package for span in recipe.spans} == {one.name for one in recipe.wheels}
    assert not tuned_on & {by_language.normal(one.name) for one in recipe.wheels}
    assert all(any(name in span.gold for name in span.names) for span in recipe.spans)
