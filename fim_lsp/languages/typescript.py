"""TypeScript: JavaScript with types."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.languages import javascript

TYPED = r"|.*\)\s*:\s*[^=;]*[^=;(,\s] ?\{$"  # `): Promise<number> {`
OWNERS = {"abstract_class_declaration", "interface_declaration", "enum_declaration", "internal_module"}
MEMBERS = {"type_alias_declaration", "property_signature", "method_signature", "abstract_method_signature"} | {
    "public_field_definition"
}
GIVERS = (
    *("type_identifier", "type_annotation", "type_arguments", "type_parameters", "type_alias_declaration"),
    *("interface_declaration", "enum_body", "type_predicate", "asserts", "ambient_declaration", "implements_clause"),
    *("required_parameter.pattern", "optional_parameter.pattern", "enum_declaration.name", "internal_module.name"),
    *("import_alias", "import_require_clause", "nested_type_identifier"),
)
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
    names=javascript.LANGUAGE.names | {"type_identifier"},
    givers=(javascript.LANGUAGE.givers - javascript.ELEMENTS) | set(GIVERS),
    unseen=javascript.LANGUAGE.unseen + r"|///\s*<reference",
)
