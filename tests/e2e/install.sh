#!/usr/bin/env bash
# Install the editors that the tests drive. Neovim comes with the test requirements.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/e2e/vscode/install.sh >/dev/null
missing=()
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
command -v emacs >/dev/null || missing+=(emacs-nox elpa-eglot)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}" >&2
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "not installed: ${missing[*]} (on Debian: sudo apt-get install ${missing[*]}); their tests will be skipped" >&2
fi
