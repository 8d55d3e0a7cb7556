// SPDX-License-Identifier: Apache-2.0
//
// exec called by a thread that is not main, while others are sampled: it takes over the process
// id.
#include "test/victims/victim.h"

static char** arguments;

static void* replace(void* unused) {
  burn_ms(20);
  execv("/proc/self/exe", arguments);
  return unused;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {
    printf("second image, thread %s process id\n", getpid() == gettid() ? "has the" : "has not the");
    burn_ms(20);
    return 8;
  }
  char* next[] = {(char*)"again", (char*)"again", NULL};
  arguments = next;
  pthread_t other;
  pthread_t thread;
  pthread_create(&other, NULL, burn_thread, (void*)100000);
  pthread_create(&thread, NULL, replace, NULL);
  pthread_join(thread, NULL);
}
