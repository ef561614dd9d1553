"""TypeScript: JavaScript with types."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.languages import javascript

TYPED = r"|.*\)\s*:\s*[^=;]*[^=;(,\s] ?\{$"  # `): Promise<number> {`
DEFINITIONS = r"class|enum|interface|namespace|module"

LANGUAGE = replace(
    javascript.LANGUAGE,
    name="typescript",
    extensions=(".ts", ".mts", ".cts"),
    grammar="tree_sitter_typescript:language_typescript",
    ids=(),
    header=javascript.LANGUAGE.header.replace("class", f"(?:{DEFINITIONS})") + TYPED,
    scope=javascript.WORDS + rf"(?:{DEFINITIONS}|function|type)\b|" + javascript.LANGUAGE.scope,
)
