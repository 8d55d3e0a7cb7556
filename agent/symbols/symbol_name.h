// SPDX-License-Identifier: Apache-2.0
//
// What a symbol-table entry is called for people. Every name is valid UTF-8 without control
// characters, and at most kMaxNameBytes long: a longer one ends in an ellipsis. Any thread that has
// kDemangleStackBytes of stack left.
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

// The most stack that demangling takes, measured over hostile names, with a margin.
inline constexpr std::size_t kDemangleStackBytes = 512 * 1024;

struct SymbolName {
  std::string system_name;
  std::string name;
  bool cut = false;           // one of them was longer than kMaxNameBytes
  bool not_demangled = false; // looks mangled, but is malformed or too long for the demangler
};

SymbolName make_symbol_name(std::string_view raw, std::string_view suffix = {});

}  // namespace otprof::symbols
