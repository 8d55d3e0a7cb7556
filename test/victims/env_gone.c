// SPDX-License-Identifier: Apache-2.0
//
// clearenv, environ = NULL and a storm of setenv while the agent runs.
#include "test/victims/victim.h"

extern char** environ;

int main(void) {
  burn_ms(20);
  for (int i = 0; i < 2000; ++i) {
    char name[32];
    snprintf(name, sizeof name, "VARIABLE_%d", i);
    setenv(name, "a value of some length, so that memory is needed", 1);
  }
  burn_ms(220);
  clearenv();
  burn_ms(220);
  environ = NULL;
  burn_ms(220);
  const pid_t child = fork();
  if (child == 0) {
    char* arguments[] = {(char*)"env", NULL};
    char* nothing[] = {NULL};
    execve("/usr/bin/env", arguments, nothing);
    _exit(99);
  }
  print_child("env", child);
}
