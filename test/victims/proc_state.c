// SPDX-License-Identifier: Apache-2.0
//
// What a process can ask about itself: masks, limits, priorities, rounding mode, umask,
// directories.
#include "test/victims/victim.h"
#include <fenv.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void print_state(const char* when) {
  printf("%s: nice %d, policy %d, rounding %d, dumpable %d, no_new_privs %d, subreaper ", when,
         getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), fegetround(), prctl(PR_GET_DUMPABLE),
         prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  int subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  cpu_set_t cpus;
  sched_getaffinity(0, sizeof cpus, &cpus);
  const mode_t mask = umask(0);
  umask(mask);
  printf("%d, death signal %d, CPUs %d, umask %o\n", subreaper, death_signal, CPU_COUNT(&cpus), mask);
  for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
    struct rlimit limit;
    getrlimit((__rlimit_resource_t)resource, &limit);
    printf(" %lx:%lx", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
  }
  printf("\n");
}

int main(void) {
  print_state("at start");
  umask(077);
  fesetround(FE_UPWARD);
  if (mkdir("below", 0700) != 0 || chdir("below") != 0) {
    return 1;
  }
  burn_ms(450);
  print_state("later");
  struct stat status;
  const int fd = open("file", O_CREAT | O_WRONLY, 0666);
  fstat(fd, &status);
  printf("made with mode %o\n", status.st_mode & 0777);
}
