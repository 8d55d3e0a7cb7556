// SPDX-License-Identifier: Apache-2.0
//
// Writes the made-up window of the encoder's tests into a directory: otlp.pb, cpu.pb.gz, heap.pb.gz.
// The checkers of this directory are tried on them.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encoder/otlp.h"
#include "encoder/pprof.h"
#include "test/unit/encoder/sample_window.h"

namespace {

namespace encoder = otprof::encoder;
namespace test = otprof::test;

bool write_file(const std::string& path, const std::string& bytes) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

bool write_pprof(const test::SampleWindow& window, std::size_t profile, const std::string& path) {
  std::string bytes;
  encoder::StringSink sink(bytes);
  encoder::GzipSink gzip(sink);
  return encoder::encode_pprof(window.dictionary, window.profiles[profile], gzip) &&
         gzip.finish() && write_file(path, bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_sample_profiles DIRECTORY\n");
    return 2;
  }
  const std::string directory = argv[1];
  const test::SampleWindow window =
      test::make_sample_window({.cpu_samples = 60, .heap_samples = 30, .depth = 15});
  encoder::Request request;
  for (const encoder::Profile& profile : window.profiles) {
    request.push_back({.profile = &profile, .first = 0, .count = profile.samples.size()});
  }
  std::string otlp;
  encoder::StringSink sink(otlp);
  const bool written =
      encoder::encode_otlp(window.dictionary, window.resource, window.scope, request, {}, sink) &&
      write_file(directory + "/otlp.pb", otlp) &&
      write_pprof(window, 0, directory + "/cpu.pb.gz") &&
      write_pprof(window, 1, directory + "/heap.pb.gz");
  if (!written) std::fprintf(stderr, "write_sample_profiles: cannot write to %s\n", argv[1]);
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
