// SPDX-License-Identifier: Apache-2.0
//
// Deferred and asynchronous cancellation of threads that are being sampled.
#include "test/victims/victim.h"

static void cleanup(void* what) { printf("%s cancelled\n", (const char*)what); }

static void* deferred(void* unused) {
  pthread_cleanup_push(cleanup, (void*)"deferred");
  for (;;) {
    burn_ms(1);
    pthread_testcancel();
  }
  pthread_cleanup_pop(0);
  return unused;
}

static void* asynchronous(void* unused) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  pthread_cleanup_push(cleanup, (void*)"asynchronous");
  for (volatile unsigned long i = 0;; ++i) {
  }
  pthread_cleanup_pop(0);
  return unused;
}

static void try_one(void* (*body)(void*)) {
  pthread_t thread;
  void* result = NULL;
  pthread_create(&thread, NULL, body, NULL);
  burn_ms(20);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("%s\n", result == PTHREAD_CANCELED ? "joined as cancelled" : "wrong");
}

int main(void) {
  for (int i = 0; i < 5; ++i) {
    try_one(deferred);
    try_one(asynchronous);
  }
}
