// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_AS and RLIMIT_DATA low from the start: a profiler that cannot have memory stands aside
// and the program does not notice.
#include "test/victims/victim.h"
#include <sys/resource.h>

static void limited(const char* self, int resource, const char* name, rlim_t bytes) {
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit limit = {bytes, bytes};
    setrlimit(resource, &limit);
    execl("/proc/self/exe", self, "limited", (char*)NULL);
    _exit(99);
  }
  print_child(name, child);
}

int main(int argc, char** argv) {
  if (argc > 1) {
    burn_ms(30);
    return malloc(1 << 20) == NULL;
  }
  burn_ms(20);
  for (rlim_t mib = 32; mib <= 512; mib *= 2) {
    limited(argv[0], RLIMIT_AS, "address space", mib << 20);
    limited(argv[0], RLIMIT_DATA, "data", mib << 20);
  }
}
