// SPDX-License-Identifier: Apache-2.0
//
// What reading the context adds to a sample: the very function that the handler and the allocation hook
// call, without a context, with one, and with attributes to copy. To be compared with what a sample
// takes as a whole (docs/cost.md).
#include "agent/thread_context.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/otprof.h"

namespace {

constexpr int kRepeats = 2'000'000;
std::array<char, otprof::agent::kMostLabelBytes> copied;

double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void report(const char* name, int rounds) {
  std::vector<double> costs;
  for (int round = 0; round < rounds; ++round) {
    const double start = now_ns();
    for (int i = 0; i < kRepeats; ++i) {
      const otprof::agent::ThreadContext context = otprof::agent::current_thread_context();
      otprof::agent::write_labels(context, copied.data());
      __asm__ volatile("" : : "r"(&context) : "memory");
    }
    costs.push_back((now_ns() - start) / kRepeats);
  }
  std::sort(costs.begin(), costs.end());
  std::printf("%-46s %6.2f ns   %6.2f to %6.2f\n", name, costs[costs.size() / 2], costs.front(),
              costs.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = std::max(argc > 1 ? std::atoi(argv[1]) : 15, 3);
  const unsigned char ids[16] = {1};
  report("no context", rounds);
  otprof_context context;
  otprof_context_init(&context, ids, ids, 0);
  otprof_attach(&context);
  report("trace and span", rounds);
  otprof_context_set(&context, 200, "/orders", 7);
  report("and an attribute of 7 bytes", rounds);
  for (int key = 201; key < 240; ++key) {
    otprof_context_set(&context, key, "0123456789abc", 13);
  }
  report("and 600 bytes of attributes", rounds);
  otprof_detach(nullptr);
}
