#!/usr/bin/env bash
# Put a real VS Code (code-server) in .cache/ and print the folder; a minute the first time.
set -euo pipefail
cd "$(dirname "$0")/../../.."
code_server=4.139.1
nodebin="$(editors/node.sh)"
home="$PWD/.cache/vscode-$code_server"
if [ ! -e "$home/.ready" ]; then
    echo "installing code-server $code_server into $home (about a minute)" >&2
    export PATH="$nodebin:$PATH"
    # Without nodedir, native modules would be built against the headers of whichever Node the system has.
    npm_config_nodedir="$(dirname "$(dirname "$(readlink -f "$nodebin/node")")")"
    export npm_config_nodedir npm_config_audit=false npm_config_fund=false npm_config_loglevel=error npm_config_package_lock=false
    rm -rf "$home" && mkdir -p "$home"
    npm install --prefix "$home" --ignore-scripts "code-server@$code_server" >&2
    cd "$home/node_modules/code-server/lib/vscode"
    npm install --ignore-scripts --omit=dev --omit=optional >&2
    (cd extensions && npm install --ignore-scripts --omit=dev >&2)
    npm_config_build_from_source=true npm rebuild node-pty @vscode/spdlog @vscode/native-watchdog @parcel/watcher >&2
    touch "$home/.ready"
fi
echo "$home"
