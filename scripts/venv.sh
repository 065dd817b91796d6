#!/bin/sh
# Make the virtual environment and install a requirements file into it: venv.sh PYTHON FOLDER FILE
set -eu
python=$1 folder=$2 file=$3
command -v "$python" >/dev/null 2>&1 || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || {
    echo "Plumbline needs Python 3.11. Install it, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
}
[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
echo "Installing from $file; the first time takes a minute or two."
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$file"
