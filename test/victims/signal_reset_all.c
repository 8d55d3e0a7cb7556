// SPDX-License-Identifier: Apache-2.0
//
// Resets all signals to their default in a loop, as shells and service managers do: peers are
// then killed by their own signal.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  for (int round = 0; round < 20; ++round) {
    for (int signal_number = 1; signal_number < 65; ++signal_number) {
      struct sigaction action;
      memset(&action, 0, sizeof action);
      action.sa_handler = SIG_DFL;
      sigaction(signal_number, &action, NULL);
      signal(signal_number, SIG_DFL);
    }
    burn_ms(5);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  burn_ms(100);
  printf("alive\n");
}
