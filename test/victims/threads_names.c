// SPDX-License-Identifier: Apache-2.0
//
// Thread names and the process name stay what the program made them.
#include "test/victims/victim.h"
#include <sys/prctl.h>

static void print_name(const char* who) {
  char name[32] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  printf("%s: %s\n", who, name);
}

static void* named(void* unused) {
  print_name("new thread inherits");
  pthread_setname_np(pthread_self(), "worker-7");
  burn_ms(30);
  print_name("thread");
  return unused;
}

int main(void) {
  prctl(PR_SET_NAME, "renamed");
  burn_ms(30);
  pthread_t thread;
  pthread_create(&thread, NULL, named, NULL);
  pthread_join(thread, NULL);
  print_name("main");
}
