// SPDX-License-Identifier: Apache-2.0
//
// Exceptions through frames of libc (qsort, pthread_once) and pthread_exit through C++ frames whose
// destructors have to run: an interposed function that is noexcept ends the process.
#include <pthread.h>

#include <cstdio>
#include <cstdlib>

#include "test/victims/victim.h"

namespace {

int destroyed = 0;

struct Counted {
  ~Counted() { ++destroyed; }
};

int compare_or_throw(const void* a, const void* b) {
  burn_ms(1);
  if (*static_cast<const int*>(a) == 13) {
    throw 13;
  }
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

void once() { throw 7; }

void* leave_thread(void*) {
  Counted counted;
  burn_ms(5);
  pthread_exit(nullptr);
}

void* cancelled(void*) {
  Counted counted;
  for (;;) {
    burn_ms(1);
    pthread_testcancel();
  }
}

}  // namespace

int main() {
  for (int round = 0; round < 10; ++round) {
    int numbers[] = {20, 3, 13, 5, 1, 4};
    try {
      Counted counted;
      std::qsort(numbers, 6, sizeof(int), compare_or_throw);
    } catch (int thrown) {
      std::printf("qsort: %d\n", thrown);
    }
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    try {
      pthread_once(&control, once);
    } catch (int thrown) {
      std::printf("once: %d\n", thrown);
    }
    pthread_t thread;
    pthread_create(&thread, nullptr, leave_thread, nullptr);
    pthread_join(thread, nullptr);
    pthread_create(&thread, nullptr, cancelled, nullptr);
    burn_ms(2);
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
  }
  std::printf("%d destroyed\n", destroyed);
}
