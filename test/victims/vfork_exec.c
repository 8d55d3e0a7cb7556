// SPDX-License-Identifier: Apache-2.0
//
// vfork shares memory with its child until exec: whatever a hook writes there is the parent's.
#include "test/victims/victim.h"

int main(void) {
  for (volatile int i = 0; i < 50; ++i) {
    burn_ms(1);
    const pid_t child = vfork();
    if (child == 0) {
      execl("/bin/true", "true", (char*)NULL);
      _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) {
      printf("status %d\n", status);
    }
  }
  const pid_t child = vfork();
  if (child == 0) {
    execl("/nonexistent", "nonexistent", (char*)NULL);
    _exit(errno == ENOENT ? 12 : 13);
  }
  print_child("failed exec", child);
}
