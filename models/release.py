"""Build what a release uploads: a wheel per platform, the sdist, and the weights as data wheels below what PyPI takes.

python models/release.py --out dist

fim_lsp/nn/native/*.c        ──cross.py──▶  fim_lsp-…-{manylinux_2_17_x86_64, win_amd64, … and any}.whl
models/{qwen2.5-coder-0.5b,infiller,study}/  ──▶  fim-lsp-weights-1 … -N  ──pip──▶  site-packages/fim_lsp_weights/

Why so: docs/decisions/0019-weights-in-data-wheels.md and 0023-prebuilt-engine.md. Needs the extra `release`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # this checkout's fim_lsp, whatever is installed
from fim_lsp.nn.native import cross  # noqa: E402

MODELS = ROOT / "models"
LIMIT = 95_000_000  # bytes of a file; PyPI refuses more than 100 MB
SPARE = 500_000  # what a wheel adds to weights that do not compress
NAME, PACKAGE = "fim-lsp-weights", "fim_lsp_weights"

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "Weights of fim-lsp, part {part} of {parts}: pip install 'fim-lsp[weights]' brings them all"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
bypass-selection = true

[tool.hatch.build.targets.wheel.force-include]
{files}
"""


def version() -> str:
    """Return fim-lsp's version, which is also the weights'."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "fim_lsp/__init__.py").read_text(encoding="utf-8"), re.M)
    assert found
    return found[1]


def group(models: Path = MODELS, most: int = LIMIT - SPARE) -> list[list[Path]]:
    """Share the files of a folder of models out to wheels, the largest first, each into the first with room."""
    files = [path for folder in sorted(models.iterdir()) if folder.is_dir() for path in sorted(folder.rglob("*"))]
    sizes = {path: path.stat().st_size for path in files if path.is_file() and "__pycache__" not in path.parts}
    groups: list[list[Path]] = []
    for path in sorted(sizes, key=lambda path: -sizes[path]):
        if sizes[path] > most:
            raise SystemExit(f"{path} has {sizes[path]} bytes, a data wheel takes {most}: cut it into smaller shards")
        roomy = (taken for taken in groups if sum(sizes[one] for one in taken) + sizes[path] <= most)
        if (taken := next(roomy, None)) is None:
            groups.append(taken := [])
        taken.append(path)
    return groups


def pins(parts: int) -> list[str]:
    """Return the requirements that the extra `weights` is to list."""
    return [f"{NAME}-{part}=={version()}" for part in range(1, parts + 1)]


def check_pins(parts: int) -> None:
    """Compare pyproject.toml's extra with the wheels there will be; exits with what it should say."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if listed["project"]["optional-dependencies"]["weights"] != pins(parts):
        raise SystemExit(f"pyproject.toml: the extra should read weights = {json.dumps(pins(parts))}")


def build(out: Path, is_for_here: bool = False, with_weights: bool = True) -> list[Path]:
    """Build in one isolated environment; returns the main wheels, the sdist and the data wheels."""
    try:
        from build import ProjectBuilder
        from build.env import DefaultIsolatedEnv
    except ImportError:
        raise SystemExit("this needs the package `build`: pip install 'fim-lsp[release]'") from None
    groups = group() if with_weights else []
    if with_weights:
        check_pins(len(groups))
    out.mkdir(parents=True, exist_ok=True)
    with DefaultIsolatedEnv() as env:
        main = ProjectBuilder.from_isolated_env(env, ROOT)
        env.install(main.build_system_requires)

        def wheel() -> Path:
            return Path(main.build("wheel", out))

        made = [wheel()] if is_for_here else platform_wheels(wheel)
        made.append(Path(main.build("sdist", out)))
        for part, files in enumerate(groups, 1):
            with tempfile.TemporaryDirectory() as folder:
                write_project(Path(folder), part, len(groups), files)
                made.append(Path(ProjectBuilder.from_isolated_env(env, folder).build("wheel", out)))
    return made


def platform_wheels(wheel: Callable[[], Path]) -> list[Path]:
    """Cross-compile the engine for each platform and build its wheel, and one without; hatch_build.py is told by the
    environment what to take."""
    made = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, target in cross.TARGETS.items():
                os.environ["FIM_LSP_WHEEL_TAG"] = target.tag
                os.environ["FIM_LSP_ENGINE"] = str(cross.compile_for(target, Path(folder, name)))
                made.append(wheel())
        os.environ["FIM_LSP_WHEEL_TAG"] = "any"
        made.append(wheel())
    except cross.CannotCompile as problem:
        raise SystemExit(str(problem)) from None
    finally:
        for variable in ("FIM_LSP_WHEEL_TAG", "FIM_LSP_ENGINE"):
            os.environ.pop(variable, None)
    return made


def write_project(folder: Path, part: int, parts: int, files: list[Path]) -> None:
    """Write the project of a data wheel: its files where they lie, and a mark by which a missing part is known."""
    mark = folder / f"part-{part}-of-{parts}.txt"
    mark.write_text(version() + "\n", encoding="utf-8")
    shutil.copy(ROOT / "LICENSE", folder)
    targets = {mark: mark.name, **{path: path.relative_to(MODELS).as_posix() for path in files}}
    # a JSON string is a TOML string too
    lines = [f"{json.dumps(str(path))} = {json.dumps(f'{PACKAGE}/{name}')}" for path, name in targets.items()]
    text = PROJECT.format(
        name=f"{NAME}-{part}", version=version(), part=part, parts=parts, files="\n".join(sorted(lines))
    )
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def check_sizes(made: list[Path]) -> None:
    """Print the size of each file; exits when one is more than PyPI takes."""
    sizes = {path: path.stat().st_size for path in made}
    for path, size in sizes.items():
        print(f"{size / 1e6:7.1f} MB  {path}")
    if made[0].name.endswith(("-linux_x86_64.whl", "-linux_aarch64.whl")):
        print("PyPI takes no wheel of this kind: without --here there is one for every Linux since 2012")
    if large := [path.name for path, size in sizes.items() if size >= LIMIT]:
        raise SystemExit(f"{LIMIT / 1e6:.0f} MB or more: {', '.join(large)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of what is built")
    parser.add_argument("--here", action="store_true", help="one wheel for this machine, by its own C compiler")
    parser.add_argument("--no-weights", action="store_true", help="leave the data wheels out")
    wanted = parser.parse_args()
    check_sizes(build(wanted.out.absolute(), wanted.here, not wanted.no_weights))


if __name__ == "__main__":
    main()
