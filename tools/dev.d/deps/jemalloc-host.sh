# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# jemalloc once more, for the program itself: what OTPROF_ALLOCATOR=jemalloc serves it from. Unlike the
# agent's private one (jemalloc.sh) it has thread caches and arenas for many threads. It shares no
# name with that one or with a jemalloc that the program brings along.

# jemalloc-host.patch: the state of a thread is found by a pointer in the library's own thread-local
# storage, since an archive here may have none; a pthread key frees it, once. free() gives blocks that are not
# from here to otprof_host_free_elsewhere(). Blocks are aligned as the C library's, also the smallest.
# Nothing is configured by a file or a variable: MALLOC_CONF is the program's.
patch -p1 --no-backup-if-mismatch <"$root/tools/dev.d/deps/jemalloc-host.patch"

# zero_realloc: as glibc. dss: the program break stays the C library's.
conf=dss:disabled,zero_realloc:free
# As in jemalloc.sh.
page=12
[ "$(uname -m)" = aarch64 ] && page=16
export force_tls=0
# The program may have functions of these names, which may allocate; free() must not change errno. So they
# are ours: interpose/bundled_calls.cc.
export EXTRA_CFLAGS="-g2 -O3 -Dmmap=otprof_host_mmap -Dmunmap=otprof_host_munmap \
-Dmadvise=otprof_host_madvise -Dmprotect=otprof_host_mprotect -Dsyscall=otprof_host_syscall"
configure --disable-shared --enable-static --disable-cxx --disable-libdl --disable-doc \
  --disable-prof --disable-fill --enable-stats --without-export \
  --with-jemalloc-prefix=otprof_host_ --with-private-namespace=otprof_host_ \
  --with-malloc-conf=$conf --with-lg-page=$page --with-lg-hugepage=21 --with-lg-vaddr=48

# There is no switch for the thread that purges in the background; see jemalloc.sh.
sed -i '/define JEMALLOC_BACKGROUND_THREAD/d' include/jemalloc/internal/jemalloc_internal_defs.h

make lib/libjemalloc.a
archive=$prefix/lib/libjemalloc-host.a
install -m 644 lib/libjemalloc.a "$archive"
if nm "$archive" | grep -E ' (U|T) .*pthread_create'; then
  die "$archive starts threads"
fi
