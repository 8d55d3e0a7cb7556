// SPDX-License-Identifier: Apache-2.0
//
// setlocale and uselocale, in main and in threads, keep what the program set.
#include "test/victims/victim.h"
#include <locale.h>

static void* in_thread(void* locale) {
  uselocale(locale);
  burn_ms(30);
  printf("thread %d\n", uselocale((locale_t)0) == (locale_t)locale);
  return NULL;
}

int main(void) {
  printf("%s\n", setlocale(LC_ALL, NULL));
  printf("%s\n", setlocale(LC_ALL, ""));
  const locale_t other = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  pthread_t thread;
  pthread_create(&thread, NULL, in_thread, other);
  burn_ms(230);
  pthread_join(thread, NULL);
  printf("%s %g\n", setlocale(LC_ALL, NULL), 1.5);
}
