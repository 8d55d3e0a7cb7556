// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_CPU ends the program by SIGXCPU as it would alone.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(void) {
  const struct rlimit limit = {1, 2};
  setrlimit(RLIMIT_CPU, &limit);
  printf("spinning\n");
  fflush(stdout);
  burn_ms(5000);
  printf("never reached\n");
}
