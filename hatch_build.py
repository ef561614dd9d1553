"""Build hook: compile the kernels where there is a compiler. Weights are none of its business: models/release.py."""

import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build = _load(Path(self.root, "fim_lsp/nn/native/build.py"))
        try:
            library = build.compile_library()
        except build.CannotCompile as problem:
            self.app.display_warning(f"fim-lsp will compute by torch, which is slower: {problem}")
            return
        if version != "editable":  # with kernels inside a wheel is for one kind of machine, but for any Python
            build_data["artifacts"].append(str(library.relative_to(self.root)))
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
