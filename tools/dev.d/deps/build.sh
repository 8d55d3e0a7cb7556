#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh NAME: unpacks Debian's source package NAME with Debian's patches applied, runs the recipe
# NAME.sh in it, and checks that what landed in .deps/prefix may go into libotprof.so.
# A recipe installs one static archive and one pkg-config file, and sets `archive` to the former.
set -euo pipefail
# shellcheck source=tools/dev.d/common.sh
. "$OTPROF_ROOT/tools/dev.d/common.sh"

name=$1
work=$deps/work/$name
rm -rf "$work"
mkdir -p "$deps/work" "$prefix/lib/pkgconfig" "$prefix/include"
dpkg-source --no-check -x "$(echo "$deps/src/$name"_*.dsc)" "$work"
cd "$work"

export CC="ccache gcc" PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig MAKEFLAGS="-j$jobs"
# Sections per function let the final link drop what is never called. The mapped prefix keeps the
# name of the build directory out of the product.
export CFLAGS="-O2 -g -fPIC -fvisibility=hidden -fno-plt -fno-semantic-interposition \
-ffunction-sections -fdata-sections -ffile-prefix-map=$work=$name"
unset CPPFLAGS CXXFLAGS LDFLAGS LIBS

# Debian leaves generated build files out of some packages, and its patches change their sources.
configure() {
  if [ -e Makefile.am ]; then autoreconf -fi; else autoconf; fi
  ./configure --prefix="$prefix" --libdir="$prefix/lib" "$@"
}

archive=
# shellcheck source=/dev/null
. "$root/tools/dev.d/deps/$name.sh"

# libotprof.so has 64 bytes of static TLS for its own slots, because a larger block makes a late
# dlopen of it fail.
symbols=$(nm -A "$archive" 2>/dev/null)
if readelf -sW "$archive" 2>/dev/null | grep -E '\bTLS\b'; then
  die "$archive holds thread-local variables"
fi
# Memory from these comes from the C library's allocator, and the free() that the archive calls on it
# is the private one.
if grep -wE 'U (__)?(strdup|strndup|asprintf|vasprintf|getline|getdelim|realpath|open_memstream|scandir)' \
  <<<"$symbols"; then
  die "$archive takes memory from the C library that it would give to the private allocator"
fi
# libtool's descriptions of the archives would only mislead a later libtool.
rm -f "$prefix"/lib/*.la
cd /
rm -rf "$work" "$work"_*
