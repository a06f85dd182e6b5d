#!/bin/sh
# Prints the path of a Python of the given version, such as 3.13; nothing where there is none.
# Candidates are run, because a name on the PATH may be a shim that leads nowhere.
version=$1
check="import sys, venv, ensurepip; assert '%d.%d' % sys.version_info[:2] == '$version'; print(sys.executable)"
for candidate in "python$version" python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python \
    "/usr/bin/python$version" "/usr/local/bin/python$version" \
    "/opt/hostedtoolcache/Python/$version".*/x64/bin/python \
    "/Library/Frameworks/Python.framework/Versions/$version/bin/python3" \
    "$HOME/.local/share/uv/python/cpython-$version".*/bin/python; do
    if found=$("$candidate" -c "$check" 2>/dev/null); then
        echo "$found"
        exit 0
    fi
done
