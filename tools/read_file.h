// SPDX-License-Identifier: Apache-2.0
//
// Profile files of either format, gzip'd or not, told apart by their content. Every function throws
// InputError with the file's name in front. Any thread, one per Recording.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"
#include "tools/read_otlp.h"
#include "tools/recording.h"

namespace otprof::tools {

// A file may not hold more than this, decompressed: 100 times the largest window seen.
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30U;

// The content of a profile file, decompressed.
std::string load_profile_file(const std::string& path);

// Whether a decompressed file is an OTLP request and not a pprof profile.
bool is_otlp(std::string_view message);

// The file as one pprof profile or as the OTLP profiles of a request.
struct ProfileFile {
  encoder::Dictionary dictionary;
  bool otlp = false;
  OtlpRequest request;     // if otlp
  encoder::Profile pprof;  // else
};
ProfileFile read_profile_file(const std::string& path);

// Adds all the files to one recording.
void read_files(const std::vector<std::string>& paths, Recording& recording);
void add_request(const OtlpRequest& request, const encoder::Dictionary& dictionary,
                 Recording& recording);

}  // namespace otprof::tools
