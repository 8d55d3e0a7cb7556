// SPDX-License-Identifier: Apache-2.0
//
// GNU build ids out of ELF notes (NT_GNU_BUILD_ID, gABI chapter "Note Section"). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace otprof::symbols {

// No note segment of a real file comes near this; more is not read.
inline constexpr std::size_t kMaxNoteBytes = 65536;

// The first build id among the notes, as lower-case hex (2 to 128 digits); empty if there is none
// or the notes are malformed. `alignment` is p_align or sh_addralign: 8 means 8, all else 4.
std::string find_build_id(std::span<const std::byte> notes, std::uint64_t alignment);

}  // namespace otprof::symbols
