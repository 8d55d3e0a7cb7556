// SPDX-License-Identifier: Apache-2.0
#include "agent/dynamic_symbols.h"

#include <elf.h>

#include <array>
#include <string>

namespace otprof::agent {
namespace {

// More entries than any module has: what says more is not what it claims to be.
constexpr std::uint32_t kMostEntries = 1U << 22U;
constexpr std::size_t kMostDynamic = 1024;

template <typename T>
std::optional<T> read(const symbols::ProcessMemory& memory, std::uintptr_t address) {
  T value;
  return memory.read(address, &value, sizeof value) ? std::optional(value) : std::nullopt;
}

std::uint32_t gnu_hash(std::string_view name) {
  std::uint32_t hash = 5381;
  for (const char c : name) {
    hash = hash * 33 + static_cast<unsigned char>(c);
  }
  return hash;
}

std::uint32_t sysv_hash(std::string_view name) {
  std::uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4U) + static_cast<unsigned char>(c);
    hash ^= hash >> 24U & 0xf0U;
    hash &= 0x0fffffffU;
  }
  return hash;
}

}  // namespace

DynamicSymbols::DynamicSymbols(const symbols::ProcessMemory& memory, const LoadedModule& module)
    : memory_(memory) {
  std::uintptr_t dynamic = 0;
  std::size_t entries = 0;
  for (std::uint16_t i = 0; i < module.program_header_count; ++i) {
    const auto header = read<Elf64_Phdr>(memory, module.program_headers + i * sizeof(Elf64_Phdr));
    if (header && header->p_type == PT_DYNAMIC) {
      dynamic = module.bias + header->p_vaddr;
      entries = header->p_memsz / sizeof(Elf64_Dyn);
    }
  }
  for (std::size_t i = 0; i < entries && i < kMostDynamic; ++i) {
    const auto entry = read<Elf64_Dyn>(memory, dynamic + i * sizeof(Elf64_Dyn));
    if (!entry || entry->d_tag == DT_NULL) {
      break;
    }
    // glibc has made addresses of these where the dynamic segment is writable.
    const std::uintptr_t value = entry->d_un.d_ptr;
    const std::uintptr_t address = value < module.bias ? value + module.bias : value;
    switch (entry->d_tag) {
      case DT_SYMTAB: symbols_ = address; break;
      case DT_STRTAB: strings_ = address; break;
      case DT_GNU_HASH: gnu_hash_ = address; break;
      case DT_HASH: sysv_hash_ = address; break;
      case DT_SYMBOLIC: is_symbolic_ = true; break;
      case DT_FLAGS: is_symbolic_ = is_symbolic_ || (value & DF_SYMBOLIC) != 0; break;
      default: break;
    }
  }
}

bool DynamicSymbols::has_name(std::uint32_t index, std::string_view name) const {
  const auto symbol = read<Elf64_Sym>(memory_, symbols_ + index * sizeof(Elf64_Sym));
  std::string found(name.size() + 1, 'x');
  return symbol && symbol->st_shndx != SHN_UNDEF &&
         memory_.read(strings_ + symbol->st_name, found.data(), found.size()) &&
         found.back() == '\0' && found.compare(0, name.size(), name) == 0;
}

// Layout: buckets, first symbol, words of the Bloom filter, its shift; filter; buckets; chains.
std::optional<std::uint32_t> DynamicSymbols::find_gnu(std::string_view name) const {
  const auto header = read<std::array<std::uint32_t, 4>>(memory_, gnu_hash_);
  if (!header || (*header)[0] == 0 || (*header)[0] > kMostEntries || (*header)[2] == 0 ||
      (*header)[2] > kMostEntries) {
    return std::nullopt;
  }
  const auto [buckets, first, words, shift] = *header;
  const std::uint32_t hash = gnu_hash(name);
  const std::uintptr_t filter = gnu_hash_ + sizeof *header;
  const auto word =
      read<std::uint64_t>(memory_, filter + hash / 64 % words * sizeof(std::uint64_t));
  const std::uint64_t wanted = std::uint64_t{1} << hash % 64 | std::uint64_t{1}
                                                                   << (hash >> shift % 32) % 64;
  if (!word || (*word & wanted) != wanted) {
    return std::nullopt;
  }
  const std::uintptr_t bucket_table = filter + words * sizeof(std::uint64_t);
  const std::uintptr_t chains = bucket_table + buckets * sizeof(std::uint32_t);
  auto index = read<std::uint32_t>(memory_, bucket_table + hash % buckets * sizeof(std::uint32_t));
  if (!index || *index < first) {
    return std::nullopt;
  }
  for (std::uint32_t i = *index; i < kMostEntries; ++i) {
    const auto chain = read<std::uint32_t>(memory_, chains + (i - first) * sizeof(std::uint32_t));
    if (!chain) {
      break;
    }
    if ((*chain | 1U) == (hash | 1U) && has_name(i, name)) {
      return i;
    }
    if ((*chain & 1U) != 0) {
      break;
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> DynamicSymbols::find_sysv(std::string_view name) const {
  const auto header = read<std::array<std::uint32_t, 2>>(memory_, sysv_hash_);
  if (!header || (*header)[0] == 0 || (*header)[0] > kMostEntries || (*header)[1] > kMostEntries) {
    return std::nullopt;
  }
  const auto [buckets, chains] = *header;
  const std::uintptr_t table = sysv_hash_ + sizeof *header;
  auto index =
      read<std::uint32_t>(memory_, table + sysv_hash(name) % buckets * sizeof(std::uint32_t));
  for (std::uint32_t steps = 0; index && *index != 0 && *index < chains && steps < chains;
       ++steps) {
    if (has_name(*index, name)) {
      return *index;
    }
    index = read<std::uint32_t>(memory_, table + (buckets + *index) * sizeof(std::uint32_t));
  }
  return std::nullopt;
}

std::optional<DynamicSymbols::Symbol> DynamicSymbols::find(std::string_view name) const {
  if (symbols_ == 0 || strings_ == 0) {
    return std::nullopt;
  }
  std::optional<std::uint32_t> index;
  if (gnu_hash_ != 0) {
    index = find_gnu(name);
  } else if (sysv_hash_ != 0) {
    index = find_sysv(name);
  }
  const auto symbol =
      index ? read<Elf64_Sym>(memory_, symbols_ + *index * sizeof(Elf64_Sym)) : std::nullopt;
  if (!symbol) {
    return std::nullopt;
  }
  return Symbol{
      .value = symbol->st_value,
      .is_thread_local = ELF64_ST_TYPE(symbol->st_info) == STT_TLS,
      .is_bound_here = is_symbolic_ || ELF64_ST_VISIBILITY(symbol->st_other) == STV_PROTECTED};
}

}  // namespace otprof::agent
