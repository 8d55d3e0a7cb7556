// SPDX-License-Identifier: Apache-2.0
//
// Programs that end while their timers still run, and whose handlers are gone by then: perl is one. A profiler
// may take its time at the end (here a receiver keeps it waiting); the signals that come meanwhile would
// have found nobody, and so must not be another end than the program's own.
#include "test/victims/victim.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { kPort = 43187, kWays = 8 };

static void be_late(int number) {
  (void)number;
  write(STDOUT_FILENO, "handled\n", 8);
}

static void* wait_for_ever(void* unused) {
  for (;;) {
    pause();
  }
  return unused;
}

// Long after a program that is alone has ended.
static void have_signals_sent(int way) {
  static const int kSignals[] = {SIGPROF, SIGVTALRM, SIGUSR1, SIGTERM};
  const struct itimerval soon = {{0, 0}, {0, 400000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  const pid_t process = getpid();
  if (fork() == 0) {
    usleep(400000);
    if (getppid() == process) {
      kill(process, kSignals[way % 4]);
    }
    _exit(0);
  }
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
  pid_t children[kWays];
  for (int way = 0; way < kWays; ++way) {
    children[way] = fork();
    if (children[way] == 0) {
      pthread_t thread;
      if (way >= 4) {
        pthread_create(&thread, NULL, wait_for_ever, NULL);
      } else {
        signal(SIGALRM, be_late);
        signal(SIGPROF, be_late);
      }
      burn_ms(50);
      have_signals_sent(way);
      (way & 1) != 0 ? _exit(20 + way) : exit(20 + way);
    }
  }
  for (int way = 0; way < kWays; ++way) {
    print_child("child", children[way]);
  }
}
