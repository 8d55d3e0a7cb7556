// SPDX-License-Identifier: Apache-2.0
#include "tools/run_environment.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "tools/input_error.h"

namespace otprof::tools {
namespace {

class Environment {
 public:
  explicit Environment(const std::vector<std::string>& entries) : entries_(entries) {}

  std::string* find(std::string_view name) {
    for (std::string& entry : entries_) {
      if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
        return &entry;
      }
    }
    return nullptr;
  }

  // Empty counts as unset, as it does for the library.
  std::string value(std::string_view name) {
    const std::string* entry = find(name);
    return entry == nullptr ? "" : entry->substr(name.size() + 1);
  }

  void set(std::string_view name, std::string_view value) {
    std::string entry = std::string(name) + "=" + std::string(value);
    if (std::string* known = find(name)) {
      *known = std::move(entry);
    } else {
      entries_.push_back(std::move(entry));
    }
  }

  void set_default(std::string_view name, std::string_view value) {
    if (this->value(name).empty()) set(name, value);
  }

  void unset(std::string_view name) {
    std::erase_if(entries_, [&](const std::string& entry) {
      return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
    });
  }

  std::vector<std::string> take() { return std::move(entries_); }

 private:
  std::vector<std::string> entries_;
};

}  // namespace

std::vector<std::string> run_environment(const std::vector<std::string>& ours,
                                         const RunSettings& settings) {
  Environment environment(ours);
  const std::string preloaded = environment.value("LD_PRELOAD");
  environment.set("LD_PRELOAD",
                  preloaded.empty() ? settings.library : settings.library + ":" + preloaded);
  for (const std::string_view name :
       {"HEADERS", "TIMEOUT", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"}) {
    environment.unset("OTEL_EXPORTER_OTLP_PROFILES_" + std::string(name));
  }
  environment.set("OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT", settings.url + "/v1development/profiles");
  environment.set("OTEL_EXPORTER_OTLP_PROFILES_PROTOCOL", "http/protobuf");
  environment.set("OTEL_EXPORTER_OTLP_PROFILES_COMPRESSION", "gzip");
  const std::string exporters = environment.value("OTPROF_EXPORTERS");
  if (!exporters.empty() && exporters.find("otlp") == std::string::npos) {
    environment.set("OTPROF_EXPORTERS", exporters == "none" ? "otlp" : "otlp," + exporters);
  }
  environment.set_default("OTPROF_EXPORT_INTERVAL", "1s");
  if (!settings.hz.empty()) {
    environment.set("OTPROF_CPU_HZ", settings.hz);
    environment.set_default("OTPROF_MAX_CPU_PERCENT", "100");  // who asks for a rate gets it
  }
  if (!settings.heap) environment.set("OTPROF_HEAP", "false");
  return environment.take();
}

std::string find_library() {
  std::string library;
  if (const char* given = std::getenv("OTPROF_LIBRARY"); given != nullptr && *given != '\0') {
    library = given;
    if (access(given, R_OK) != 0) throw InputError("OTPROF_LIBRARY: cannot read " + library);
  } else {
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    for (const char* place : {"", "../" OTPROF_LIBDIR, "../lib"}) {
      const std::filesystem::path candidate = self.parent_path() / place / "libotprof.so";
      if (access(candidate.c_str(), R_OK) != 0) continue;
      library = candidate;
      break;
    }
    if (library.empty()) {
      throw InputError("no libotprof.so beside " + self.string() +
                       " nor in ../lib; OTPROF_LIBRARY can name it");
    }
  }
  library = std::filesystem::canonical(library);
  // The loader takes both for the end of a path, and has no way to quote them.
  if (library.find_first_of(": ") != std::string::npos) {
    throw InputError(library + " cannot be preloaded: its path has a colon or a space in it");
  }
  return library;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace otprof::tools
