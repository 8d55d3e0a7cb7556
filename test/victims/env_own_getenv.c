// SPDX-License-Identifier: Apache-2.0
//
// An executable with its own getenv, setenv and environment, as bash has: peers that call getenv
// get the program's answer.
#include "test/victims/victim.h"

char* getenv(const char* name) {
  printf("asked for %s\n", name);
  return NULL;
}

char* secure_getenv(const char* name) {
  printf("asked for %s\n", name);
  return NULL;
}

int setenv(const char* name, const char* value, int replace) {
  printf("set %s=%s %d\n", name, value, replace);
  return 0;
}

int main(void) {
  burn_ms(250);
  getenv("MINE");
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)220);
  pthread_join(thread, NULL);
}
