// SPDX-License-Identifier: Apache-2.0
//
// The same limit set before the program starts, so that the profiler too starts with few
// descriptors.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(int argc, char** argv) {
  if (argc == 1) {
    const struct rlimit limit = {4, 4};
    setrlimit(RLIMIT_NOFILE, &limit);
    execl("/proc/self/exe", argv[0], "limited", (char*)NULL);
    return 1;
  }
  burn_ms(220);
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) {
    ++opened;
  }
  printf("%d opened, then %s\n", opened, strerror(errno));
  burn_ms(220);
}
