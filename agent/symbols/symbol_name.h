// SPDX-License-Identifier: Apache-2.0
//
// What a symbol-table entry is called for people. Every name is valid UTF-8 without control
// characters, and at most kMaxNameBytes long: a longer one ends in an ellipsis. Any thread.
//
//   raw                             system_name         name
//   malloc@@GLIBC_2.2.5             malloc              malloc
//   _ZN1A3fooEi.constprop.0.cold    (the same)          A::foo(int)
//   _ZN4core3fmt5write17h…E         (the same)          core::fmt::write
//   _RNvC6_123foo3bar               (the same)          (the same: Rust v0 is not demangled)
//
// Parts that the compiler split off a function or made of it (.cold, .part.N, .isra.N,
// .constprop.N, .lto_priv.N, .llvm.N, .localalias) carry the name of that function: a reader looks
// for the function in the source. The system name tells them apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace otprof::symbols {

// The most stack that demangling a name of that length takes: measured over 40,000 hostile names
// (the worst, nothing but pointers, takes 348 KiB for 1005 bytes), with a margin.
constexpr std::size_t demangle_stack_bytes(std::size_t name_bytes) {
  return 32768 + 400 * name_bytes;
}

struct SymbolName {
  std::string system_name;
  std::string name;
  bool cut = false;            // one of them was longer than kMaxNameBytes
  bool not_demangled = false;  // looks mangled, but is malformed or too long for the demangler
};

// `suffix` is put behind both names. A name that may need more than `stack_bytes` is not demangled.
SymbolName make_symbol_name(std::string_view raw, std::string_view suffix, std::size_t stack_bytes);

// Makes any text valid UTF-8 without control characters and at most kMaxNameBytes long. True when it
// had to be cut.
bool make_presentable(std::string& text);

}  // namespace otprof::symbols
