// SPDX-License-Identifier: Apache-2.0
//
// exec that fails in a sampled process returns -1 with its errno, and life goes on.
#include "test/victims/victim.h"
#include <sys/stat.h>

static void try_exec(const char* path) {
  char* arguments[] = {(char*)path, NULL};
  errno = 0;
  const int result = execv(path, arguments);
  printf("%s: %d %s\n", path, result, strerror(errno));
}

int main(void) {
  for (int i = 0; i < 20; ++i) {
    try_exec("/nonexistent");
    try_exec("/etc/passwd");
    try_exec("/");
    burn_ms(2);
  }
}
