// SPDX-License-Identifier: Apache-2.0
//
// dlopen and dlclose in a loop while code of the library is sampled: addresses come and go under
// the unwinder.
#include "test/victims/victim.h"
#include <dlfcn.h>

static volatile int done;

static void* burn_until_done(void* unused) {
  while (!done) {
    burn_ms(1);
  }
  return unused;
}

int main(int argc, char** argv) {
  pthread_t thread;
  pthread_create(&thread, NULL, burn_until_done, NULL);
  long sum = 0;
  for (int i = 0; i < 300; ++i) {
    void* library = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      printf("%s\n", dlerror());
      break;
    }
    long (*work)(long) = (long (*)(long))dlsym(library, "plugin_work");
    sum += work(300000);
    dlclose(library);
  }
  done = 1;
  pthread_join(thread, NULL);
  printf("%ld\n", sum);
}
