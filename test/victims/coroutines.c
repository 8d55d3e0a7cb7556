// SPDX-License-Identifier: Apache-2.0
//
// Coroutines by makecontext and swapcontext: the stack pointer lies outside the stack that the
// thread was made with.
#include "test/victims/victim.h"
#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t main_context;
static ucontext_t contexts[8];
static volatile long turns;

static void body(int number) {
  for (int i = 0; i < 500; ++i) {
    for (volatile int spin = 0; spin < 20000; ++spin) {
    }
    ++turns;
    swapcontext(&contexts[number], &contexts[(number + 1) % 8]);
  }
}

int main(void) {
  const size_t size = 16384;
  for (int i = 0; i < 8; ++i) {
    // A page without access on each side: a walk that runs over the end faults.
    char* area = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 4096, size, PROT_READ | PROT_WRITE);
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = area + 4096;
    contexts[i].uc_stack.ss_size = size;
    contexts[i].uc_link = &main_context;
    makecontext(&contexts[i], (void (*)(void))body, 1, i);
  }
  swapcontext(&main_context, &contexts[0]);
  printf("%ld turns\n", turns);
}
