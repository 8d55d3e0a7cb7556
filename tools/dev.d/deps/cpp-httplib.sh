# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# cpp-httplib: the HTTP server of the otprof command. Debian's shared library brings OpenSSL and
# brotli along; this server speaks plain HTTP on loopback. poll: file descriptors above 1023.
version=$(dpkg-parsechangelog -S Version | cut -d+ -f1)
defines="-DCPPHTTPLIB_ZLIB_SUPPORT -DCPPHTTPLIB_USE_POLL -DCPPHTTPLIB_TCP_NODELAY=true"
/usr/bin/python3 ./split.py --out split
# shellcheck disable=SC2086
ccache g++ $CFLAGS $defines -std=c++20 -c split/httplib.cc -o httplib.o
archive=$prefix/lib/libcpp-httplib.a
rm -f "$archive"
ar rcs "$archive" httplib.o
mkdir -p "$prefix/include/cpp-httplib"
install -m 644 split/httplib.h "$prefix/include/cpp-httplib/"
# The defines change the classes that the header declares, so they travel with the include path.
cat >"$prefix/lib/pkgconfig/cpp-httplib.pc" <<PC
Name: cpp-httplib
Description: HTTP server and client
Version: $version
Cflags: -I$prefix/include/cpp-httplib $defines
Libs: -L$prefix/lib -lcpp-httplib
PC
