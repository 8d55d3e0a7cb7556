// SPDX-License-Identifier: Apache-2.0
//
// The executable and the directory it runs in are removed while it runs.
#include "test/victims/victim.h"
#include <sys/stat.h>

int main(void) {
  char path[4096] = "";
  readlink("/proc/self/exe", path, sizeof path - 1);
  printf("unlink: %d\n", unlink(path));
  if (mkdir("gone", 0700) != 0 || chdir("gone") != 0) {
    return 1;
  }
  printf("rmdir: %d\n", rmdir("../gone"));
  burn_ms(450);
  printf("done\n");
}
