// SPDX-License-Identifier: Apache-2.0
//
// An environment of 1.5 MB with names and values that are no text.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    burn_ms(30);
    printf("%s\n", getenv("LAST"));
    return 0;
  }
  for (int i = 0; i < 15; ++i) {
    char name[32];
    static char value[100000];
    memset(value, 0x80 + i, sizeof value - 1);
    snprintf(name, sizeof name, "\xff\xfeODD%d", i);
    setenv(name, value, 1);
  }
  setenv("OTEL_RESOURCE_ATTRIBUTES", "team=a%20b,\xff=\xfe", 1);
  unsetenv("OTEL_RESOURCE_ATTRIBUTES");
  setenv("LAST", "one", 1);
  fflush(stdout);
  execl("/proc/self/exe", argv[0], "again", (char*)NULL);
  printf("exec: %s\n", strerror(errno));
}
