// SPDX-License-Identifier: Apache-2.0
//
// setresuid and its kin reach every thread by a signal that a thread which blocks everything
// never answers: the call then hangs.
#include "test/victims/victim.h"

static volatile int done;

static void* wait_for_end(void* unused) {
  while (!done) {
    burn_ms(1);
  }
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_end, NULL);
  for (int i = 0; i < 100; ++i) {
    if (setresuid(getuid(), geteuid(), (uid_t)-1) != 0 || setresgid(getgid(), getegid(), (gid_t)-1)) {
      printf("failed: %s\n", strerror(errno));
    }
  }
  done = 1;
  pthread_join(thread, NULL);
  if (getuid() == 0) {
    printf("becoming nobody: %d %d\n", setgid(65534), setuid(65534));
    burn_ms(220);
    printf("root again: %d\n", setuid(0));
  } else {
    printf("becoming nobody: 0 0\nroot again: -1\n");
  }
}
