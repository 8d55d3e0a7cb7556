// SPDX-License-Identifier: Apache-2.0
//
// unshare(CLONE_NEWUSER) works only in a process with one thread: a profiler's thread makes it
// fail with EINVAL.
#include "test/victims/victim.h"
#include <sched.h>

int main(void) {
  burn_ms(30);
  const int result = unshare(CLONE_NEWUSER);
  printf("unshare: %d %s\n", result, result == 0 ? "" : strerror(errno));
  burn_ms(50);
  printf("as %s\n", getuid() == 65534 ? "nobody" : "somebody");
}
