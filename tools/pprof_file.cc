// SPDX-License-Identifier: Apache-2.0
#include "tools/pprof_file.h"

#include <new>

#include "encoder/byte_sink.h"
#include "encoder/pprof.h"

namespace otprof::tools {

std::string pprof_file(Recording& recording, const MergedProfile& profile) {
  std::string bytes;
  encoder::StringSink sink(bytes);
  const encoder::Profile merged = recording.to_profile(profile);
  if (!encoder::encode_pprof(recording.dictionary(), merged, sink)) throw std::bad_alloc();
  return bytes;
}

}  // namespace otprof::tools
