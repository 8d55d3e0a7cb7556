// SPDX-License-Identifier: Apache-2.0
// paired pair|churn ROUNDS: what a call costs by the functions that the program reaches (the agent's,
// when it is preloaded), against the C library's own called directly, in turns in one process: the same
// heap, the same addresses, the same load of the machine. Prints the median nanoseconds per operation
// of each way, and the ratio to the first.
//   direct   the C library's malloc and free
//   near     a direct jump in front of each, written at run time beside the C library
//   jump     an indirect jump in front of each: what any interposer adds
//   nops     and eleven instructions that do nothing, as many as the agent has
//   program  as the program calls them
// The first of the two workloads keeps nothing alive; the second replaces random blocks out of 100 MB.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef void* Allocate(size_t);
typedef void Free(void*);
static Allocate* libc_malloc __attribute__((used));
static Free* libc_free __attribute__((used));
Allocate jump_malloc, nops_malloc;
Free jump_free, nops_free;
#define NOPS ".rept 11\n nop\n .endr\n"
__asm__(
    ".text\n"
    ".p2align 5\njump_malloc: jmp *libc_malloc(%rip)\n"
    ".p2align 5\njump_free: jmp *libc_free(%rip)\n"
    ".p2align 5\nnops_malloc: " NOPS "jmp *libc_malloc(%rip)\n"
    ".p2align 5\nnops_free: " NOPS "jmp *libc_free(%rip)\n");

enum { kBlocks = 400000, kMostRounds = 1000, kWays = 5 };
static void* blocks[kBlocks];
static unsigned long state = 88172645463325252UL;

static void churn(long count, Allocate* allocate, Free* release) {
  for (long i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const size_t at = state % kBlocks;
    release(blocks[at]);
    blocks[at] = allocate(16 + (state >> 32) % 480);
    *(char*)blocks[at] = 1;
  }
}

static void pairs(long count, Allocate* allocate, Free* release) {
  for (long i = 0; i < count; ++i) {
    void* volatile block = allocate(16 + ((unsigned long)i * 37 & 511) % 497);
    release(block);
  }
}

static double thread_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void* a, const void* b) {
  const double difference = *(const double*)a - *(const double*)b;
  return (difference > 0) - (difference < 0);
}

// jmp rel32 to `target`, which must be within 2 GiB.
static void* write_jump(char* at, const void* target) {
  const int32_t distance = (int32_t)((const char*)target - (at + 5));
  *at = (char)0xe9;
  memcpy(at + 1, &distance, sizeof distance);
  return at;
}

static char* page_beside(const void* target) {
  uintptr_t wish = (uintptr_t)target & ~(uintptr_t)0xfff;
  for (int megabytes = 1; megabytes < 1024; ++megabytes) {
    wish -= 1U << 20U;
    void* page = mmap((void*)wish, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page != MAP_FAILED) {
      return page;
    }
  }
  perror("no page beside the C library");
  exit(1);
}

int main(int argc, char** argv) {
  const int is_pair = argc == 3 && strcmp(argv[1], "pair") == 0;
  const int rounds = argc == 3 ? atoi(argv[2]) : 0;
  if (rounds < 1 || rounds > kMostRounds) {
    return 2;
  }
  void* libc = dlopen("libc.so.6", RTLD_NOW);
  libc_malloc = (Allocate*)dlsym(libc, "malloc");
  libc_free = (Free*)dlsym(libc, "free");
  char* page = page_beside((const void*)libc_malloc);
  static const char* const names[kWays] = {"direct", "near", "jump", "nops", "program"};
  Allocate* const allocates[kWays] = {
      libc_malloc, (Allocate*)write_jump(page, (const void*)libc_malloc), jump_malloc, nops_malloc,
      malloc};
  Free* const frees[kWays] = {libc_free, (Free*)write_jump(page + 32, (const void*)libc_free),
                              jump_free, nops_free, free};
  static double costs[kWays][kMostRounds];
  if (!is_pair) {
    for (int i = 0; i < kBlocks; ++i) {
      blocks[i] = libc_malloc(16 + (size_t)i * 7919 % 480);
    }
    churn(2000000, libc_malloc, libc_free);
  }
  const long count = is_pair ? 300000 : 100000;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kWays; ++i) {
      const int way = (i * 3 + round) % kWays;
      const double start = thread_ns();
      (is_pair ? pairs : churn)(count, allocates[way], frees[way]);
      costs[way][round] = (thread_ns() - start) / (double)count;
    }
  }
  for (int way = 0; way < kWays; ++way) {
    qsort(costs[way], (size_t)rounds, sizeof(double), compare);
    const double median = costs[way][rounds / 2];
    printf("%-8s %8.2f ns %7.3f\n", names[way], median, median / costs[0][rounds / 2]);
  }
  return 0;
}
