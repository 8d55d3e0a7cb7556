// SPDX-License-Identifier: Apache-2.0
//
// The signals that samplers use, blocked and let through in every way there is: none is lost, and none comes
// while it is blocked.
#include "test/victims/victim.h"
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

static const int kSignals[] = {SIGTRAP, SIGPROF};
static volatile sig_atomic_t taken;
static sigjmp_buf back;

static sigset_t only(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

static void count(int number) {
  (void)number;
  ++taken;
}
// As shells do.
static void count_with_all_blocked(int number) {
  (void)number;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  ++taken;
  sigprocmask(SIG_SETMASK, &before, NULL);
}
static void count_and_leave_blocked(int number) {
  const sigset_t set = only(number);
  sigprocmask(SIG_BLOCK, &set, NULL);
  ++taken;
}
static void block_all(int number) {
  (void)number;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
}
static void count_and_jump(int number) {
  (void)number;
  ++taken;
  siglongjmp(back, 1);
}

static void tell(const char* what, int number) {
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("%s %d: taken %d, blocked %d\n", what, number, (int)taken, sigismember(&now, number));
  fflush(stdout);
  taken = 0;
}

static void in_handlers(int number) {
  void (*const handlers[])(int) = {count, count_with_all_blocked, count_and_leave_blocked};
  for (int i = 0; i < 3; ++i) {
    signal(number, handlers[i]);
    for (int j = 0; j < 5; ++j) {
      burn_ms(2);
      raise(number);
    }
    tell("handler", number);
  }
  signal(number, count);
  signal(SIGUSR1, block_all);
  for (int j = 0; j < 3; ++j) {
    raise(SIGUSR1);  // a mask for as long as its handler runs
    burn_ms(2);
    raise(number);
  }
  tell("handlers of others", number);
  signal(number, count_and_jump);
  for (volatile int j = 0; j < 5; ++j) {
    if (sigsetjmp(back, 1) == 0) {
      burn_ms(2);
      raise(number);
    }
  }
  tell("jump", number);
  signal(number, count);
}

static void by_jumps(int number) {
  const sigset_t set = only(number);
  if (sigsetjmp(back, 1) == 0) {
    sigprocmask(SIG_BLOCK, &set, NULL);
    siglongjmp(back, 1);
  }
  raise(number);
  tell("jump out of where it is blocked", number);
}

static void by_calls(int number) {
  const sigset_t set = only(number);
  const struct timespec second = {1, 0};
  sigset_t before;
  sigprocmask(SIG_BLOCK, &set, &before);
  for (int way = 0; way < 4; ++way) {
    const pid_t self = getpid();
    burn_ms(2);
    if (way % 2 != 0) {
      raise(number);
    } else if (fork() == 0) {
      usleep(20000);
      kill(self, number);
      _exit(0);
    }
    const int taken_before = taken;
    int result = 0;
    switch (way) {
      case 0: result = sigsuspend(&before); break;
      case 1: result = pselect(0, NULL, NULL, NULL, &second, &before); break;
      case 2: result = ppoll(NULL, 0, &second, &before); break;
      default: {
        struct epoll_event event;
        const int epoll = epoll_create1(0);
        result = epoll_pwait(epoll, &event, 1, 1000, &before);
        close(epoll);
      }
    }
    printf("way %d: %d, %s, taken before %d, after %d\n", way, result, strerror(errno),
           taken_before, (int)taken);
    fflush(stdout);
    taken = 0;
    burn_ms(2);
    raise(number);
    tell("blocked again", number);
    sigprocmask(SIG_SETMASK, &before, NULL);
    tell("let through", number);
    sigprocmask(SIG_BLOCK, &set, NULL);
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

static void* burn_and_look(void* number) {
  burn_ms(5);
  const pthread_t self = pthread_self();
  pthread_kill(self, (int)(size_t)number);
  burn_ms(5);
  tell("thread", (int)(size_t)number);
  return NULL;
}
static void* wait_for_it(void* number) {
  const sigset_t set = only((int)(size_t)number);
  int got = 0;
  sigwait(&set, &got);
  printf("waited for %d\n", got);
  return NULL;
}
static void in_threads(int number) {
  const sigset_t set = only(number);
  sigset_t before;
  pthread_t thread;
  sigprocmask(SIG_BLOCK, &set, &before);
  pthread_create(&thread, NULL, burn_and_look, (void*)(size_t)number);
  pthread_join(thread, NULL);
  for (int i = 0; i < 3; ++i) {
    pthread_create(&thread, NULL, wait_for_it, (void*)(size_t)number);
    burn_ms(i * 3);
    kill(getpid(), number);
    burn_ms(3);
    pthread_join(thread, NULL);
  }
  tell("waited for by threads", number);
  sigprocmask(SIG_SETMASK, &before, NULL);
}

static void by_timer(void) {
  const sigset_t set = only(SIGPROF);
  const struct itimerval soon = {{0, 0}, {0, 5000}};
  sigprocmask(SIG_BLOCK, &set, NULL);
  setitimer(ITIMER_PROF, &soon, NULL);
  burn_ms(50);
  printf("taken %d\n", (int)taken);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  tell("timer", SIGPROF);
}

int main(void) {
  burn_ms(20);
  for (int i = 0; i < 2; ++i) {
    signal(kSignals[i], count);
    in_handlers(kSignals[i]);
    by_jumps(kSignals[i]);
    by_calls(kSignals[i]);
    in_threads(kSignals[i]);
  }
  by_timer();
  return 9;
}
