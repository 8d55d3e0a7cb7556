// SPDX-License-Identifier: Apache-2.0
//
// What a context costs the code that publishes it: nanoseconds per attach and detach, and per use of
// the other parts of otprof.h. Each beside an empty loop of the same shape, several rounds; medians.
//
//   attach [ROUNDS]
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/otprof.h"

namespace {

constexpr int kRepeats = 2'000'000;

double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <typename Body>
double time_of(Body&& body) {
  const double start = now_ns();
  for (int i = 0; i < kRepeats; ++i) {
    body(i);
    __asm__ volatile("" ::: "memory");
  }
  return (now_ns() - start) / kRepeats;
}

template <typename Body>
void report(const char* name, int rounds, Body&& body) {
  std::vector<double> costs;
  for (int round = 0; round < rounds; ++round) {
    const double empty = time_of([](int) {});
    costs.push_back(time_of(body) - empty);
  }
  std::sort(costs.begin(), costs.end());
  std::printf("%-46s %6.2f ns   %6.2f to %6.2f\n", name, costs[costs.size() / 2], costs.front(),
              costs.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = std::max(argc > 1 ? std::atoi(argv[1]) : 15, 3);
  const unsigned char trace[16] = {1};
  const unsigned char span[8] = {2};
  static otprof_context context;
  otprof_context_init(&context, trace, span, 1);
  report("attach and detach", rounds, [](int) { otprof_detach(otprof_attach(&context)); });
  report("a span scope: init, attach, detach", rounds, [&](int) {
    const otprof::SpanScope scope(trace, span, 1);
    __asm__ volatile("" ::: "memory");
  });
  report("ids changed in place", rounds,
         [&](int) { otprof_context_set_span(&context, trace, span, 1); });
  report("a span scope with one attribute of 7 bytes", rounds, [&](int) {
    otprof::SpanScope scope(trace, span, 1);
    scope.set(200, "/orders");
  });
  report("a label scope inside of it", rounds, [&](int) {
    const otprof::LabelScope scope(201, "acme");
    __asm__ volatile("" ::: "memory");
  });
}
