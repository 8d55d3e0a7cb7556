// SPDX-License-Identifier: Apache-2.0
//
// The agent leaves programs alone that valgrind runs, and callgrind is what counts its instructions. Preloaded
// after the agent, and therefore ready before it, this spells the name of valgrind's own library in the
// environment so that the agent does not know it.
#include <string.h>

__attribute__((constructor)) static void hide_valgrind(int count, char** arguments,
                                                       char** environment) {
  (void)count;
  (void)arguments;
  for (; *environment != NULL; ++environment) {
    if (strncmp(*environment, "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0) {
      for (char* name; (name = strstr(*environment, "/vgpreload_")) != NULL;) {
        name[1] = 'V';
      }
    }
  }
}
