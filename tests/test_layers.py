"""The import rule, kept by reading the code: an arrow of docs/architecture.md is the only way to import."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fim_lsp.languages import ids

ROOT = Path(__file__).resolve().parents[1] / "fim_lsp"
LEAVES = {"domain", "errors", "folders", "sentinels"}
MAY_IMPORT = {  # part of fim_lsp: the parts it may import; None: all
    "domain": set(),
    "errors": set(),
    "folders": set(),
    "sentinels": set(),
    "machine": set(),
    "kinds": set(),
    "editor_settings": {"kinds"},
    "settings": {"errors", "languages", "kinds", "sentinels", "editor_settings"},
    "languages": LEAVES,
    "privacy": LEAVES,
    "context": {"languages", "privacy"} | LEAVES,
    "filters": {"languages"} | LEAVES,
    "checkpoints": LEAVES,
    "nn": {"checkpoints"} | LEAVES,
    "backends": {"nn", "checkpoints", "settings", "privacy"} | LEAVES,
    "routing": {"backends", "checkpoints", "settings"} | LEAVES,
    "metrics": LEAVES,
    "pipeline": {"context", "filters", "languages", "backends", "routing", "settings"} | LEAVES,
    "http": {"pipeline", "languages", "privacy"} | LEAVES,
    "cluster": {"http", "pipeline", "backends", "routing", "settings", "languages"} | LEAVES,
    "lsp": {"pipeline", "context", "languages", "routing", "settings", "backends", "metrics", "privacy"} | LEAVES,
    "compare": {"pipeline", "context", "routing", "backends", "settings", "languages", "checkpoints", "machine"}
    | LEAVES,
    "lab": None,
    "cli": None,
}
ALONE = {"__init__", "__main__"}  # what is no part
OWNERS = {  # a library: the only parts that may import it
    "pygls": {"lsp"},
    "lsprotocol": {"lsp"},
    "attrs": {"lsp"},
    "tree_sitter": {"languages"},
    "torch": {"nn", "machine", "lab"},
    "safetensors": {"nn", "checkpoints", "lab"},
    "tokenizers": {"checkpoints", "lab"},
    "transformers": {"nn", "lab"},
    "typer": {"cli"},
    "starlette": {"http"},
    "uvicorn": {"http"},
    "ray": {"cluster"},
    "limits": {"cluster"},
    "simpy": {"lab"},
    "pathspec": {"privacy"},
    "rich": {"cli", "compare", "lab", "metrics"},
    "numpy": {"nn", "checkpoints", "compare", "lab"},
    "zstandard": {"lab"},
    "datasketch": {"lab"},
    "gguf": {"checkpoints", "lab"},
    "huggingface_hub": {"cli"},
    "matplotlib": {"compare", "lab"},
    "jinja2": {"compare", "metrics"},
    "psutil": {"compare", "lab"},
    "httpx2": {"backends"},
    "keyring": {"backends"},
}
PIPELINE_BACKENDS = {"fim_lsp.backends.base"}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        if path.parent.name == "samples" and path.name != "__init__.py":
            continue
        yield path


def imports(path: Path, top_level_only: bool = False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            if node.module == "fim_lsp":
                yield from (f"fim_lsp.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_part_is_known():
    assert {part_of(path) for path in modules()} - ALONE == MAY_IMPORT.keys()


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows(path):
    part = part_of(path)
    for name in imports(path):
        top = name.split(".")[0]
        top = "tree_sitter" if top.startswith("tree_sitter_") else top  # its grammars
        if top in OWNERS:
            assert part in OWNERS[top], f"{path} imports {name}: only {OWNERS[top]} may"
        inner = name.split(".")[1] if name.startswith("fim_lsp.") else ""
        allowed = MAY_IMPORT.get(part)
        if allowed is not None and inner and not inner.startswith("__"):
            assert inner in allowed | {part}, f"{path} imports {name}"
        if part == "pipeline" and inner == "backends":
            assert name in PIPELINE_BACKENDS, f"{path} imports {name}: the pipeline knows only the seam"


LISTS = {"__init__", "snippets"}  # of sources and filters, in order
SHARED = ("fim_lsp.context.query", "fim_lsp.context.index")  # what a source of snippets asks, and whom


def test_no_source_of_context_and_no_filter_knows_another():
    for folder in ("context", "filters"):
        paths = list((ROOT / folder).glob("*.py"))
        assert len(paths) > 3, f"{folder} has moved"
        for path in paths:
            if path.stem not in {*LISTS, "query"}:
                known = [name for name in imports(path) if name.startswith(f"fim_lsp.{folder}")]
                assert all(name.startswith(SHARED) for name in known), f"{path} imports {known}"


def test_backends_import_networks_only_in_their_own_file():
    paths = list((ROOT / "backends").glob("*.py"))
    assert len(paths) > 4, "backends has moved"
    for path in paths:
        if path.stem not in ("gpt", "bert", "baselines", "reader", "slots", "hole_test"):
            assert not [name for name in imports(path) if name.startswith("fim_lsp.nn")]


def test_the_orchestrators_stay_small():
    for path in (ROOT / "lsp/server.py", ROOT / "pipeline/completer.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 200


def test_neither_torch_nor_numpy_before_the_handshake():
    import subprocess
    import sys

    code = "import fim_lsp.lsp.server, sys; print({'torch', 'transformers', 'numpy', 'safetensors'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_an_editors_command_waits_for_no_command_line():
    import subprocess
    import sys

    code = "import fim_lsp.cli.speaking, fim_lsp.lsp.server, sys; print({'typer', 'pydantic', 'rich'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_the_index_is_loaded_when_a_folder_is_open():
    import subprocess
    import sys

    code = "import fim_lsp.lsp.server, sys; print('sqlite3' in sys.modules, 'pathspec' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_a_grammar_is_loaded_when_a_text_needs_it():
    import subprocess
    import sys

    code = """
import sys, fim_lsp.lsp.server
from fim_lsp.languages import SyntaxTree, get
def loaded(): print([name for name in sys.modules if name.startswith("tree_sitter_") and name.count(".") == 0])
loaded()
SyntaxTree.parse("x", get("go"))
loaded()
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["[]", "['tree_sitter_go']"]


SPEAK_OF_NO_LANGUAGE = ("pipeline", "filters", "context", "routing", "backends", "compare", "lsp")
LANGUAGE_LITERALS = (
    r"\b(?:" + "|".join(ids()) + r")\b",  # a language's name
    r"#|//",  # a comment mark
    r"(?:import|def|func|function|class|return|end)",
)


@pytest.mark.parametrize("part", SPEAK_OF_NO_LANGUAGE)
def test_what_a_language_says_is_said_in_languages_alone(part):
    for path in (path for path in modules() if part_of(path) == part):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said = node.value.strip()
                found = [one for one in LANGUAGE_LITERALS if re.fullmatch(one, said)]
                assert not found, f"{path}:{node.lineno} says {node.value!r}"
