// SPDX-License-Identifier: Apache-2.0
//
// A program that executes itself 200 times while it is sampled at 1 kHz: a pending signal kills
// the next image (peers 40/40, 62/100).
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  const int left = argc > 1 ? atoi(argv[1]) : 200;
  burn_ms(2);
  if (left == 0) {
    burn_ms(20);
    printf("arrived\n");
    return 17;
  }
  char text[16];
  snprintf(text, sizeof text, "%d", left - 1);
  execl("/proc/self/exe", argv[0], text, (char*)NULL);
  printf("exec: %s\n", strerror(errno));
}
