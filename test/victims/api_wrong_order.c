// SPDX-License-Identifier: Apache-2.0
// Everything of otprof.h in the wrong order and with the wrong arguments. What comes back is one of
// the codes that the header promises, whether there is an agent or not; nothing else is printed.
#include "test/victims/victim.h"

#include "agent/otprof.h"

static void expect(int line, int got, int wanted) {
  // Alone and switched off, everything that asks the agent gets one of two answers.
  if (got != wanted && got != OTPROF_NO_AGENT && got != OTPROF_NOT_RUNNING) {
    printf("line %d: %d, not %d\n", line, got, wanted);
  }
}
#define EXPECT(call, wanted) expect(__LINE__, (call), (wanted))

__attribute__((constructor)) static void before_main(void) {
  // The agent's constructor has run, its thread may still be starting.
  const int started = otprof_start(0);
  if (started != OTPROF_OK && started != OTPROF_NO_AGENT && started != OTPROF_NOT_RUNNING) {
    printf("before main: %d\n", started);
  }
}

__attribute__((destructor)) static void after_main(void) {
  otprof_status status;
  const int asked = otprof_get_status(&status);
  const int flushed = otprof_flush(100);
  const int stopped = otprof_stop(0);
  if (asked > 0 || flushed > 0 || stopped > 0) {
    printf("after main: %d %d %d\n", asked, flushed, stopped);
  }
}

int main(void) {
  otprof_status status;
  otprof_context context;
  const unsigned char ids[16] = {1};

  // The agent's thread is there, but may not have come to its first request yet: wait for it.
  for (int i = 0; i < 200 && otprof_get_status(&status) == OTPROF_NOT_RUNNING; ++i) {
    usleep(10000);
  }
  EXPECT(otprof_get_status(NULL), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_get_status(&status), OTPROF_OK);
  EXPECT(otprof_stop(20000), OTPROF_OK);
  EXPECT(otprof_stop(20000), OTPROF_OK);
  EXPECT(otprof_set_cpu_hz(500, 20000), OTPROF_OK);
  EXPECT(otprof_start(20000), OTPROF_OK);
  EXPECT(otprof_start(20000), OTPROF_OK);
  EXPECT(otprof_set_cpu_hz(1000, 20000), OTPROF_OK);
  EXPECT(otprof_set_heap_interval(16384, 20000), OTPROF_OK);
  EXPECT(otprof_flush(20000), OTPROF_OK);

  EXPECT(otprof_start(-1), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_stop(60001), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_flush(-2147483647 - 1), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_set_cpu_hz(0, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_set_cpu_hz(-5, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_set_cpu_hz(10001, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_set_heap_interval(0, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_set_heap_interval(~0ull, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_snapshot(2, "x", 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_snapshot(-1, "x", 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_snapshot(OTPROF_CPU, NULL, 0), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_snapshot(OTPROF_CPU, "", 0), OTPROF_BAD_ARGUMENT);
  char path[3000];
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = '\0';
  EXPECT(otprof_snapshot(OTPROF_HEAP, path, 0), OTPROF_BAD_ARGUMENT);

  EXPECT(otprof_key(NULL), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_key(""), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_key(path), OTPROF_BAD_ARGUMENT);
  EXPECT(otprof_key("one"), 128);
  EXPECT(otprof_key("two"), 129);
  EXPECT(otprof_key("one"), 128);
  for (int i = 2; i < 128; ++i) {
    char name[16];
    snprintf(name, sizeof name, "key %d", i);
    EXPECT(otprof_key(name), 128 + i);
  }
  EXPECT(otprof_key("one too many"), OTPROF_NO_ROOM);

  // Contexts: detached twice, attached twice, changed while attached, never initialised with ids.
  otprof_detach(NULL);
  otprof_context_init(&context, ids, NULL, 0);
  void *before = otprof_attach(&context);
  void *again = otprof_attach(&context);
  burn_ms(3);
  printf("before %d, again %d\n", before == NULL, again == &context);
  otprof_context_init(&context, ids, ids, 1);
  otprof_context_set(&context, otprof_key("one"), "value", 5);
  burn_ms(3);
  otprof_detach(again);
  otprof_detach(before);
  otprof_detach(before);
  burn_ms(3);
  printf("current %d\n", otprof_current() == NULL);

  otprof_stop(20000);
  burn_ms(5);
  otprof_start(20000);
  burn_ms(20);
  printf("done\n");
  return 0;
}
