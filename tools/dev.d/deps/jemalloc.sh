# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# jemalloc: the agent's private memory. Its names, its environment variable and its configuration
# file carry our prefix, so that the host's own jemalloc and MALLOC_CONF are left alone.

# narenas: few threads allocate here. tcache: a thread of the host that allocates through us once
#   must not keep a cache for ever; the agent's own thread turns its cache on for itself
#   (thread.tcache.enabled), which takes a malloc and free from 150 ns to 8. dirty_decay_ms: unused
#   pages go back to the kernel after a second. dss: the program break belongs to the host.
conf=narenas:1,tcache:false,lg_tcache_max:12,dirty_decay_ms:1000,muzzy_decay_ms:0,dss:disabled
# The address width and the sizes of pages are those of ordinary programs, not of the machine that
# builds. arm64 kernels come with 4, 16 or 64 KiB pages: an allocator for the largest runs on all.
page=12
[ "$(uname -m)" = aarch64 ] && page=16

# Without compiler TLS (the budget of the whole library is 64 bytes) the state of a thread hangs
# from a pthread key. There is no --disable-tls; the variable is what configure sets on systems that
# have none.
export force_tls=0
# configure appends -g3, whose macro tables are forty times the code.
export EXTRA_CFLAGS=-g2
configure --disable-shared --enable-static --disable-cxx --disable-libdl --disable-doc \
  --disable-prof --disable-fill --enable-stats --without-export \
  --with-jemalloc-prefix=otprof_je_ --with-private-namespace=otprof_je_ \
  --with-malloc-conf=$conf --with-lg-page=$page --with-lg-hugepage=21 --with-lg-vaddr=48

# Nor is there a switch for the thread that purges in the background. The host must not meet a
# thread it did not start.
sed -i '/define JEMALLOC_BACKGROUND_THREAD/d' include/jemalloc/internal/jemalloc_internal_defs.h

make lib/libjemalloc.a
make install_include install_lib_pc
archive=$prefix/lib/libjemalloc.a
install -m 644 lib/libjemalloc.a "$archive"
if nm "$archive" | grep -E ' (U|T) .*pthread_create'; then
  die "$archive starts threads"
fi
