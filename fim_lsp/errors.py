"""The exceptions of fim-lsp; each message names the thing and the remedy.

FimError
├── InputError      what the user gave cannot be completed: no file, line past the end, binary, no mark
├── ConfigError     a settings file cannot be read
└── ModelError      a model cannot be used
    ├── ModelMissing    nothing where the weights should be
    ├── ModelCorrupt    truncated or unreadable weights
    ├── ModelMismatch   weights of a kind this backend does not run
    └── RemoteFault     a server gave no answer that can be used
"""


class FimError(Exception):
    """Anything fim-lsp reports to a person instead of tracing back."""

    exit_code = 1


class InputError(FimError):
    exit_code = 2


class ConfigError(FimError):
    exit_code = 2


class ModelError(FimError):
    exit_code = 3


class ModelMissing(ModelError):
    pass


class ModelCorrupt(ModelError):
    pass


class ModelMismatch(ModelError):
    pass


class RemoteFault(ModelError):
    """`rest_s`: for how long asking again is of no use, where that is known."""

    def __init__(self, problem: str, rest_s: float = 0.0):
        super().__init__(problem)
        self.rest_s = rest_s
