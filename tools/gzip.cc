// SPDX-License-Identifier: Apache-2.0
#include "tools/gzip.h"

#include <algorithm>
#include <new>

#include <zlib.h>

#include "encoder/byte_sink.h"
#include "tools/input_error.h"

namespace otprof::tools {
namespace {

// Frees what zlib holds, whichever way gunzip() is left.
class Inflater {
 public:
  Inflater() {
    constexpr int kGzipOnly = 15 + 16;  // window bits as zlib.h defines them
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw InputError("out of memory");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::string gunzip(std::string_view bytes, std::size_t limit) {
  Inflater inflater;
  z_stream& stream = inflater.stream();
  std::string out;
  char buffer[65536];
  std::string_view rest = bytes;
  for (;;) {
    // zlib counts input in 32 bits.
    const std::size_t piece = std::min<std::size_t>(rest.size(), 1U << 30U);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(piece);
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    const int status = inflate(&stream, Z_NO_FLUSH);
    rest.remove_prefix(piece - stream.avail_in);
    const std::size_t made = sizeof buffer - stream.avail_out;
    if (made > limit - out.size()) {
      throw InputError("decompresses to more than " + std::to_string(limit >> 20U) + " MiB");
    }
    out.append(buffer, made);
    if (status == Z_STREAM_END) {
      if (!is_gzip(rest)) return out;
      inflateReset(&stream);
    } else if (status == Z_BUF_ERROR || (status == Z_OK && rest.empty() && made == 0)) {
      throw InputError("the gzip data is incomplete");
    } else if (status != Z_OK) {
      throw InputError("the gzip data is damaged");
    }
  }
}

std::string gzip(std::string_view bytes) {
  std::string out;
  encoder::StringSink sink(out);
  encoder::GzipSink gzip_sink(sink);
  if (!gzip_sink.write(bytes.data(), bytes.size()) || !gzip_sink.finish()) throw std::bad_alloc();
  return out;
}

}  // namespace otprof::tools
