// SPDX-License-Identifier: Apache-2.0
// Threads that fork in the destructor of a thread-specific value, when an allocator may have given up what it
// keeps for the thread. Parent and child go on allocating, in other threads too.
#include "test/victims/victim.h"

enum { kThreads = 20 };
static pthread_key_t key;
static int rounds_left;

static void* use_memory(void* unused) {
  for (int i = 1; i < 200; ++i) {
    free(malloc((size_t)i * 50));
  }
  return unused;
}

static void fork_here(void* block) {
  if (--rounds_left > 0) {
    pthread_setspecific(key, block);  // to be called again, after those of later keys
    return;
  }
  free(block);
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    use_memory(NULL);
    pthread_create(&thread, NULL, use_memory, NULL);
    pthread_join(thread, NULL);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      use_memory(NULL);
      _exit(3);
    }
    int status = 0;
    waitpid(grandchild, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
  }
  use_memory(NULL);
  print_child("child", child);
}

static void* run(void* unused) {
  rounds_left = 3;
  pthread_setspecific(key, malloc(200));
  return unused;
}

int main(void) {
  pthread_key_create(&key, fork_here);
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
  }
  burn_ms(50);
  printf("done\n");
  return 0;
}
