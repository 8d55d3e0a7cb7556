// SPDX-License-Identifier: Apache-2.0
//
// waiting_calls COUNT: makes each of the calls that SA_RESTART does not restart COUNT times, each kind on a
// thread of its own, with some computing in between so that the thread is sampled. Prints how often each
// was made and how often it was interrupted.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "test/victims/victim.h"

static int count;
static struct sockaddr_in server;

static void compute(void) {
  unsigned x = 1;
  for (int i = 0; i < 100000; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  burn_result = x;
}

static int call_poll(void) { return poll(NULL, 0, 1); }

static int call_select(void) {
  struct timeval time = {0, 200};
  return select(0, NULL, NULL, NULL, &time);
}

static int call_epoll_wait(void) {
  static int epoll = -1;
  struct epoll_event event;
  if (epoll < 0) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
  }
  return epoll_wait(epoll, &event, 1, 1);
}

static int call_nanosleep(void) {
  const struct timespec time = {0, 200000};
  return nanosleep(&time, NULL);
}

static int call_sem_timedwait(void) {
  static sem_t semaphore;  // zero: nobody posts it
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 200000;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  return sem_timedwait(&semaphore, &at);
}

static int call_connect(void) {
  const struct linger no_wait = {1, 0};  // or the ports run out
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = connect(fd, (const struct sockaddr*)&server, sizeof server);
  const int error = errno;
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
  close(fd);
  errno = error;
  return result;
}

static void* accept_all(void* listener) {
  for (;;) {
    const int fd = accept((int)(size_t)listener, NULL, NULL);
    if (fd >= 0) {
      close(fd);
    }
  }
  return NULL;
}

struct kind {
  const char* name;
  int (*call)(void);
  int interrupted;
};

static struct kind kinds[] = {
    {"poll", call_poll, 0},
    {"select", call_select, 0},
    {"epoll_wait", call_epoll_wait, 0},
    {"nanosleep", call_nanosleep, 0},
    {"sem_timedwait", call_sem_timedwait, 0},
    {"connect", call_connect, 0},
};
enum { kKinds = sizeof kinds / sizeof *kinds };

static void* call_often(void* argument) {
  struct kind* kind = argument;
  for (int i = 0; i < count; ++i) {
    compute();
    if (kind->call() < 0 && errno == EINTR) {
      ++kind->interrupted;
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  count = argc > 1 ? atoi(argv[1]) : 100;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = sizeof server;
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (const struct sockaddr*)&server, size) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, (struct sockaddr*)&server, &size) != 0) {
    skip("no socket on the loopback");
  }
  pthread_t accepting;
  pthread_create(&accepting, NULL, accept_all, (void*)(size_t)listener);
  pthread_t threads[kKinds];
  for (int i = 0; i < kKinds; ++i) {
    pthread_create(&threads[i], NULL, call_often, &kinds[i]);
  }
  for (int i = 0; i < kKinds; ++i) {
    pthread_join(threads[i], NULL);
    printf("%s %d %d\n", kinds[i].name, count, kinds[i].interrupted);
  }
}
