// SPDX-License-Identifier: Apache-2.0
//
// A process that has no /proc from the start.
#include "test/victims/victim.h"
#include <sched.h>
#include <sys/mount.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    burn_ms(250);
    printf("/proc: %s\n", access("/proc/self", F_OK) == 0 ? "there" : "not there");
    return 3;
  }
  char path[4096] = "";
  readlink("/proc/self/exe", path, sizeof path - 1);
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("none", "/proc", "tmpfs", 0, NULL) != 0) {
    skip("needs the right to mount");
  }
  execl(path, argv[0], "again", (char*)NULL);
  return 1;
}
