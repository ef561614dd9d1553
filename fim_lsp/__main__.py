"""The `fim-lsp` command, and `python -m fim_lsp`: both begin in `main`."""

import os
import sys


def main() -> None:
    """Run the command line."""
    own_modules_first(sys.path, os.environ.get("PYTHONPATH", ""))
    if sys.argv[1:2] == ["serve"]:
        from fim_lsp.cli.speaking import speak_at_once

        speak_at_once(sys.argv[2:])
    from fim_lsp.cli.app import app

    app()


def own_modules_first(paths: list[str], python_path: str) -> None:
    """Put the folder a user stands in, and what PYTHONPATH names, last: either may hold a `json.py`."""
    foreign = {os.path.abspath(path) for path in ["", *python_path.split(os.pathsep)]}  # noqa: PTH100 - imports nothing
    paths.sort(key=lambda path: os.path.abspath(path) in foreign)  # noqa: PTH100


if __name__ == "__main__":
    main()
