// SPDX-License-Identifier: Apache-2.0
//
// alarm, the three interval timers and a POSIX timer tick as often as they would alone.
#include "test/victims/victim.h"
#include <sys/time.h>

static volatile int ticks[65];

static void on_tick(int number) { ++ticks[number]; }

static void judge(const char* name, int count, int low, int high) {
  if (count >= low && count <= high) {
    printf("%s: as expected\n", name);
  } else {
    printf("%s: %d ticks, expected %d to %d\n", name, count, low, high);
  }
}

int main(void) {
  const int timers[] = {ITIMER_PROF, ITIMER_VIRTUAL};
  const int signals[] = {SIGPROF, SIGVTALRM};
  const char* names[] = {"ITIMER_PROF", "ITIMER_VIRTUAL"};
  for (int i = 0; i < 2; ++i) {
    signal(signals[i], on_tick);
    const struct itimerval every_20ms = {{0, 20000}, {0, 20000}};
    setitimer(timers[i], &every_20ms, NULL);
    burn_ms(400);
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(timers[i], &never, NULL);
    // Twenty periods of this thread. The kernel rounds a period up by a tick of 4 ms, and both
    // timers run on the time of all threads, of which the agent's may take some.
    judge(names[i], ticks[signals[i]], 10, 40);
  }
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  signal(SIGRTMIN, on_tick);
  timer_t timer;
  timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer);
  const struct itimerspec every_20ms = {{0, 20000000}, {0, 20000000}};
  timer_settime(timer, 0, &every_20ms, NULL);
  burn_ms(400);
  timer_delete(timer);
  judge("timer_create", ticks[SIGRTMIN], 10, 21);
  signal(SIGALRM, on_tick);
  const struct itimerval once = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &once, NULL);
  pause();
  judge("ITIMER_REAL", ticks[SIGALRM], 1, 1);
}
