// SPDX-License-Identifier: Apache-2.0
//
// Children made by one thread while another ends the process, which takes a while under a profiler (here a
// receiver keeps it waiting): they inherit what the program has made of its signals, and nothing else.
#include "test/victims/victim.h"
#include <arpa/inet.h>
#include <spawn.h>
#include <sys/socket.h>

enum { kPort = 43189 };

static void report(const char* how, int is_as_it_should_be) {
  if (!is_as_it_should_be) {
    dprintf(STDOUT_FILENO, "%s: other signals\n", how);
  }
}

// No signal is ignored, but for libc's own two (posix_spawn does that); nor lost, by a child that executes
// nothing.
static char* const kLook[] = {"sh", "-c", "grep -q 'SigIgn:.0000000[01][08]0000000$' /proc/$$/status", NULL};
extern char** environ;

static void look(void) {
  pid_t child;
  int status = 1;
  if (posix_spawn(&child, "/bin/sh", NULL, NULL, kLook, environ) == 0) {
    waitpid(child, &status, 0);
    report("spawn", status == 0);
  }
  child = vfork();
  if (child == 0) {
    execv("/bin/sh", kLook);
    _exit(99);
  }
  waitpid(child, &status, 0);
  report("vfork", status == 0);
  static const int kSignals[] = {SIGALRM, SIGPROF, SIGTERM, SIGUSR1, SIGTRAP};
  for (size_t i = 0; i < sizeof kSignals / sizeof *kSignals; ++i) {
    child = fork();
    if (child == 0) {
      struct sigaction action;
      if (i % 2 == 0) {
        sigaction(kSignals[i], NULL, &action);
        report("fork", action.sa_handler == SIG_DFL);
      }
      raise(kSignals[i]);
      _exit(98);
    }
    waitpid(child, &status, 0);
    report("fork and raise", WIFSIGNALED(status) && WTERMSIG(status) == kSignals[i]);
    child = (pid_t)syscall(SYS_fork);
    if (child == 0) {
      syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), kSignals[i]);
      syscall(SYS_exit_group, 98);
    }
    waitpid(child, &status, 0);
    report("raw fork and raise", WIFSIGNALED(status) && WTERMSIG(status) == kSignals[i]);
  }
}

static volatile int is_ending;

static void* make_children(void* unused) {
  while (!is_ending) {
    usleep(1000);
  }
  usleep(50000);
  for (;;) {
    look();
  }
  return unused;
}

int main(void) {
  const int receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(kPort)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(receiver, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(receiver, (struct sockaddr*)&address, sizeof address) != 0 || listen(receiver, 100) != 0) {
    skip("the port is taken");
  }
  pthread_t thread;
  burn_ms(50);
  pthread_create(&thread, NULL, make_children, NULL);
  burn_ms(50);
  is_ending = 1;
  exit(20);
}
