// SPDX-License-Identifier: Apache-2.0
//
// How long one large window takes to build and to encode, and what it costs in memory. Goal: 20,000
// samples as gzipped OTLP, about 2 MB before compression, in 60 ms or less, memory flat.
// usage: encoder_bench [SAMPLES [ROUNDS]]
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "encoder/otlp.h"
#include "encoder/pprof.h"
#include "test/unit/encoder/sample_window.h"

namespace {

namespace encoder = otprof::encoder;
namespace test = otprof::test;

// CPU time, because the machine may be busy with something else.
double now_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

class NullSink final : public encoder::ByteSink {
 public:
  bool write(const void*, std::size_t size) override {
    bytes += size;
    return true;
  }
  std::size_t bytes = 0;
};

// Resident set at its highest since the last reset (proc(5): clear_refs, VmHWM), in KiB.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    long value = 0;
    if (word == "VmHWM:" && status >> value) return value;
  }
  return 0;
}
void reset_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

void measure(const char* what, int rounds, const std::function<bool(encoder::ByteSink&)>& encode,
             bool gzip) {
  double best = 1e9;
  long memory = 0;
  std::size_t bytes = 0;
  for (int round = 0; round < rounds; ++round) {
    reset_peak();
    const long before = peak_kib();
    NullSink sink;
    const double start = now_ms();
    if (gzip) {
      encoder::GzipSink packed(sink);
      if (!encode(packed) || !packed.finish()) std::abort();
    } else if (!encode(sink)) {
      std::abort();
    }
    best = std::min(best, now_ms() - start);
    memory = std::max(memory, peak_kib() - before);
    bytes = sink.bytes;
  }
  std::printf("%-28s %8.2f ms  %9zu bytes  +%ld KiB\n", what, best, bytes, memory);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t samples = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const double start = now_ms();
  const test::SampleWindow window = test::make_sample_window(
      {.cpu_samples = samples, .heap_samples = 0, .depth = 30, .addresses = 2'000});
  std::printf("build the window             %8.2f ms  (%zu samples, dictionary %zu KiB)\n",
              now_ms() - start, samples, window.dictionary.memory_bytes() >> 10);
  const encoder::Request request = {{.profile = &window.profiles[0], .first = 0, .count = samples}};
  const auto otlp = [&](encoder::ByteSink& sink) {
    return encode_otlp(window.dictionary, window.resource, window.scope, request, {}, sink);
  };
  const auto pprof = [&](encoder::ByteSink& sink) {
    return encode_pprof(window.dictionary, window.profiles[0], sink);
  };
  const auto plan = [&](encoder::ByteSink&) {
    std::size_t oversized = 0;
    return !plan_requests(window.dictionary, window.resource, window.scope, window.profiles, {},
                          oversized)
                .empty();
  };
  measure("plan_requests", rounds, plan, false);
  measure("OTLP", rounds, otlp, false);
  measure("OTLP, gzip", rounds, otlp, true);
  measure("pprof", rounds, pprof, false);
  measure("pprof, gzip", rounds, pprof, true);
}
