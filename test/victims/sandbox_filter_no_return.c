// SPDX-License-Identifier: Apache-2.0
//
// A filter that kills for all but a few calls, the return from a signal handler not among them, as the part
// of sshd that speaks to strangers puts on itself, in a child of its own: no signal may have a handler there
// that the program does not know of.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

static const int kNeeded[] = {SYS_read,  SYS_write, SYS_exit_group,    SYS_exit, SYS_newfstatat,
                              SYS_fstat, SYS_brk,   SYS_clock_gettime, SYS_mmap, SYS_munmap};

static void sandboxed(void) {
  if (permit_only(kNeeded, sizeof kNeeded / sizeof *kNeeded, SECCOMP_RET_KILL_PROCESS, 0) != 0) {
    skip("no seccomp filters here");
  }
  for (int i = 0; i < 200; ++i) {
    burn_ms(1);
    void* volatile block = malloc(100000);
    free(block);
  }
}

int main(void) {
  printf("before\n");
  fflush(stdout);
  burn_ms(50);
  for (int i = 0; i < 3; ++i) {
    int ends[2];
    pipe(ends);
    const pid_t child = fork();
    if (child == 0) {
      burn_ms(i == 0 ? 0 : 20);
      sandboxed();
      write(ends[1], "x", 1);
      if (i == 2) {
        read(ends[0], ends, 0);
        for (;;) {
          burn_ms(10);
        }
      }
      i == 0 ? exit(20) : _exit(21);
    }
    close(ends[1]);
    char byte;
    read(ends[0], &byte, 1);
    if (i == 2) {
      kill(child, SIGTERM);
    }
    print_child("child", child);
    close(ends[0]);
  }
  sandboxed();
  printf("still here\n");
  return 12;
}
