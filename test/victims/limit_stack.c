// SPDX-License-Identifier: Apache-2.0
//
// Main stacks of unusual limits, unlimited included, which moves where the kernel maps everything.
#include "test/victims/victim.h"
#include <sys/resource.h>

static __attribute__((noinline)) int down(int depth) {
  volatile char frame[256];
  frame[0] = (char)depth;
  if (depth == 0) {
    burn_ms(20);
    return 1;
  }
  return down(depth - 1) + frame[0] - (char)depth;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    return down(atoi(argv[1]));
  }
  burn_ms(10);
  const rlim_t sizes[] = {RLIM_INFINITY, 64 << 20, 1 << 20, 256 << 10, 64 << 10};
  for (int i = 0; i < 5; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const struct rlimit limit = {sizes[i], RLIM_INFINITY};
      setrlimit(RLIMIT_STACK, &limit);
      execl("/proc/self/exe", argv[0], i == 4 ? "10" : "400", (char*)NULL);
      _exit(99);
    }
    print_child("stack limit", child);
  }
}
