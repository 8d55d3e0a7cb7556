// SPDX-License-Identifier: Apache-2.0
//
// Strict seccomp: any system call but read, write, exit and sigreturn kills, those of a signal
// handler too.
#include "test/victims/victim.h"
#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void) {
  burn_ms(30);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "child", "child", (char*)NULL);
    _exit(99);
  }
  print_child("strict", child);
}

static __attribute__((constructor)) void as_child(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {
    burn_ms(30);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    for (volatile int i = 0; i < 100000000; ++i) {
    }
    write(STDOUT_FILENO, "strict mode\n", 12);
    syscall(SYS_exit, 21);
  }
}
