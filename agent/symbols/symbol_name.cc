// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbol_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csetjmp>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/symbols/symbol_table.h"

// The demangler behind abi::__cxa_demangle, in static libstdc++ (gcc/libiberty/cp-demangle.h). It
// hands out the text in pieces where __cxa_demangle collects it in memory: 100 bytes of hostile
// name can stand for gigabytes of text. Refuses names of more than 1024 bytes. Returns 0
// when it has handed out a text, -2 when the name is malformed.
extern "C" int __gcclibcxx_demangle_callback(const char* mangled,
                                             void (*callback)(const char*, std::size_t, void*),
                                             void* data);

namespace otprof::symbols {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_version(std::string_view name) {
  return name.substr(0, std::min(name.find('@', 1), name.size()));
}

// Takes one ".word" or ".word.N" off the end.
bool drop_clone_suffix(std::string_view& name) {
  static constexpr std::string_view kWords[] = {".cold",     ".part", ".isra",      ".constprop",
                                                ".lto_priv", ".llvm", ".localalias"};
  std::string_view head = name;
  const std::size_t dot = head.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view number = head.substr(dot + 1);
  if (!number.empty() && std::ranges::all_of(number, is_digit)) head = head.substr(0, dot);
  for (const std::string_view word : kWords) {
    if (head.size() <= word.size() || !head.ends_with(word)) continue;
    name = head.substr(0, head.size() - word.size());
    return true;
  }
  return false;
}

struct Output {
  std::array<char, kMaxNameBytes + 1> text;
  std::size_t size = 0;
  std::jmp_buf stop;
};

// Once the text is as long as we want it, the demangler is left for good. It holds nothing but its
// own stack.
void append(const char* text, std::size_t size, void* data) {
  auto& out = *static_cast<Output*>(data);
  const std::size_t part = std::min(size, out.text.size() - out.size);
  std::memcpy(out.text.data() + out.size, text, part);
  out.size += part;
  if (out.size == out.text.size()) std::longjmp(out.stop, 1);
}

std::optional<std::string> demangle_cxx(const std::string& mangled) {
  Output out;
  if (setjmp(out.stop) == 0 && __gcclibcxx_demangle_callback(mangled.c_str(), append, &out) != 0) {
    return std::nullopt;
  }
  return std::string(out.text.data(), out.size);
}

// Rust's legacy scheme is C++'s with a hash as the last component: 17h<16 hex digits>E.
bool is_rust_legacy(std::string_view mangled) {
  constexpr std::size_t kHash = 20;
  if (!mangled.starts_with("_ZN") || mangled.size() <= kHash + 3) return false;
  const std::string_view hash = mangled.substr(mangled.size() - kHash);
  return hash.starts_with("17h") && hash.ends_with('E') &&
         std::ranges::all_of(hash.substr(3, 16),
                             [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

void append_utf8(std::uint32_t code, std::string& to) {
  const auto byte = [&](std::uint32_t value) { to += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// rustc writes what an identifier may not hold as $NAME$ or $u<hex>$, `::` in a path as `..`
// (rustc_symbol_mangling, legacy.rs, sanitize()).
std::string rust_text(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEscapes[] = {
      {"SP", '@'}, {"BP", '*'}, {"RF", '&'}, {"LT", '<'},
      {"GT", '>'}, {"LP", '('}, {"RP", ')'}, {"C", ','}};
  constexpr std::size_t kHash = 19;  // "::h" and 16 digits; absent when the text was cut
  if (text.size() > kHash && text.substr(text.size() - kHash).starts_with("::h")) {
    text.remove_suffix(kHash);
  }
  std::string plain;
  while (!text.empty()) {
    if (text.starts_with("..")) {
      plain += "::";
      text.remove_prefix(2);
      continue;
    }
    // An identifier may not begin with '$': the underscore before it is rustc's.
    const bool at_start = plain.empty() || plain.ends_with("::");
    if (at_start && text.starts_with("_$")) text.remove_prefix(1);
    const std::size_t end = text.front() == '$' ? text.find('$', 1) : std::string_view::npos;
    if (end != std::string_view::npos) {
      const std::string_view escape = text.substr(1, end - 1);
      const auto known = std::ranges::find(kEscapes, escape, [](const auto& e) { return e.first; });
      std::uint32_t code = 0;
      if (known != std::end(kEscapes)) {
        plain += known->second;
        text.remove_prefix(end + 1);
        continue;
      }
      const char* const last = escape.data() + escape.size();
      if (escape.starts_with('u') && escape.size() <= 7 &&
          std::from_chars(escape.data() + 1, last, code, 16).ptr == last && escape.size() > 1 &&
          code < 0x110000) {
        append_utf8(code, plain);
        text.remove_prefix(end + 1);
        continue;
      }
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

// Length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7), 0 if there is
// none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
  const unsigned lead = at(0);
  const unsigned second = at(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool sane =
        second >= (lead == 0xE0 ? 0xA0U : 0x80U) && second <= (lead == 0xED ? 0x9FU : 0xBFU);
    return sane && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool sane =
        second >= (lead == 0xF0 ? 0x90U : 0x80U) && second <= (lead == 0xF4 ? 0x8FU : 0xBFU);
    return sane && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

// Exporters put names into protobuf strings: one byte of garbage would void a whole request.
bool make_presentable(std::string& text) {
  std::string clean;
  std::size_t fits = 0;  // what may stay when an ellipsis follows
  std::string_view rest = text;
  while (!rest.empty() && clean.size() <= kMaxNameBytes) {
    std::size_t length = utf8_length(rest);
    const auto first = static_cast<unsigned char>(rest.front());
    if (length == 0 || first < 0x20 || first == 0x7F) {
      clean += '?';
      length = 1;
    } else {
      clean += rest.substr(0, length);
    }
    rest.remove_prefix(length);
    if (clean.size() <= kMaxNameBytes - kEllipsis.size()) fits = clean.size();
  }
  const bool cut = clean.size() > kMaxNameBytes;
  if (cut) {
    clean.resize(fits);
    clean += kEllipsis;
  }
  text = std::move(clean);
  return cut;
}

SymbolName make_symbol_name(std::string_view raw, std::string_view suffix,
                            std::size_t stack_bytes) {
  SymbolName result;
  const std::string_view system = without_version(raw);
  result.system_name = system;
  std::string_view whole = system;
  while (drop_clone_suffix(whole)) {
  }
  result.name = whole;
  if (whole.starts_with("_Z")) {
    std::optional<std::string> text;
    if (demangle_stack_bytes(whole.size()) <= stack_bytes) text = demangle_cxx(result.name);
    if (text && is_rust_legacy(whole)) text = rust_text(*text);
    result.not_demangled = !text;
    if (text) {
      // The demangler's word for a suffix that is not in our list.
      result.name = text->substr(0, std::min(text->find(" [clone ."), text->size()));
    }
  }
  result.system_name += suffix;
  result.name += suffix;
  result.cut = make_presentable(result.system_name);
  result.cut |= make_presentable(result.name);
  return result;
}

}  // namespace otprof::symbols
