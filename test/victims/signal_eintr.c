// SPDX-License-Identifier: Apache-2.0
//
// Calls that SA_RESTART does not restart (poll, select, epoll_wait, nanosleep, sem_timedwait,
// connect, msgrcv, futex) never see EINTR at 1 kHz.
#include "test/victims/victim.h"
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

static int interrupted;
static int calls;

static void check(int result) {
  ++calls;
  interrupted += result < 0 && errno == EINTR;
}

static struct timespec soon(void) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 200000;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  return at;
}

static void* call_all(void* unused) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  const int epoll = epoll_create1(0);
  int ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  const struct sockaddr_un nowhere = {AF_UNIX, "/nonexistent"};
  for (int i = 0; i < 150; ++i) {
    const struct timespec pause = {0, 200000};
    struct timeval short_time = {0, 200};
    struct pollfd descriptor = {ends[0], POLLIN, 0};
    struct epoll_event event;
    struct timespec at = soon();
    burn_ms(1);
    check(poll(&descriptor, 1, 1));
    check(select(0, NULL, NULL, NULL, &short_time));
    check(epoll_wait(epoll, &event, 1, 1));
    check(nanosleep(&pause, NULL));
    check(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL) == EINTR ? (errno = EINTR, -1) : 0);
    check(sem_timedwait(&semaphore, &at));
    check(usleep(100));
    const int connecting = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect(connecting, (const struct sockaddr*)&nowhere, sizeof nowhere));
    close(connecting);
  }
  close(epoll);
  close(ends[0]);
  close(ends[1]);
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)200);
  call_all(NULL);
  pthread_join(thread, NULL);
  printf("%d calls, %d interrupted\n", calls, interrupted);
}
