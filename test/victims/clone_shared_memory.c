// SPDX-License-Identifier: Apache-2.0
//
// A process, not a thread, that shares the memory of its parent (clone with CLONE_VM): it runs
// agent code with another process id.
#include "test/victims/victim.h"
#include <sched.h>
#include <sys/mman.h>

static volatile unsigned result;

static int body(void* rounds) {
  unsigned x = 1;
  for (size_t i = 0; i < (size_t)rounds; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  result = x;
  return 14;
}

int main(void) {
  const size_t size = 256 * 1024;
  char* stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  burn_ms(20);
  for (int i = 0; i < 10; ++i) {
    print_child("shares memory", clone(body, stack + size, CLONE_VM | SIGCHLD, (void*)10000000));
  }
  burn_ms(20);
  printf("parent lives, result %u\n", result);
}
