// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/plt.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "agent/symbols/symbol_table.h"

namespace otprof::symbols {
namespace {

constexpr std::size_t kRelocationsPerRead = 65536 / sizeof(Elf64_Rela);
constexpr std::uint64_t kEntryBytes = 16;

// One of them set, or none when the bytes are not a stub we know.
struct Stub {
  std::uint64_t got_slot = 0;
  std::optional<std::uint32_t> relocation;  // index into .rela.plt
};

#if defined(__x86_64__)

// x86-64 psABI 1.0, section 5.2 and 13.2:  [endbr64] [mov $n,%r11d] [bnd] jmp *slot(%rip)
// or, before the target is bound:         [endbr64] push $n; [bnd] jmp .plt
Stub decode(std::span<const std::uint8_t> code, std::uint64_t address) {
  static constexpr std::array<std::uint8_t, 4> kEndbr = {0xF3, 0x0F, 0x1E, 0xFA};
  static constexpr std::array<std::uint8_t, 2> kMovR11 = {0x41, 0xBB};
  static constexpr std::array<std::uint8_t, 1> kBnd = {0xF2};
  static constexpr std::array<std::uint8_t, 2> kJump = {0xFF, 0x25};
  static constexpr std::array<std::uint8_t, 1> kPush = {0x68};
  std::size_t at = 0;
  const auto take = [&](std::span<const std::uint8_t> bytes) {
    if (code.size() - at < bytes.size()) return false;
    if (!std::equal(bytes.begin(), bytes.end(), code.data() + at)) return false;
    at += bytes.size();
    return true;
  };
  const auto take_word = [&](auto& word) {
    if (code.size() - at < sizeof word) return false;
    std::memcpy(&word, code.data() + at, sizeof word);
    at += sizeof word;
    return true;
  };
  Stub stub;
  std::uint32_t number = 0;
  std::int32_t displacement = 0;
  take(kEndbr);
  if (take(kMovR11) && !take_word(number)) return stub;
  take(kBnd);
  if (take(kJump) && take_word(displacement)) {
    stub.got_slot = address + at + static_cast<std::uint64_t>(std::int64_t{displacement});
  } else if (take(kPush) && take_word(number)) {
    stub.relocation = number;
  }
  return stub;
}

constexpr std::uint32_t kIrelative = R_X86_64_IRELATIVE;

#else

Stub decode(std::span<const std::uint8_t>, std::uint64_t) { return {}; }
constexpr std::uint32_t kIrelative = 0;

#endif

void take_target(const Elf64_Rela& relocation, PltQuery& query) {
  query.symbol = static_cast<std::uint32_t>(ELF64_R_SYM(relocation.r_info));
  if (query.symbol == 0 && ELF64_R_TYPE(relocation.r_info) == kIrelative) {
    query.resolver = static_cast<std::uint64_t>(relocation.r_addend);
  }
}

struct Wanted {
  std::uint64_t got_slot;
  PltQuery* query;
};

// `wanted` ascending by slot.
void scan_relocations(const ElfFile& file, const Elf64_Shdr& table,
                      std::span<const Wanted> wanted) {
  if (table.sh_type != SHT_RELA || table.sh_entsize != sizeof(Elf64_Rela)) return;
  const std::uint64_t count = table.sh_size / sizeof(Elf64_Rela);
  std::vector<Elf64_Rela> part(std::min<std::uint64_t>(count, kRelocationsPerRead));
  for (std::uint64_t done = 0; done < count; done += part.size()) {
    part.resize(std::min<std::uint64_t>(part.size(), count - done));
    if (!file.source().read(table.sh_offset + done * sizeof(Elf64_Rela), part.data(),
                            part.size() * sizeof(Elf64_Rela))) {
      return;
    }
    for (const Elf64_Rela& relocation : part) {
      for (auto match =
               std::ranges::lower_bound(wanted, relocation.r_offset, {}, &Wanted::got_slot);
           match != wanted.end() && match->got_slot == relocation.r_offset; ++match) {
        take_target(relocation, *match->query);
      }
    }
  }
}

}  // namespace

bool is_plt_section(const ElfFile& file, const Elf64_Shdr& section) {
  const std::string_view name = file.section_name(section);
  return section.sh_type == SHT_PROGBITS && (name.starts_with(".plt") || name == ".iplt");
}

void find_plt_targets(const ElfFile& file, std::span<PltQuery> queries) {
  const Elf64_Shdr* const bound_lazily = file.section_named(".rela.plt");
  std::vector<Wanted> wanted;
  for (PltQuery& query : queries) {
    const Elf64_Shdr* const section = file.code_section(query.address);
    if (section == nullptr || !is_plt_section(file, *section)) continue;
    const std::uint64_t entry_bytes =
        section->sh_entsize == 8 || section->sh_entsize == 16 ? section->sh_entsize : kEntryBytes;
    const std::uint64_t offset = (query.address - section->sh_addr) / entry_bytes * entry_bytes;
    std::array<std::uint8_t, kEntryBytes> code;
    const std::size_t size = std::min<std::uint64_t>(entry_bytes, section->sh_size - offset);
    if (!file.source().read(section->sh_offset + offset, code.data(), size)) continue;
    query.start = section->sh_addr + offset;
    const Stub stub = decode({code.data(), size}, query.start);
    if (stub.got_slot != 0) wanted.push_back({stub.got_slot, &query});
    if (!stub.relocation || bound_lazily == nullptr) continue;
    Elf64_Rela relocation;
    if (*stub.relocation < bound_lazily->sh_size / sizeof relocation &&
        file.source().read(bound_lazily->sh_offset + *stub.relocation * sizeof relocation,
                           &relocation, sizeof relocation)) {
      take_target(relocation, query);
    }
  }
  std::ranges::sort(wanted, {}, &Wanted::got_slot);
  // Nearly all are in .rela.plt; .rela.dyn has hundreds of thousands of others in a large library.
  if (bound_lazily != nullptr) scan_relocations(file, *bound_lazily, wanted);
  std::erase_if(wanted,
                [](const Wanted& w) { return w.query->symbol != 0 || w.query->resolver != 0; });
  for (const Elf64_Shdr& table : file.sections()) {
    if (!wanted.empty() && table.sh_type == SHT_RELA && (table.sh_flags & SHF_ALLOC) != 0) {
      scan_relocations(file, table, wanted);
    }
  }
}

std::optional<std::string> dynamic_symbol_name(const ElfFile& file, std::uint32_t index) {
  const Elf64_Shdr* const table = file.section_of_type(SHT_DYNSYM);
  if (table == nullptr || table->sh_link >= file.sections().size()) return std::nullopt;
  const Elf64_Shdr& strings = file.sections()[table->sh_link];
  Elf64_Sym symbol;
  if (strings.sh_type != SHT_STRTAB || index >= table->sh_size / sizeof symbol ||
      !file.source().read(table->sh_offset + index * sizeof symbol, &symbol, sizeof symbol)) {
    return std::nullopt;
  }
  return file.string_at(strings, symbol.st_name, kMaxNameBytes + 1);
}

}  // namespace otprof::symbols
