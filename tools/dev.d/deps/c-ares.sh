# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# c-ares: host names without a thread per look-up, which the host program would see.
configure --disable-shared --enable-static --disable-tests
make -C src/lib
make -C src/lib install
make -C include install
make install-pkgconfigDATA
archive=$prefix/lib/libcares.a
