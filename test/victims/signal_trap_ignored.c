// SPDX-License-Identifier: Apache-2.0
//
// SIGTRAP ignored by the program, and inherited as ignored by what it executes.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    signal(SIGTRAP, SIG_IGN);
    burn_ms(50);
    raise(SIGTRAP);
    printf("ignored\n");
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", (char*)NULL);
  }
  burn_ms(50);
  raise(SIGTRAP);
  struct sigaction now;
  sigaction(SIGTRAP, NULL, &now);
  printf("%s after exec\n", now.sa_handler == SIG_IGN ? "ignored" : "not ignored");
}
