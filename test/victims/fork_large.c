// SPDX-License-Identifier: Apache-2.0
//
// fork of a process with 600 MB touched takes many sample periods: with interval timers it is
// restarted for ever.
#include "test/victims/victim.h"

int main(void) {
  const size_t size = (size_t)600 << 20;
  char* memory = malloc(size);
  for (size_t at = 0; at < size; at += 4096) {
    memory[at] = 1;
  }
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(memory[size / 2]);
    }
    print_child("large", child);
  }
}
