// SPDX-License-Identifier: Apache-2.0
// Contexts on threads that come and go, in handlers on alternate stacks, across fork, in thread-exit
// destructors; records on the heap that are freed right after they have been detached.
#include "test/victims/victim.h"

#include "agent/otprof.h"

static pthread_key_t at_exit;

static void leave(void *context) {
  // Thread-exit destructors still run with it attached.
  burn_ms(1);
  otprof_detach(NULL);
  free(context);
}

static void *work(void *number) {
  unsigned char ids[16] = {(unsigned char)(size_t)number, 9};
  otprof_context *context = malloc(sizeof *context);
  otprof_context_init(context, ids, ids, 1);
  pthread_setspecific(at_exit, context);
  otprof_attach(context);
  for (int i = 0; i < 20; ++i) {
    char text[16];
    snprintf(text, sizeof text, "%d", i);
    otprof_context_set(context, 128 + i % 3, text, strlen(text));
    OTPROF_LABEL(label, 200, text);
    otprof_context *inner = malloc(sizeof *inner);
    otprof_context_init(inner, ids, ids, 0);
    void *before = otprof_attach(inner);
    free(malloc(1000));
    otprof_detach(before);
    free(inner);
  }
  return NULL;
}

static void on_signal(int number) {
  (void)number;
  const unsigned char ids[16] = {3};
  OTPROF_SPAN(span, ids, ids);
  burn_result = 1;
}

int main(void) {
  pthread_key_create(&at_exit, leave);
  for (size_t round = 0; round < 10; ++round) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; ++i) {
      pthread_create(&threads[i], NULL, work, (void *)(round * 4 + i + 1));
    }
    for (size_t i = 0; i < 4; ++i) {
      pthread_join(threads[i], NULL);
    }
  }
  static char stack[1 << 16];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  for (int i = 0; i < 1000; ++i) {
    raise(SIGUSR1);
  }
  const unsigned char ids[16] = {5};
  OTPROF_SPAN(span, ids, ids);
  const pid_t child = fork();
  if (child == 0) {
    burn_ms(10);
    otprof_detach(NULL);
    burn_ms(10);
    _exit(otprof_current() == NULL ? 0 : 1);
  }
  print_child("child", child);
  burn_ms(10);
  printf("current %d\n", otprof_current() == (const void *)&span.context);
  return 0;
}
