// SPDX-License-Identifier: Apache-2.0
#include "tools/read_file.h"

#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "tools/frames.h"
#include "tools/gzip.h"
#include "tools/input_error.h"
#include "tools/read_pprof.h"
#include "tools/wire_reader.h"

namespace otprof::tools {
namespace {

std::string read_bytes(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw InputError(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) throw InputError("is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(std::strerror(errno));
  std::string bytes;
  char buffer[65536];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    bytes.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > kMaxFileBytes) throw InputError("larger than 1 GiB");
  }
  if (file.bad()) throw InputError("cannot be read");
  return bytes;
}

// A pprof file of other makers does not name its process, but the file name of one window does:
// SERVICE-PID-SEQUENCE.KIND.pb.gz. Windows of one process must not be taken for several processes.
Process process_of_file(const std::string& path, const ProfileFile& file) {
  Process process = process_of_comments(file.dictionary, file.pprof.comments);
  if (process != Process{}) return process;
  std::string_view name = path;
  for (const std::string_view ending : {".cpu.pb.gz", ".heap.pb.gz"}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    const std::size_t sequence = name.find_last_not_of("0123456789");
    if (sequence != std::string_view::npos && name[sequence] == '-') {
      name = name.substr(0, sequence);
    }
    break;
  }
  process.instance = name;
  if (file.dictionary.mappings().size() > 1) {
    const encoder::Mapping& program = file.dictionary.mappings()[1];
    process.executable = base_name(file.dictionary.string(program.filename));
  }
  return process;
}

}  // namespace

std::string load_profile_file(const std::string& path) {
  try {
    std::string bytes = read_bytes(path);
    if (bytes.empty()) throw InputError("the file is empty");
    return is_gzip(bytes) ? gunzip(bytes, kMaxFileBytes) : bytes;
  } catch (const InputError& error) {
    throw InputError(path + ": " + error.what());
  }
}

// A pprof profile needs a string table (field 6) and an OTLP request has fields 1 and 2 only.
bool is_otlp(std::string_view message) {
  WireReader reader(message);
  while (reader.next()) {
    if (reader.field() > 2) return false;
  }
  return true;
}

ProfileFile read_profile_file(const std::string& path) {
  const std::string bytes = load_profile_file(path);
  try {
    ProfileFile file;
    file.otlp = is_otlp(bytes);
    if (file.otlp) {
      file.request = read_otlp(bytes, file.dictionary);
    } else {
      file.pprof = read_pprof(bytes, file.dictionary);
    }
    return file;
  } catch (const InputError& error) {
    throw InputError(path + ": not a profile: " + error.what());
  }
}

void add_request(const OtlpRequest& request, const encoder::Dictionary& dictionary,
                 Recording& recording) {
  for (const OtlpProfile& profile : request.profiles) {
    recording.add(dictionary, profile.profile, process_of(request.resources[profile.resource]));
  }
}

void read_files(const std::vector<std::string>& paths, Recording& recording) {
  for (const std::string& path : paths) {
    const ProfileFile file = read_profile_file(path);
    if (file.otlp) {
      add_request(file.request, file.dictionary, recording);
    } else {
      recording.add(file.dictionary, file.pprof, process_of_file(path, file));
    }
  }
}

}  // namespace otprof::tools
