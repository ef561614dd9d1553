"""What the frozen server begins with: the command line, or the module that `sys.executable -P -m` asks for."""

import runpy
import sys

from fim_lsp.__main__ import main


def begin() -> None:
    if sys.argv[1:3] == ["-P", "-m"]:  # lsp/indexing.py starts Python so, and here Python is this program
        module = sys.argv[3]
        sys.argv[1:4] = []
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        main()


if __name__ == "__main__":
    begin()
