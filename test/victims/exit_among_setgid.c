// SPDX-License-Identifier: Apache-2.0
//
// A thread that changes its group while another ends the process: libc asks every thread to change along,
// by a signal of its own, and holds the lock of all stacks until the last has answered.
#include "test/victims/victim.h"

static void* change_group(void* unused) {
  for (;;) {
    setgid(getgid());
  }
  return unused;
}

int main(void) {
  for (int way = 0; way < 20; ++way) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      pthread_create(&thread, NULL, change_group, NULL);
      pthread_create(&thread, NULL, change_group, NULL);
      burn_ms(20);
      exit(20 + way);
    }
    print_child("child", child);
  }
}
