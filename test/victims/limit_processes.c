// SPDX-License-Identifier: Apache-2.0
//
// A user who may have no further thread: the profiler stands aside.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    burn_ms(30);
    pthread_t thread;
    printf("thread: %s\n", strerror(pthread_create(&thread, NULL, burn_thread, (void*)1)));
    return 0;
  }
  if (getuid() != 0) {
    skip("needs root to become a user without processes");
  }
  burn_ms(30);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit limit = {1, 1};
    setrlimit(RLIMIT_NPROC, &limit);
    setgid(54321);
    setuid(54321);
    execl("/proc/self/exe", argv[0], "limited", (char*)NULL);
    _exit(99);
  }
  print_child("limited", child);
}
