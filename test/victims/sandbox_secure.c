// SPDX-License-Identifier: Apache-2.0
//
// A setuid program: the loader drops LD_PRELOAD or the library stands down, and the program is as
// it was.
#include "test/victims/victim.h"
#include <sys/auxv.h>
#include <sys/stat.h>

static void copy_self(const char* to) {
  static char buffer[1 << 20];
  const int in = open("/proc/self/exe", O_RDONLY);
  const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  for (ssize_t size; (size = read(in, buffer, sizeof buffer)) > 0;) {
    write(out, buffer, (size_t)size);
  }
  close(in);
  close(out);
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {
    burn_ms(30);
    printf("secure %lu, user %u acts as %u\n", getauxval(AT_SECURE), getuid(), geteuid());
    return 15;
  }
  if (getuid() != 0) {
    skip("needs root to make a setuid program");
  }
  burn_ms(30);
  copy_self("secure");
  chown("secure", 1234, 1234);
  chmod("secure", 04755);
  chmod(".", 0755);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setgid(65534);
    setuid(65534);
    execl("./secure", "secure", "again", (char*)NULL);
    _exit(99);
  }
  print_child("setuid program", child);
}
