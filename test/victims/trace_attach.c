// SPDX-License-Identifier: Apache-2.0
//
// A tracer attaches to a running program, lets it run traced and leaves again: the program's own
// signals are all it sees from then on.
#include "test/victims/victim.h"
#include <sys/ptrace.h>
#include <sys/prctl.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    burn_ms(400);
    return 28;
  }
  burn_ms(20);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", argv[0], "traced", (char*)NULL);
    _exit(99);
  }
  const struct timespec moment = {0, 100000000};
  nanosleep(&moment, NULL);
  if (ptrace(PTRACE_SEIZE, child, NULL, NULL) != 0) {
    kill(child, SIGKILL);
    skip("tracing is not permitted here");
  }
  nanosleep(&moment, NULL);
  int status = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    // As debuggers do: what the program did not get yet is passed on.
    ptrace(PTRACE_CONT, child, NULL, (void*)(long)WSTOPSIG(status));
  }
  printf("%s %d\n", WIFEXITED(status) ? "exit" : "signal",
         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
