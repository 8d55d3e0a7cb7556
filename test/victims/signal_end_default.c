// SPDX-License-Identifier: Apache-2.0
//
// SIGHUP, SIGINT and SIGTERM in every state a program can have them: each ends it by its default
// action, or does not, and what a program is told about them stays what it was.
#include "test/victims/victim.h"
#include <sched.h>
#include <sys/prctl.h>

static const int kSignals[] = {SIGHUP, SIGINT, SIGTERM};

static void on_signal(int number) {
  char line[] = "handler 00\n";
  line[8] = (char)('0' + number / 10);
  line[9] = (char)('0' + number % 10);
  write(STDOUT_FILENO, line, sizeof line - 1);
}

static void print_action(const char* when, int number) {
  struct sigaction now;
  sigaction(number, NULL, &now);
  printf("%s %d: %s, flags %x, masks %d%d%d\n", when, number,
         now.sa_handler == SIG_DFL   ? "default"
         : now.sa_handler == SIG_IGN ? "ignored"
                                     : "handled",
         (unsigned)now.sa_flags, sigismember(&now.sa_mask, SIGTERM),
         sigismember(&now.sa_mask, SIGUSR1), sigismember(&now.sa_mask, number));
  fflush(stdout);
}

static void set(int number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaddset(&action.sa_mask, SIGUSR1);
  sigaction(number, &action, NULL);
}

static void dies_at_once(int number) {
  burn_ms(2);
  raise(number);
}
static void dies_by_another_thread(int number) {
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)20);
  pthread_kill(thread, number);
  pthread_join(thread, NULL);
}
static void dies_in_a_call(int number) {
  int ends[2];
  pipe(ends);
  if (fork() == 0) {
    usleep(20000);
    kill(getppid(), number);
    _exit(0);
  }
  char byte;
  printf("read gave %zd\n", read(ends[0], &byte, 1));
}
static void dies_when_unblocked(int number) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, number);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  raise(number);
  printf("pending\n");
  fflush(stdout);
  sigprocmask(SIG_UNBLOCK, &mask, NULL);
}
static void is_waited_for(int number) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, number);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  kill(getpid(), number);
  int got = 0;
  sigwait(&mask, &got);
  printf("waited for %d\n", got);
}
static void is_handled(int number) {
  set(number, on_signal, SA_RESTART);
  print_action("set", number);
  raise(number);
  set(number, SIG_DFL, SA_RESTART | SA_NODEFER);
  print_action("reset", number);
  raise(number);
}
static void is_handled_once(int number) {
  set(number, on_signal, SA_RESETHAND);
  raise(number);
  print_action("after", number);
  raise(number);
}
static void by_signal_function(int number) {
  printf("was default: %d\n", signal(number, on_signal) == SIG_DFL);
  raise(number);
  printf("was ours: %d\n", signal(number, SIG_DFL) == on_signal);
  print_action("reset", number);
  printf("was default: %d\n", signal(number, SIG_IGN) == SIG_DFL);
  raise(number);
  printf("was ignored: %d\n", signal(number, SIG_DFL) == SIG_IGN);
  fflush(stdout);
  raise(number);
}
static void in_vfork(int number) {
  int status = 0;
  const pid_t child = vfork();
  if (child == 0) {
    kill(getpid(), number);
    _exit(1);
  }
  waitpid(child, &status, 0);
  printf("child of vfork: %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
  print_action("parent", number);
}
static void with_parent(int number) {
  const pid_t middle = fork();
  if (middle == 0) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, number);
      if (getppid() == 1) {
        _exit(0);
      }
      sleep(20);
      printf("outlived its parent\n");
      fflush(stdout);
      _exit(1);
    }
    usleep(30000);
    _exit(0);
  }
  waitpid(middle, NULL, 0);
  usleep(30000);
}

static void (*const kCases[])(int) = {dies_at_once,        dies_by_another_thread, dies_in_a_call,
                                      dies_when_unblocked, is_waited_for,          is_handled,
                                      is_handled_once,     by_signal_function,     in_vfork,
                                      with_parent};

// The first process of a namespace has no default actions.
static void try_first_process(void) {
  const pid_t outside = fork();
  if (outside == 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) {
      printf("no namespace\n");
      fflush(stdout);
      _exit(0);
    }
    const pid_t first = fork();
    if (first == 0) {
      for (int i = 0; i < 3; ++i) {
        kill(getpid(), kSignals[i]);
      }
      printf("first process goes on\n");
      fflush(stdout);
      _exit(4);
    }
    print_child("first process", first);
    _exit(0);
  }
  print_child("outside", outside);
}

// Whoever started this may ignore some of them, as nohup does.
static void begin_with_defaults(char** argv) {
  int was_other = 0;
  for (int i = 0; i < 3; ++i) {
    was_other |= signal(kSignals[i], SIG_DFL) != SIG_DFL;
  }
  if (was_other) {
    execv("/proc/self/exe", argv);
  }
}

int main(int argc, char** argv) {
  (void)argc;
  begin_with_defaults(argv);
  setvbuf(stdout, NULL, _IOFBF, 4096);
  for (int i = 0; i < 3; ++i) {
    print_action("start", kSignals[i]);
  }
  for (unsigned i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    for (int j = 0; j < 3; ++j) {
      char name[40];
      snprintf(name, sizeof name, "case %u, signal %d", i, kSignals[j]);
      const pid_t child = fork();
      if (child == 0) {
        kCases[i](kSignals[j]);
        fflush(stdout);
        _exit(7);
      }
      print_child(name, child);
    }
  }
  try_first_process();
  burn_ms(30);
  raise(SIGTERM);
}
