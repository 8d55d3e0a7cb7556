# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# libunwind: the second opinion on a stack, for the process itself only. Without C++ exceptions, so
# that the host's throw never meets it.
configure --disable-shared --enable-static --disable-cxx-exceptions --disable-coredump \
  --disable-ptrace --disable-setjmp --disable-minidebuginfo --disable-zlibdebuginfo \
  --disable-tests --disable-documentation --disable-debug-frame
make -C src install
make install-pkgconfigDATA install-nodist_includeHEADERS install-includeHEADERS \
  install-include_HEADERS 2>/dev/null || make install
archive=$prefix/lib/libunwind.a
