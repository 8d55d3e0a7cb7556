// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_FSIZE of zero: a profile that cannot be written must not raise SIGXFSZ.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(void) {
  const struct rlimit limit = {0, 0};
  setrlimit(RLIMIT_FSIZE, &limit);
  burn_ms(450);
  printf("alive\n");
  return 2;
}
