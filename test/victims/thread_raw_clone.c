// SPDX-License-Identifier: Apache-2.0
//
// Threads made by the clone system call, without libc's thread block and in the parent's
// thread-local storage.
#include "test/victims/victim.h"
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>

static volatile int alive;
static volatile long worked[4];

// No libc call in here: libc does not know this thread.
static int body(void* number) {
  unsigned x = 1;
  for (long i = 0; i < 20000000; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  worked[(size_t)number] = (long)(x | 1u);
  syscall(SYS_exit, 0);
  return 0;
}

int main(void) {
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
  const size_t size = 64 * 1024;
  for (size_t i = 0; i < 4; ++i) {
    char* stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    alive = 1;
    const int tid = clone(body, stack + size, flags, (void*)i, NULL, NULL, &alive);
    printf("clone %s\n", tid > 0 ? "worked" : strerror(errno));
    while (alive != 0) {
      syscall(SYS_futex, &alive, FUTEX_WAIT, alive, NULL, NULL, 0);
    }
    printf("worked: %d\n", worked[i] != 0);
  }
}
