// SPDX-License-Identifier: Apache-2.0
//
// A service that is executed under a filter which kills for debugging calls and others, as service managers set
// up: a profiler may not even try whether it may use them.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

static void* allocate(void* unused) {
  for (int i = 0; i < 20000; ++i) {
    free(malloc(1000));
  }
  burn_ms(100);
  return unused;
}

int main(int argc, char** argv) {
  if (argc == 1) {
    const int debugging[] = {SYS_perf_event_open, SYS_pidfd_open, SYS_pidfd_getfd, SYS_ptrace,
                             SYS_unshare, SYS_capget, SYS_getresuid, SYS_getresgid,
                             SYS_rt_sigpending, SYS_rt_sigtimedwait};
    if (forbid(debugging, sizeof debugging / sizeof *debugging, SECCOMP_RET_KILL_PROCESS) != 0) {
      skip("no seccomp filters here");
    }
    execl("/proc/self/exe", argv[0], "filtered", (char*)NULL);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, allocate, NULL);
  burn_ms(300);
  pthread_join(thread, NULL);
  printf("served\n");
  return 3;
}
