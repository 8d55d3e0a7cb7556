// SPDX-License-Identifier: Apache-2.0
//
// main ends by pthread_exit, another thread goes on and the process then ends by itself with
// status 0: peers never exit.
#include "test/victims/victim.h"

static pthread_t main_thread;

static void* go_on(void* unused) {
  void* result = NULL;
  pthread_join(main_thread, &result);
  printf("main left %s\n", (const char*)result);
  burn_ms(50);
  printf("other thread done\n");
  return unused;
}

static void at_exit(void) { printf("exit handler\n"); }

int main(void) {
  atexit(at_exit);
  main_thread = pthread_self();
  pthread_t thread;
  pthread_create(&thread, NULL, go_on, NULL);
  burn_ms(50);
  pthread_exit((void*)"its word");
}
