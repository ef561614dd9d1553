"""TypeScript: JavaScript with types."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.languages import javascript

TYPED = r"|.*\)\s*:\s*[^=;]*[^=;(,\s] ?\{$"  # `): Promise<number> {`
OWNERS = {"abstract_class_declaration", "interface_declaration", "enum_declaration", "internal_module"}
MEMBERS = {"type_alias_declaration", "property_signature", "method_signature", "abstract_method_signature"} | {
    "public_field_definition"
}
DEFINITIONS = r"class|enum|interface|namespace|module"

LANGUAGE = replace(
    javascript.LANGUAGE,
    name="typescript",
    extensions=(".ts", ".mts", ".cts"),
    grammar="tree_sitter_typescript:language_typescript",
    ids=(),
    modes=(),
    header=javascript.LANGUAGE.header.replace("class", f"(?:{DEFINITIONS})") + TYPED,
    scope=javascript.WORDS + rf"(?:{DEFINITIONS}|function|type)\b|" + javascript.LANGUAGE.scope,
    definitions=(javascript.LANGUAGE.definitions - {"field_definition"}) | OWNERS | MEMBERS,
    owners=javascript.LANGUAGE.owners | OWNERS,
)
