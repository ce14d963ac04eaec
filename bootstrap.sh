#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Set masbench up on a bare Debian 12: install the packages that are missing, then build into build/.
# Safe to run again: it installs and rebuilds only what is not there. Works as root or with sudo.
#
#   ./bootstrap.sh        packages and build
#   ./bootstrap.sh --dev  also what the full test run uses (see the list); warnings are errors in a new build/
#   ./bootstrap.sh --corpora  also a larger corpus of source files (harness/corpus/README.md)
set -eu
cd "$(dirname "$0")"
dev='' corpora=''
for option; do
    case "$option" in
    --dev) dev=yes ;;
    --corpora) corpora=yes ;;
    *)
        echo "bootstrap: unknown option $option; known: --dev, --corpora" >&2
        exit 2
        ;;
    esac
done

# What each package is for. Only gcc, Meson, libyaml, jansson and xxHash are needed to build; without the
# others the build says what it leaves out.
packages='
gcc libc6-dev      compiler
meson ninja-build  build system
pkg-config         finds libraries
git                commit recorded in results
libyaml-dev        experiment files
libjansson-dev     result files
libxxhash-dev      content hashes
libdnnl-dev        oneDNN: matrix products
g++                C++ compiler, for SentencePiece
libsentencepiece-dev  vocabularies of byte pairs
gnuplot-nox        charts
libcriterion-dev   unit tests
linux-doc-6.1      default corpus: the Linux kernel documentation
'
[ -n "$dev" ] && packages="$packages
clang              second compiler
clang-format       layout of the sources
locales            a locale with decimal commas
"
[ -n "$corpora" ] && packages="$packages
golang-1.19-src    source files, 18 MB to load, 119 MB on disk
"
# Slim system images tell dpkg to leave out documentation, and the corpus is documentation.
corpus=/usr/share/doc/linux-doc-6.1/html/_sources
include="-oDpkg::Options::=--path-include=/usr/share/doc/linux-doc-6.1/*"

missing=''
for package in $(printf '%s\n' "$packages" | sed 's/  .*//'); do
    state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case "$state" in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
case " $missing " in
*' linux-doc-6.1 '*) ;;
*) [ -d "$corpus" ] || missing="$missing linux-doc-6.1" ;;
esac

if [ -n "$missing" ]; then
    echo "bootstrap: installing$missing"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=''
    elif command -v sudo >/dev/null 2>&1; then
        as_root='sudo'
    else
        echo "bootstrap: these packages are missing and this user is not root and has no sudo:$missing" >&2
        exit 1
    fi
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086 # a list of words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --reinstall \
        --no-install-recommends "$include" $missing >/dev/null
else
    echo 'bootstrap: all packages are installed'
fi

if [ ! -f build/build.ninja ]; then
    echo 'bootstrap: configuring build/'
    meson setup build --buildtype=release ${dev:+--werror} >/dev/null || { cat build/meson-logs/meson-log.txt >&2; exit 1; }
fi
echo 'bootstrap: building'
ninja -C build --quiet 2>/dev/null || ninja -C build
echo 'bootstrap: done; the program is build/masbench'
