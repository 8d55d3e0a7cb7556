// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON that may also stand inside an HTML script element: `<`, `>` and `&` are escaped as
// \u00XX, so no text can end the element or open a comment, whatever a function is called.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace otprof::tools {

// Appends `text` with its quotes. Control characters, U+2028 and U+2029 are escaped too; `text` must
// be UTF-8.
void append_json_string(std::string& out, std::string_view text);

// Commas are put where they belong; the caller balances the begin_ and end_ calls.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& boolean(bool value);

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool comma_ = false;
};

}  // namespace otprof::tools
