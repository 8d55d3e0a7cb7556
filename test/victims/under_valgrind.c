// SPDX-License-Identifier: Apache-2.0
//
// Run by valgrind, which translates the program's code and wants its signals, its threads and its allocator to
// itself.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    execlp("valgrind", "valgrind", "-q", "--tool=memcheck", "--leak-check=full", argv[0], "again",
           (char*)NULL);
    skip("no valgrind here");
  }
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)20);
  for (int i = 0; i < 2000; ++i) {
    char* volatile block = malloc(1000);
    block[i % 1000] = 1;
    free(block);
  }
  burn_ms(50);
  pthread_join(thread, NULL);
  printf("done\n");
  return 6;
}
