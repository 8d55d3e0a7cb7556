# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# libunwind: the second opinion on a stack, for the process itself only. Without C++ exceptions, so
# that the host's throw never meets it.
configure --disable-shared --enable-static --disable-cxx-exceptions --disable-coredump \
  --disable-ptrace --disable-setjmp --disable-minidebuginfo --disable-zlibdebuginfo \
  --disable-tests --disable-documentation --disable-debug-frame
make -C src libunwind.la
archive=$prefix/lib/libunwind.a
install -m 644 src/.libs/libunwind.a "$archive"
# unw_backtrace() keeps its cache in thread-local variables and costs 260 KB for each thread that
# calls it. Leaving it out makes a call to it a link error; unw_step() does not need it.
ar d "$archive" backtrace.o Ltrace.o
# Not unwind.h, which would hide the compiler's own.
install -m 644 include/libunwind{,-common,-dynamic}.h "$prefix/include/"
install -m 644 include/libunwind-{x86_64,aarch64}.h "$prefix/include/"
install -m 644 src/unwind/libunwind.pc "$prefix/lib/pkgconfig/"
