// SPDX-License-Identifier: Apache-2.0
//
// The order in which thread-local and static destructors, exit handlers and destructor functions
// run, while each uses CPU time: a profiler's own must not stand between them.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "test/victims/victim.h"

namespace {

struct Named {
  explicit Named(const char* name) : name_(name) { std::printf("+%s\n", name_); }
  ~Named() {
    burn_ms(3);
    std::printf("-%s\n", name_);
  }
  const char* name_;
};

Named first_static("first static");
thread_local Named of_thread("thread local");
Named second_static("second static");

void handler_one() { std::printf("handler one\n"); }
void handler_two() {
  burn_ms(3);
  std::printf("handler two\n");
}

[[gnu::constructor]] void constructor_function() { std::printf("constructor function\n"); }
[[gnu::destructor]] void destructor_function() { std::printf("destructor function\n"); }

}  // namespace

int main() {
  std::atexit(handler_one);
  std::printf("main uses %s\n", of_thread.name_);
  std::thread([] {
    burn_ms(20);
    std::printf("thread uses %s\n", of_thread.name_);
  }).join();
  static Named local("local static");
  std::atexit(handler_two);
  burn_ms(20);
  return 3;
}
