"""C++: C with classes, namespaces and lambdas."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.languages import c

OWNERS = {"class_specifier", "namespace_definition"}
DEFINITIONS = r"(?:class|struct|union|enum|namespace|concept)\b"

LANGUAGE = replace(
    c.LANGUAGE,
    name="cpp",
    extensions=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".ipp"),
    grammar="tree_sitter_cpp",
    modes=("c++-mode", "c++-ts-mode"),
    literals=r"(?<=\d)'(?=\d)",  # 1'000
    strings=c.LANGUAGE.strings | {"raw_string_literal"},
    string_ends=c.LANGUAGE.string_ends | {"raw_string_delimiter"},
    header=rf"(?:.*\W)?{DEFINITIONS}[^=]*\{{$|.*\)[^;=]*\{{$|.*\b(?:try|else|do) ?\{{$|.*\] ?\{{$|{c.LANGUAGE.header}",
    scope=rf"(?:template ?<.*> ?|inline |export )*{DEFINITIONS}|{c.LANGUAGE.scope}",
    imports=c.LANGUAGE.imports | {"using_declaration"},
    import_names=r"(?:include|namespace|using)\b(.*)",
    definitions=c.LANGUAGE.definitions | OWNERS,
    owners=c.LANGUAGE.owners | OWNERS,
    holes={**c.LANGUAGE.holes, "lambda_expression": "expression"},
)
