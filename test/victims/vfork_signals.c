// SPDX-License-Identifier: Apache-2.0
//
// Children of vfork that reset their signals before they execute another program, as those do that start
// programs for others. Their memory is their parent's, their dispositions and mask are not.
#include "test/victims/victim.h"

static const int kSignals[] = {SIGTRAP, SIGPROF, SIGUSR1};
enum { kCount = 3 };

static void on_signal(int number) {
  char line[] = "handled 00\n";
  line[8] = (char)('0' + number / 10);
  line[9] = (char)('0' + number % 10);
  write(STDOUT_FILENO, line, sizeof line - 1);
}

static void raise_all(void) {
  for (int i = 0; i < kCount; ++i) {
    raise(kSignals[i]);
  }
}

static void print_mask(void) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  printf("blocked:");
  for (int i = 0; i < kCount; ++i) {
    printf(" %d", sigismember(&mask, kSignals[i]));
  }
  printf("\n");
  fflush(stdout);
}

// How: 0 as it is, 1 through libc, 2 past it.
static volatile int how_now;

static void execute(int how) {
  how_now = how;
  const pid_t child = vfork();
  if (child == 0) {
    if (how_now == 1) {
      sigset_t none;
      sigemptyset(&none);
      for (volatile int signal = 1; signal < 32; ++signal) {
        sigaction((int)signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
      }
      sigprocmask(SIG_SETMASK, &none, NULL);
    } else if (how_now == 2) {
      const unsigned long none[4] = {0};
      for (volatile int signal = 1; signal < 32; ++signal) {
        syscall(SYS_rt_sigaction, signal, none, NULL, 8);
      }
      syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, 8);
    }
    // Without the environment, so that nothing is in the program that takes signals for itself.
    execle("/bin/grep", "grep", "Sig[BI]", "/proc/self/status", (char*)NULL, (char*[]){NULL});
    _exit(99);
  }
  waitpid(child, NULL, 0);
}

// The child says itself what it has; it must not print by stdio.
static void change_without_exec(void) {
  volatile int seen = 0;
  const pid_t child = vfork();
  if (child == 0) {
    struct sigaction old;
    sigset_t set;
    signal(SIGPROF, SIG_IGN);
    sigaction(SIGPROF, NULL, &old);
    seen = old.sa_handler == SIG_IGN;
    sigaction(SIGTRAP, NULL, &old);
    seen |= (old.sa_handler == on_signal) << 1;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &set);
    seen |= sigismember(&set, SIGTRAP) << 2 | sigismember(&set, SIGPROF) << 3;
    raise(SIGTRAP);
    signal(SIGTRAP, SIG_DFL);
    raise(SIGTRAP);
    _exit(99);
  }
  print_child("child", child);
  printf("seen %d\n", seen);
  fflush(stdout);
}

int main(void) {
  sigset_t some;
  sigemptyset(&some);
  for (int i = 0; i < kCount; ++i) {
    signal(kSignals[i], on_signal);
    sigaddset(&some, kSignals[i]);
  }
  burn_ms(30);
  for (int how = 0; how < 3; ++how) {
    execute(how);
    raise_all();
    burn_ms(20);
    sigprocmask(SIG_BLOCK, &some, NULL);
    execute(how);
    print_mask();
    change_without_exec();
    print_mask();
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    burn_ms(20);
  }
  signal(SIGTRAP, SIG_IGN);
  execute(0);
  execute(1);
  raise_all();
  return 12;
}
