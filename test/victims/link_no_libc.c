// SPDX-License-Identifier: Apache-2.0
//
// An executable that uses no libc at all but is started by the loader: libraries that count on
// libc's symbols in the executable fail before its first instruction.
static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}

static volatile unsigned spins;

__attribute__((force_align_arg_pointer)) void _start(void);
void _start(void) {
  for (unsigned i = 0; i < 800000000; ++i) {
    spins = i;
  }
  call(1, 1, (long)"no libc\n", 8);
  call(231, 19, 0, 0);
}
