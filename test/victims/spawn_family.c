// SPDX-License-Identifier: Apache-2.0
//
// posix_spawn, system and popen: children that exec, their output and status.
#include "test/victims/victim.h"
#include <spawn.h>

extern char** environ;

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  burn_ms(20);
  char* arguments[] = {(char*)"sh", (char*)"-c", (char*)"echo spawned; exit 6", NULL};
  pid_t child = 0;
  posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ);
  print_child("posix_spawn", child);
  printf("spawn of nothing: %s\n",
         strerror(posix_spawn(&child, "/nonexistent", NULL, NULL, arguments, environ)));
  printf("system: %d\n", WEXITSTATUS(system("echo from system | tr a-z A-Z; exit 3")));
  FILE* pipe = popen("i=0; while [ $i -lt 3 ]; do echo line $i; i=$((i+1)); done; exit 2", "r");
  char line[100];
  while (fgets(line, sizeof line, pipe) != NULL) {
    printf("read %s", line);
  }
  printf("pclose: %d\n", WEXITSTATUS(pclose(pipe)));
  printf("descriptors a child sees:\n");
  return system("ls /proc/self/fd | sort -n");
}
