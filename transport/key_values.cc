// SPDX-License-Identifier: Apache-2.0
//
// The two lists in W3C Baggage form that endpoint.h declares.
#include <strings.h>

#include <algorithm>
#include <optional>

#include "transport/endpoint.h"

namespace otprof::transport {

namespace {

// Set by the sender from what it sends, or by libcurl from how it sends it.
constexpr const char* kOwnHeaders[] = {
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "keep-alive",
    "otlp-profiles-development-version",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
};

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kTokenMarks.find(c) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t') || byte == 0x7f;
  });
}

// Unicode 15, table 3-7: well-formed byte sequences.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || length > text.size() - i) return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      unsigned low = 0x80;
      unsigned high = 0xbf;
      if (k == 1 && lead == 0xe0) low = 0xa0;
      if (k == 1 && lead == 0xed) high = 0x9f;
      if (k == 1 && lead == 0xf0) low = 0x90;
      if (k == 1 && lead == 0xf4) high = 0x8f;
      if (byte < low || byte > high) return false;
    }
    i += length;
  }
  return true;
}

struct Item {
  std::size_t number = 0;  // from 1
  bool has_equals = false;
  std::string_view key, value;  // as written, trimmed
};

// Calls `take` for each comma-separated item that is not blank; returns whether any was.
template <typename Take>
bool for_each_item(std::string_view text, Take take) {
  bool blank = false;
  std::size_t number = 0;
  for (;;) {
    const auto comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    ++number;
    if (part.empty()) {
      blank = true;
    } else {
      const auto equals = part.find('=');
      const bool found = equals != std::string_view::npos;
      take(Item{number, found, trim(part.substr(0, equals)),
                found ? trim(part.substr(equals + 1)) : std::string_view()});
    }
    if (comma == std::string_view::npos) return blank;
    text.remove_prefix(comma + 1);
  }
}

std::string item_name(const Item& item) { return "item " + std::to_string(item.number); }

// Empty if the header may be sent as it is.
std::string header_problem(const Item& item, const std::optional<std::string>& value) {
  if (!item.has_equals) return item_name(item) + " has no '='";
  if (!is_token(item.key)) return item_name(item) + " does not begin with a header name";
  const std::string name(item.key);
  for (const char* own : kOwnHeaders) {
    if (strcasecmp(own, name.c_str()) == 0) {
      return "the header '" + name + "' is set by the exporter itself";
    }
  }
  if (!value) return "the value of '" + name + "' has a '%' without two hex digits (%25 is '%')";
  if (has_control_character(*value)) return "the value of '" + name + "' has a control character";
  return {};
}

}  // namespace

bool parse_headers(std::string_view text, KeyValues& headers, std::string& error) {
  headers.clear();
  error.clear();
  for_each_item(text, [&](const Item& item) {
    auto value = percent_decode(item.value);
    const std::string problem = header_problem(item, value);
    if (!problem.empty()) {
      if (error.empty()) error = problem;
      return;
    }
    const std::string name(item.key);
    const auto same = std::find_if(headers.begin(), headers.end(), [&name](const auto& header) {
      return strcasecmp(header.first.c_str(), name.c_str()) == 0;
    });
    if (same != headers.end()) {
      same->second = std::move(*value);
    } else {
      headers.emplace_back(name, std::move(*value));
    }
  });
  return error.empty();
}

bool parse_resource_attributes(std::string_view text, KeyValues& attributes, std::string& error) {
  attributes.clear();
  error.clear();
  const bool blank = for_each_item(text, [&](const Item& item) {
    auto key = percent_decode(item.key);
    auto value = percent_decode(item.value);
    if (!error.empty()) return;
    if (!item.has_equals) {
      error = item_name(item) + " has no '='";
    } else if (!key || !value) {
      error = item_name(item) + " has a '%' without two hex digits (%25 is '%')";
    } else if (key->empty()) {
      error = item_name(item) + " has no key";
    } else if (!is_utf8(*key) || !is_utf8(*value)) {
      error = item_name(item) + " is not UTF-8";
    } else {
      const auto same = std::find_if(attributes.begin(), attributes.end(),
                                     [&key](const auto& known) { return known.first == *key; });
      if (same != attributes.end()) {
        same->second = std::move(*value);
      } else {
        attributes.emplace_back(std::move(*key), std::move(*value));
      }
    }
  });
  if (blank && error.empty() && !trim(text).empty()) error = "an item is empty";
  if (!error.empty()) attributes.clear();
  return error.empty();
}

}  // namespace otprof::transport
