// SPDX-License-Identifier: Apache-2.0
//
// One finished OTLP request body, as it is handed from part to part. Plain data.
#pragma once

#include <cstddef>
#include <string>

namespace otprof::transport {

struct Body {
  std::string bytes;
  bool gzip = false;  // bytes are gzip; sent with Content-Encoding: gzip
  std::size_t uncompressed_bytes = 0;
  // A copy of what is kept on disk: given up, it is not lost.
  bool is_on_disk = false;
};

}  // namespace otprof::transport
