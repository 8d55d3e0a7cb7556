# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# jemalloc: the agent's private memory. Its names and its environment variable carry our prefix, so
# that the host's own jemalloc and MALLOC_CONF are left alone.

# No initial-exec TLS (the budget is 64 bytes) and no libdl, which also leaves out the background
# thread and the pthread_create wrapper that comes with it.
# One arena, dirty pages back to the kernel after a second: few threads allocate here, and the
# memory budget is small.
# The address width is that of ordinary programs rather than of the build machine's processor.
options=(--with-lg-vaddr=48)
# arm64 kernels come with pages of 4, 16 and 64 KiB; an allocator built for the largest runs on all.
[ "$(uname -m)" = aarch64 ] && options+=(--with-lg-page=16)
configure --disable-shared --enable-static --disable-cxx --disable-tls --disable-libdl \
  --disable-initial-exec-tls --disable-prof --enable-stats --disable-fill --disable-doc \
  --with-jemalloc-prefix=otprof_je_ --with-private-namespace=otprof_je_ --without-export \
  --with-malloc-conf=narenas:1,tcache:false,dirty_decay_ms:1000,muzzy_decay_ms:0 "${options[@]}"
make build_lib_static
make install_lib_static install_include install_lib_pc
archive=$prefix/lib/libjemalloc.a
