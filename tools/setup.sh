#!/bin/sh
# Find a Python the book runs on and hand over to tools/setup.py, which makes .venv with it.
# `make book PYTHON=/path/to/python` chooses one by hand.
# A candidate is tried, not believed: a pyenv shim may exist with no Python behind it, and Debian's python3 comes without venv.
cd "$(dirname "$0")/.." || exit 1
suitable='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if [ -z "$PYTHON" ] && [ -x .venv/bin/python ] && .venv/bin/python -c "$suitable" 2>/dev/null; then
    exec .venv/bin/python tools/setup.py "$@"
fi
for name in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    IFS=:
    for folder in $PATH; do
        case $name in /*) candidate=$name ;; *) candidate=$folder/$name ;; esac
        if "$candidate" -c "$suitable" 2>/dev/null; then
            exec "$candidate" tools/setup.py "$@"
        fi
    done
    unset IFS
done
echo "The book needs Python 3.11, 3.12 or 3.13 with its venv module, and ${PYTHON:-PATH} offers none: install one (Debian and Ubuntu: also python3-venv) or name it with make PYTHON=/path/to/python3.12." >&2
exit 1
