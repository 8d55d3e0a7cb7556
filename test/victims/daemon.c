// SPDX-License-Identifier: Apache-2.0
//
// A daemon: fork twice, setsid, descriptors 0-2 to /dev/null, and then a long life of its own.
#include "test/victims/victim.h"

int main(void) {
  int done[2];
  if (pipe(done) != 0) {
    return 1;
  }
  burn_ms(20);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) {
      dup2(null, fd);
    }
    close(null);
    burn_ms(100);
    pthread_t thread;
    pthread_create(&thread, NULL, burn_thread, (void*)50);
    pthread_join(thread, NULL);
    write(done[1], "daemon done", 12);
    exit(0);
  }
  print_child("first child", child);
  close(done[1]);
  char text[32] = "";
  read(done[0], text, sizeof text);
  printf("%s\n", text);
}
