"""Build hook: compile the kernels where there is a compiler. Weights are none of its business: models/release.py.

models/release.py brings kernels that are compiled, by two environment variables: FIM_LSP_WHEEL_TAG, the platform's tag
(or `any`: no kernels), and FIM_LSP_ENGINE, their library.
"""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = "fim_lsp/nn/native"


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        tag = os.environ.get("FIM_LSP_WHEEL_TAG")
        if tag == "any":
            return
        library = Path(os.environ["FIM_LSP_ENGINE"]) if tag else self.compile()
        if library and version != "editable":  # a wheel with kernels is for one kind of machine, but for any Python
            build_data["force_include"][str(library)] = f"{NATIVE}/{library.name}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{tag or sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def compile(self) -> Path | None:
        build = _load(Path(self.root, NATIVE, "build.py"))
        try:
            return build.compile_library()
        except build.CannotCompile as problem:
            self.app.display_warning(f"fim-lsp will compute by torch, which is slower: {problem}")
            return None


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
