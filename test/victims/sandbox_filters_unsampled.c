// SPDX-License-Identifier: Apache-2.0
//
// A hundred filters, one on the other, in a program that nothing can sample: performance events are refused
// from the start, and timers, which count as pending signals. None of these calls may wait for a profiler
// that has given up.
#include <errno.h>
#include <sys/resource.h>
#include "test/victims/seccomp_filter.h"
#include "test/victims/victim.h"

int main(int count, char** arguments) {
  const int refused = SYS_perf_event_open;
  if (count == 1) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_SIGPENDING, &none);
    if (forbid(&refused, 1, SECCOMP_RET_ERRNO | EPERM) != 0) {
      skip("no seccomp filters here");
    }
    char* const again[] = {arguments[0], "again", NULL};
    execv("/proc/self/exe", again);
    return 1;
  }
  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    failed += forbid(&refused, 1, SECCOMP_RET_ERRNO | EPERM) != 0;
  }
  printf("%d of 100 failed\n", failed);
  return 6;
}
