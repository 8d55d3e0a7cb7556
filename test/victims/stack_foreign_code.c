// SPDX-License-Identifier: Apache-2.0
//
// Code without unwind tables or symbols, written at run time, with rsp and rbp put to other uses:
// the walk ends and nothing faults.
#include "test/victims/victim.h"
#include <sys/mman.h>

int main(void) {
  // mov rcx, rdi; mov rdx, rsp; mov r8, rbp; mov rbp, 1; lea rsp, [rsi]; 1: dec rcx; jnz 1b;
  // mov rsp, rdx; mov rbp, r8; ret
  static const unsigned char code[] = {
      0x48, 0x89, 0xf9, 0x48, 0x89, 0xe2, 0x49, 0x89, 0xe8, 0x48, 0xc7, 0xc5, 0x01, 0x00,
      0x00, 0x00, 0x48, 0x8d, 0x26, 0x48, 0xff, 0xc9, 0x75, 0xfb, 0x48, 0x89, 0xd4, 0x4c,
      0x89, 0xc5, 0xc3};
  unsigned char* page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    skip("no memory may be writable and executable");
  }
  memcpy(page, code, sizeof code);
  // A stack for the code: a signal frame fits, and right above it nothing may be read.
  char* stack = mmap(NULL, 65536 + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(stack, 65536, PROT_READ | PROT_WRITE);
  void (*spin)(long, char*) = (void (*)(long, char*))(void*)page;
  spin(200000000, stack + 65536);
  spin(200000000, stack + 65536 - 8);
  printf("done\n");
}
