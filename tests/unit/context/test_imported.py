"""The signatures behind a file's imports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.context import imported
from fim_lsp.context.index import Workspace
from fim_lsp.context.query import query
from fim_lsp.languages import Trees, locate
from tests.picture import draw
from tests.unit.context.folder import written

STORE = '''
    from lib.deep import passed_on

    class Store(Base):
        """Hold files."""
        root: Path
        def load(self, name: str) -> str:
            return read(self.root / name)

    def open_store(folder: Path) -> Store:
        return Store(folder)

    def unrelated(): pass
    '''


def collected(root, picture: str, path: str = "app.py", language: str = "python") -> dict[str, str]:
    snap = replace(draw(picture), path=path, language=language)
    site = locate(snap, Trees())
    return {one.path: one.text for one in imported.collect(Workspace.of(root), query(snap), site)}


@pytest.fixture
def root(tmp_path):
    return written(tmp_path, {"lib/store.py": STORE, "lib/deep.py": "def passed_on(a):\n    pass\n", "app.py": ""})


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        ("from lib.store import open_store\n\nx = open_store(║\n", "def open_store(folder: Path) -> Store: ..."),
        (
            "from lib.store import Store\n\ndef f(it: Store):\n    return it.║\n",
            "class Store(Base):\n    root: Path\n    def load(self, name: str) -> str: ...",
        ),
        (
            "from lib.store import Store, open_store\n"
            + "\n" * 12
            + "x = ║\n",  # no name near, but likely to be wanted
            "class Store(Base): ...\ndef open_store(folder: Path) -> Store: ...",
        ),
        (
            "from lib import store\n\nx = store.║\n",
            "class Store(Base):\n    root: Path\n    def load(self, name: str) -> str: ...\n"
            "def open_store(folder: Path) -> Store: ...\ndef unrelated(): ...",
        ),
    ],
)
def test_what_the_names_near_the_cursor_are(root, picture, shown):
    assert collected(root, picture) == {"lib/store.py": shown}


def test_a_name_that_is_passed_on_is_found_where_it_is_defined(root):
    picture = "from lib.store import passed_on\n\nx = passed_on(║\n"
    assert collected(root, picture) == {"lib/deep.py": "def passed_on(a): ..."}


FAR = "from lib.store import Store\n\ndef f(depot: Store):\n" + "    pass\n" * 20 + "    return depot.║\n"


@pytest.mark.parametrize(
    ("picture", "path", "language"),
    [
        (FAR, "app.py", "python"),
        (f"# é\n{FAR}", "app.py", "python"),
        ("Ünter\n" * 1_000 + f"\n```python\n{FAR}```\n", "a.md", "markdown"),
    ],
)
def test_the_type_of_a_name_may_be_said_far_above(root, picture, path, language):
    (shown,) = collected(root, picture, path, language).values()
    assert "    def load(self, name: str) -> str: ..." in shown


def test_a_module_without_definitions_is_none(root):
    assert collected(root, "import app\n\nx = app.║\n", "lib/deep.py") == {}


@pytest.mark.parametrize("picture", ["import os\n\nx = os.║\n", "unrelated(║\n", "║\n"])
def test_what_is_not_imported_is_not_shown(root, picture):
    assert collected(root, picture) == {}


def test_imports_count_though_the_file_around_them_is_broken(root):
    picture = "from lib.store import open_store\n\ndef f():\n    x = open_store(║\n  (((\n"
    assert "lib/store.py" in collected(root, picture)


def test_files_of_a_folder_see_each_other_where_the_language_has_it_so(tmp_path):
    root = written(tmp_path, {"a.go": "package a\n\ntype Store struct {\n\tRoot string\n}\n", "b.go": "package a\n"})
    shown = collected(root, "package a\n\nfunc f(s *Store) {\n\ts.║\n}\n", "b.go", "go")
    assert shown == {"a.go": "Store struct\n    Root string"}
