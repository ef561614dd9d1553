"""The language server. The only importer of pygls and lsprotocol; no UTF-16 leaves this package."""

from functools import partial

import attrs

define = attrs.define
attrs.define = partial(define, repr=False, eq=False)  # decision 0042: 554 classes, a tenth of a second less
try:
    import lsprotocol.types  # noqa: F401 - Position and Range, which are compared, say themselves how
finally:
    attrs.define = define
