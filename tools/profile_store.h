// SPDX-License-Identifier: Apache-2.0
//
// What a receiver got, summed up, within a bound of memory. Any thread; everything is under one
// lock, but for the decoding of a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "tools/recording.h"

namespace otprof::tools {

class ProfileStore {
 public:
  struct Options {
    Recording::Keep keep = Recording::Keep::kEverything;
    std::size_t memory_limit = std::size_t{256} << 20U;
    std::string directory;  // where each request is kept as a file; empty: nowhere
  };
  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t refused = 0;
    std::uint64_t forgotten_processes = 0;  // to stay within the memory limit
    std::int64_t samples = 0;               // of CPU profiles
    std::uint64_t version = 0;              // rises whenever the recording changes
  };

  explicit ProfileStore(Options options) : options_(std::move(options)) {}

  // One ExportProfilesServiceRequest, decompressed. All of it is taken or nothing, with InputError if
  // it is not one, or OutputError if it cannot be kept as a file.
  void accept(std::string_view request);
  void count_refused();

  Counters counters() const;
  // What flame_json() makes of the recording now; made again only when the recording has changed.
  std::string json();

  // Calls visit(Recording&) while nothing is added.
  template <class Visit>
  auto with_recording(Visit visit) {
    const std::lock_guard lock(mutex_);
    return visit(recording_);
  }

 private:
  const Options options_;
  mutable std::mutex mutex_;
  Recording recording_{options_.keep};
  Counters counters_;
  std::string json_;
  std::uint64_t json_version_ = UINT64_MAX;
};

// "shop" if there is one service, "3 services" if there are more.
std::string title_of(const Recording& recording);

}  // namespace otprof::tools
