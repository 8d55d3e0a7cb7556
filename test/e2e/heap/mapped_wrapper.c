// SPDX-License-Identifier: Apache-2.0
// A library that stands before or behind the agent and makes the calls in its own way, as tools that
// watch a program's memory do.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void* mmap64(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  return (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

#undef mmap
void* plain_mmap(void* address, size_t length, int protection, int flags, int file,
                 off_t offset) __asm__("mmap");
void* plain_mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  return (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

int munmap(void* address, size_t length) { return (int)syscall(SYS_munmap, address, length); }

void* mremap(void* old, size_t old_length, size_t length, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* wanted = va_arg(arguments, void*);
  va_end(arguments);
  return (void*)syscall(SYS_mremap, old, old_length, length, flags, wanted);
}
