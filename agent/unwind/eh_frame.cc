// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/eh_frame.h"

#include "agent/unwind/registers.h"

namespace otprof::unwind {
namespace {

constexpr std::uint32_t kExtendedLength = 0xffffffff;

struct CommonInformation {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint8_t pointer_encoding = kPointerAbsolute;
  bool has_augmentation_data = false;
  bool signal_frame = false;
  Bytes initial_program;
};

// The body of the entry (CIE or FDE) at `address`: all that follows its length field.
bool entry_body(Bytes section, std::uintptr_t address, ByteReader& body) noexcept {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(section.data());
  if (address < begin || address - begin >= section.size()) return false;
  ByteReader reader(section.subspan(address - begin));
  std::uint64_t length = reader.u32();
  if (length == kExtendedLength) length = reader.u64();
  if (length == 0) return false;  // the section's terminator
  const Bytes bytes = reader.take(length);
  body = ByteReader(bytes);
  return reader.ok();
}

// Applies the letters after 'z'. An unknown letter ends the reading: what follows it has an unknown
// place, but none of the known ones changes how rules are computed except 'R' and 'S', which every
// toolchain puts before any letter of its own invention.
void read_augmentation(Bytes letters, ByteReader data, CommonInformation& cie) noexcept {
  for (const std::uint8_t letter : letters) {
    switch (letter) {
      case 'R': cie.pointer_encoding = data.u8(); break;
      case 'P': {
        const std::uint8_t encoding = data.u8();
        data.pointer_value(encoding);
        break;
      }
      case 'L': data.u8(); break;
      case 'S': cie.signal_frame = true; break;
      case 'B': break;
      default: return;
    }
  }
}

bool parse_common_information(ByteReader body, CommonInformation& cie) noexcept {
  const std::uint32_t id = body.u32();
  const std::uint8_t version = body.u8();
  if (id != 0 || (version != 1 && version != 3 && version != 4)) return false;
  const std::uint8_t* const augmentation = body.position();
  while (body.ok() && body.u8() != 0) {
  }
  if (!body.ok()) return false;
  const Bytes letters(augmentation, static_cast<std::size_t>(body.position() - augmentation - 1));
  if (version == 4) {
    const std::uint8_t address_size = body.u8();
    const std::uint8_t segment_size = body.u8();
    if (address_size != 8 || segment_size != 0) return false;
  }
  cie.code_alignment = body.uleb();
  cie.data_alignment = body.sleb();
  const std::uint64_t return_column = version == 1 ? body.u8() : body.uleb();
  if (!body.ok() || return_column != kRip) return false;
  if (!letters.empty()) {
    if (letters.front() != 'z') return false;
    cie.has_augmentation_data = true;
    const Bytes data = body.take(body.uleb());
    read_augmentation(letters.subspan(1), ByteReader(data), cie);
  }
  cie.initial_program = body.rest();
  return body.ok();
}

}  // namespace

Lookup parse_frame_description(Bytes section, std::uintptr_t fde, std::uint64_t pc,
                               FrameDescription& description) noexcept {
  ByteReader body{Bytes{}};
  if (!entry_body(section, fde, body)) return Lookup::kMalformed;
  const std::uint64_t cie_pointer_address = reinterpret_cast<std::uintptr_t>(body.position());
  const std::uint32_t cie_distance = body.u32();
  if (!body.ok() || cie_distance == 0) return Lookup::kMalformed;

  ByteReader cie_body{Bytes{}};
  CommonInformation cie;
  if (!entry_body(section, cie_pointer_address - cie_distance, cie_body) ||
      !parse_common_information(cie_body, cie)) {
    return Lookup::kMalformed;
  }

  // No datarel base: .eh_frame's pointers are pcrel or absolute on every x86-64 toolchain.
  description.pc_begin = body.pointer(cie.pointer_encoding, 0);
  description.pc_range = body.pointer_value(cie.pointer_encoding & kPointerFormatMask);
  if (cie.has_augmentation_data) body.take(body.uleb());
  if (!body.ok()) return Lookup::kMalformed;
  if (pc - description.pc_begin >= description.pc_range) return Lookup::kNothing;
  description.code_alignment = cie.code_alignment;
  description.data_alignment = cie.data_alignment;
  description.signal_frame = cie.signal_frame;
  description.section = section;
  description.initial_program = cie.initial_program;
  description.program = body.rest();
  return Lookup::kFound;
}

}  // namespace otprof::unwind
