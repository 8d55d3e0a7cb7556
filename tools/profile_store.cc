// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_store.h"

#include <cstdio>
#include <ctime>
#include <set>

#include "tools/flame_json.h"
#include "tools/gzip.h"
#include "tools/output_file.h"
#include "tools/read_file.h"
#include "tools/read_otlp.h"

namespace otprof::tools {
namespace {

// Names sort by time, and a later run does not replace what an earlier one kept.
void keep_file(const std::string& directory, std::uint64_t number, std::string_view request) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char name[64];
  const std::size_t length = std::strftime(name, sizeof name, "/%Y%m%dT%H%M%SZ", &utc);
  std::snprintf(name + length, sizeof name - length, "-%06llu.otlp.gz",
                static_cast<unsigned long long>(number));
  write_file(directory + name, gzip(request));
}

}  // namespace

void ProfileStore::accept(std::string_view request) {
  encoder::Dictionary dictionary;
  const OtlpRequest read = read_otlp(request, dictionary);
  const std::lock_guard lock(mutex_);
  if (!options_.directory.empty()) keep_file(options_.directory, counters_.requests, request);
  ++counters_.requests;
  add_request(read, dictionary, recording_);
  for (const OtlpProfile& profile : read.profiles) {
    if (dictionary.string(profile.profile.sample_types[0].type) != "samples") continue;
    for (const std::int64_t value : profile.profile.values) {
      counters_.samples = saturating_add(counters_.samples, value);
    }
  }
  counters_.forgotten_processes += recording_.trim(options_.memory_limit);
  ++counters_.version;
}

void ProfileStore::count_refused() {
  const std::lock_guard lock(mutex_);
  ++counters_.refused;
}

ProfileStore::Counters ProfileStore::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::string ProfileStore::json() {
  const std::lock_guard lock(mutex_);
  if (json_version_ != counters_.version) {
    json_ = flame_json(recording_, title_of(recording_));
    json_version_ = counters_.version;
  }
  return json_;
}

std::string title_of(const Recording& recording) {
  std::set<std::string> names;
  for (const Process& process : recording.processes()) {
    // The name an exporter makes up when it was given none.
    constexpr std::string_view kUnknown = "unknown_service:";
    names.insert(process.service.starts_with(kUnknown) ? process.service.substr(kUnknown.size())
                                                       : process.service);
  }
  if (names.size() == 1) return *names.begin();
  return names.empty() ? "otprof" : std::to_string(names.size()) + " services";
}

}  // namespace otprof::tools
