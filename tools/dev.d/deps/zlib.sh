# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# zlib: compresses every payload. Its configure script is hand-written and knows no --disable-*.
./configure --static --prefix="$prefix" --libdir="$prefix/lib"
make libz.a
install -m 644 libz.a "$prefix/lib/"
install -m 644 zlib.h zconf.h "$prefix/include/"
install -m 644 zlib.pc "$prefix/lib/pkgconfig/"
archive=$prefix/lib/libz.a
