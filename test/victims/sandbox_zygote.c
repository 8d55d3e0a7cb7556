// SPDX-License-Identifier: Apache-2.0
//
// Chromium's way to make renderers: a process that must have one thread forks them, and ends itself
// if /proc/self/task shows two.
#include "test/victims/victim.h"
#include <sys/stat.h>
#include <sys/wait.h>

static void check_single(void) {
  struct stat status;
  if (stat("/proc/self/task", &status) != 0 || status.st_nlink != 3) {
    abort();
  }
}

int main(int argc, char** argv) {
  burn_ms(250);
  check_single();
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      burn_ms(100);
      check_single();
      _exit(i);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s: child %d ended with %x\n", argc > 1 ? argv[1] : "no type", i, status);
  }
  return 0;
}
