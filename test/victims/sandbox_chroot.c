// SPDX-License-Identifier: Apache-2.0
//
// chroot into an empty directory: peers lose their files or fail in the middle.
#include "test/victims/victim.h"
#include <sys/stat.h>

int main(void) {
  if (getuid() != 0) {
    skip("needs root for chroot");
  }
  burn_ms(250);
  mkdir("jail", 0755);
  if (chroot("jail") != 0 || chdir("/") != 0) {
    skip("chroot is not permitted here");
  }
  burn_ms(450);
  printf("first descriptor %d\n", open("/", O_RDONLY));
  return 4;
}
