// SPDX-License-Identifier: Apache-2.0
//
// A debugger of its own kind: traces a child that executes this program again and counts its
// stops; samples in the child would be stops, before it executes the program and after.
#include "test/victims/victim.h"
#include <sys/ptrace.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    burn_ms(100);
    return 27;
  }
  burn_ms(20);
  const pid_t child = fork();
  if (child == 0) {
    burn_ms(20);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    burn_ms(200);
    execl("/proc/self/exe", argv[0], "traced", (char*)NULL);
    _exit(99);
  }
  int status = 0;
  int stops = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    ++stops;
    const int number = WSTOPSIG(status);
    ptrace(PTRACE_CONT, child, NULL, (void*)(long)(number == SIGTRAP ? 0 : number));
  }
  printf("%d stops, then %s %d\n", stops, WIFEXITED(status) ? "exit" : "signal",
         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
