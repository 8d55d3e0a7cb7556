// SPDX-License-Identifier: Apache-2.0
//
// Stopped and continued by its parent: the parent sees one stop and one continuation for each it
// asked for.
#include "test/victims/victim.h"

int main(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "child", "child", (char*)NULL);
    _exit(99);
  }
  int stops = 0;
  int continues = 0;
  burn_ms(20);
  for (int i = 0; i < 10; ++i) {
    int status = 0;
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED | WCONTINUED);
    stops += WIFSTOPPED(status);
    kill(child, SIGCONT);
    waitpid(child, &status, WUNTRACED | WCONTINUED);
    continues += WIFCONTINUED(status);
    burn_ms(2);
  }
  kill(child, SIGTERM);
  print_child("child", child);
  printf("%d stops, %d continuations\n", stops, continues);
}

static __attribute__((constructor)) void as_child(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {
    for (;;) {
      burn_ms(1000);
    }
  }
}
