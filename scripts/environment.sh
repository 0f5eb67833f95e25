# Sourced by the other scripts: makes the virtual environment once, and again only when its
# ingredients change. Sets $python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${POPHEALTH_LINK_VENV:-.venv}
stamp="$venv/.made-from"
wanted=$(cat pyproject.toml constraints.txt | cksum)-$(pwd -P)

find_python() {
  for each in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$each" ] && command -v "$each" >/dev/null &&
      "$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$each"
      return
    fi
  done
  echo "pophealth_link needs Python 3.11 or newer; none was found. Set PYTHON to one." >&2
  exit 1
}

if [ ! -x "$venv/bin/python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  base=$(find_python)
  echo "Setting up $venv (once; about a minute) ..." >&2
  rm -rf "$venv"
  "$base" -m venv "$venv" || {
    echo "The venv module is missing: on Debian or Ubuntu, apt install python3-venv." >&2
    exit 1
  }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[dev]'
  echo "$wanted" >"$stamp"
fi
python="$venv/bin/python"
