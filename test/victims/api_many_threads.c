// SPDX-License-Identifier: Apache-2.0
// The control functions from eight threads at once, from a signal handler that interrupts the
// program anywhere (in malloc, in the loader, in the functions themselves), around fork, and in
// children. Only documented codes come back, errno stays, and everything ends in time.
#include "test/victims/victim.h"

#include <dlfcn.h>
#include <sys/time.h>

#include "agent/otprof.h"

static volatile int wrong;
static volatile int is_over;

static void check(int code) {
  if (code > 0 || code < OTPROF_NO_ROOM || code == OTPROF_BAD_ARGUMENT) {
    wrong = code;
  }
}

static void in_handler(int number) {
  (void)number;
  static volatile unsigned turn;
  otprof_status status;
  errno = EDOM;
  switch (turn++ % 6) {
    case 0: check(otprof_stop(0)); break;
    case 1: check(otprof_start(0)); break;
    case 2: check(otprof_flush(0)); break;
    case 3: check(otprof_get_status(&status)); break;
    case 4: check(otprof_set_heap_interval(16384 + turn, 0)); break;
    default: check(otprof_start(2)); break;
  }
  const unsigned char ids[16] = {7, 7};
  otprof_context context;
  otprof_context_init(&context, ids, ids, 0);
  void *before = otprof_attach(&context);
  burn_result = turn;
  otprof_detach(before);
  if (errno != EDOM) {
    wrong = 1000 + errno;
  }
}

static void *call_all(void *seed_pointer) {
  unsigned seed = (unsigned)(size_t)seed_pointer;
  char name[64];
  snprintf(name, sizeof name, "snapshot%u", seed);
  otprof_status status;
  for (int i = 0; i < 60; ++i) {
    seed = seed * 1664525u + 1013904223u;
    switch (seed >> 24 & 7) {
      case 0: check(otprof_stop(50)); break;
      case 1: check(otprof_start(50)); break;
      case 2: check(otprof_flush(1)); break;
      case 3: check(otprof_snapshot(OTPROF_CPU, name, 200)); break;
      case 4: check(otprof_snapshot(OTPROF_HEAP, name, 200)); break;
      case 5: check(otprof_set_cpu_hz(100 + (int)(seed >> 16 & 1023), 100)); break;
      case 6: check(otprof_get_status(&status)); break;
      default: free(malloc(seed >> 20)); break;
    }
  }
  unlink(name);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval every = {{0, 3000}, {0, 3000}};
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &every, NULL);
  pthread_t threads[8];
  for (size_t i = 0; i < 8; ++i) {
    pthread_create(&threads[i], NULL, call_all, (void *)(i + 1));
  }
  for (int i = 0; i < 10; ++i) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (library != NULL) {
      dlclose(library);
    }
    const pid_t child = fork();
    if (child == 0) {
      setitimer(ITIMER_REAL, &never, NULL);
      otprof_status status;
      check(otprof_get_status(&status));
      check(otprof_flush(50));
      check(otprof_stop(50));
      _exit(wrong == 0 ? 3 : 4);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3) {
      wrong = 2000;
    }
  }
  for (size_t i = 0; i < 8; ++i) {
    pthread_join(threads[i], NULL);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  is_over = 1;
  otprof_start(20000);
  burn_ms(30);
  otprof_flush(20000);
  printf("wrong %d\n", wrong);
  return 0;
}
