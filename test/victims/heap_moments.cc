// SPDX-License-Identifier: Apache-2.0
// Allocations at unusual moments: in an IFUNC resolver, before and after main, in destructors of
// threads and of thread-local objects, with blocks that outlive each of them.
#include <stdlib.h>
#include <string.h>

#include <string>
#include <thread>
#include <vector>

#include "test/victims/victim.h"

static char* from_resolver;
static char* from_preinit;
static char* from_constructor;

extern "C" {
static int answer() { return 42; }
using Answer = int (*)();
static Answer resolve_answer() {
  from_resolver = static_cast<char*>(malloc(100));
  memcpy(from_resolver, "resolver", 9);
  return answer;
}
int resolved() __attribute__((ifunc("resolve_answer")));
}

static void preinit(int, char**, char**) { from_preinit = strdup("preinit"); }
__attribute__((section(".preinit_array"), used)) static auto preinit_entry = preinit;

[[gnu::constructor(101)]] static void construct() { from_constructor = strdup("constructor"); }

struct Late {
  std::vector<std::string> kept;
  ~Late() {
    for (int i = 0; i < 1000; ++i) {
      kept.push_back(std::string(static_cast<std::size_t>(i), 'x'));
    }
    printf("after main: %zu strings\n", kept.size());
  }
};
static Late late;

struct Local {
  std::string text = std::string(1000, 'y');
  ~Local() { text = std::string(5000, 'z') + text; }
};
static thread_local Local local;

static pthread_key_t key;
static int rounds;

// Allocates in each round of destructors, as long as libc goes on with them.
static void end_of_thread(void* block) {
  free(block);
  ++rounds;
  pthread_setspecific(key, malloc(2000));
}

int main() {
  printf("%s %s %s %d\n", from_resolver, from_preinit, from_constructor, resolved());
  free(from_resolver);
  free(from_preinit);
  free(from_constructor);
  pthread_key_create(&key, end_of_thread);
  for (int i = 0; i < 300; ++i) {
    std::thread thread([] {
      local.text += "touched";
      pthread_setspecific(key, malloc(64));
    });
    thread.join();
  }
  printf("rounds of destructors: %d\n", rounds);
  late.kept.push_back("before");
  return 0;
}
