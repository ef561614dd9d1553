"""TypeScript with JSX, which has a grammar of its own."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.languages import javascript, typescript

LANGUAGE = replace(
    typescript.LANGUAGE,
    name="tsx",
    extensions=(".tsx",),
    grammar="tree_sitter_typescript:language_tsx",
    ids=("typescriptreact",),
    endings=javascript.JSX_ENDINGS,
    element=javascript.ELEMENT,
    givers=typescript.LANGUAGE.givers | javascript.ELEMENTS,
)
