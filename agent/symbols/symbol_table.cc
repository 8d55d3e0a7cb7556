// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbol_table.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

namespace otprof::symbols {
namespace {

constexpr std::size_t kSymbolsPerRead = 65536 / sizeof(Elf64_Sym);

struct Candidate {
  std::uint64_t start = 0;
  std::uint32_t name_offset = 0;
  unsigned char info = 0;
  bool set = false;
  bool name_read = false;
  NameCandidate name;

  unsigned char type() const { return ELF64_ST_TYPE(info); }
};

// What a pass learns about one address.
struct Slot {
  Candidate covering;
  Candidate label;            // greatest start <= address among symbols without size
  std::uint64_t barrier = 0;  // greatest end <= address among symbols with size
};

bool is_function(unsigned char type) { return type == STT_FUNC || type == STT_GNU_IFUNC; }

// Local untyped symbols of these machines mark code and data ($x, $d), they name nothing.
bool has_mapping_symbols() { return kMachine != EM_X86_64; }

class Pass {
 public:
  Pass(const ElfFile& file, const Elf64_Shdr& strings, bool believe_labels,
       std::span<AddressQuery> queries)
      : file_(file), strings_(strings), believe_labels_(believe_labels) {
    for (AddressQuery& query : queries) {
      if (!query.found) queries_.push_back(&query);
    }
    slots_.resize(queries_.size());
    // A sane table needs a few steps per address and alias. More means ranges or aliases made up
    // to keep us busy.
    steps_left_ = 65536 + 256 * static_cast<std::uint64_t>(queries_.size());
    names_left_ = 4096 + 64 * static_cast<std::uint64_t>(queries_.size());
  }

  bool needed() const { return !queries_.empty(); }

  // False when the table asks for more work than any sane one.
  bool add(const Elf64_Sym& symbol) {
    const unsigned char type = ELF64_ST_TYPE(symbol.st_info);
    if (!is_function(type) && type != STT_NOTYPE) return true;
    if (type == STT_NOTYPE && has_mapping_symbols() && ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) {
      return true;
    }
    if (symbol.st_value > queries_.back()->address) return true;
    if (symbol.st_shndx == SHN_UNDEF ||
        (symbol.st_shndx >= SHN_LORESERVE && symbol.st_shndx != SHN_XINDEX)) {
      return true;
    }
    // By address: the section index of a symbol is stale after `objcopy --remove-section`.
    const Elf64_Shdr* const section = file_.code_section(symbol.st_value);
    if (section == nullptr) return true;
    const std::uint64_t room = section->sh_size - (symbol.st_value - section->sh_addr);
    if (symbol.st_size == 0) {
      if (believe_labels_) add_label(symbol, symbol.st_value + room);
      return true;
    }
    return add_sized(symbol, symbol.st_value + std::min(symbol.st_size, room));
  }

  void answer() {
    const Candidate* label = nullptr;
    std::uint64_t barrier = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      if (slot.label.set) label = &slot.label;
      barrier = std::max(barrier, slot.barrier);
      if (slot.covering.set) {
        take(slot.covering, *queries_[i]);
      } else if (label != nullptr && label->start >= barrier &&
                 file_.code_section(label->start) == file_.code_section(queries_[i]->address)) {
        Candidate copy = *label;
        take(copy, *queries_[i]);
      }
    }
  }

 private:
  std::size_t first_at_or_after(std::uint64_t address) const {
    const auto found = std::ranges::lower_bound(
        queries_, address, {}, [](const AddressQuery* query) { return query->address; });
    return static_cast<std::size_t>(found - queries_.begin());
  }

  void add_label(const Elf64_Sym& symbol, std::uint64_t section_end) {
    const std::size_t i = first_at_or_after(symbol.st_value);
    if (i == slots_.size() || queries_[i]->address >= section_end) return;
    Candidate& label = slots_[i].label;
    if (label.set && label.start > symbol.st_value) return;
    if (label.set && label.start == symbol.st_value) {
      replace_if_better(label, symbol);
    } else {
      label = candidate(symbol);
    }
  }

  bool add_sized(const Elf64_Sym& symbol, std::uint64_t end) {
    std::size_t i = first_at_or_after(symbol.st_value);
    for (; i < queries_.size() && queries_[i]->address < end; ++i) {
      if (steps_left_-- == 0) return false;
      Candidate& best = slots_[i].covering;
      const auto rank = [](bool function, std::uint64_t start) {
        return std::tuple(function, start);
      };
      const auto mine = rank(is_function(ELF64_ST_TYPE(symbol.st_info)), symbol.st_value);
      const auto theirs = rank(is_function(best.type()), best.start);
      if (!best.set || mine > theirs) {
        best = candidate(symbol);
      } else if (mine == theirs) {
        replace_if_better(best, symbol);
      }
    }
    if (i < queries_.size()) slots_[i].barrier = std::max(slots_[i].barrier, end);
    return true;
  }

  static Candidate candidate(const Elf64_Sym& symbol) {
    Candidate result;
    result.start = symbol.st_value;
    result.name_offset = symbol.st_name;
    result.info = symbol.st_info;
    result.set = true;
    return result;
  }

  bool read_name(Candidate& candidate) {
    if (candidate.name_read) return true;
    if (names_left_ == 0) return false;
    --names_left_;
    candidate.name_read = true;
    candidate.name.binding = ELF64_ST_BIND(candidate.info);
    if (auto name = file_.string_at(strings_, candidate.name_offset, kMaxNameBytes + 1)) {
      candidate.name.name = std::move(*name);
    }
    return true;
  }

  void replace_if_better(Candidate& best, const Elf64_Sym& symbol) {
    Candidate other = candidate(symbol);
    if (!read_name(best) || !read_name(other)) return;
    if (better_name(other.name, best.name)) best = std::move(other);
  }

  void take(Candidate& candidate, AddressQuery& query) {
    // The names that answer are one for each address: within any limit.
    if (!candidate.name_read) names_left_ = std::max<std::uint64_t>(names_left_, 1);
    read_name(candidate);
    const std::string& name = candidate.name.name;
    if (name.empty()) return;
    // Notes of assemblers and annotation tools (.annobin_…, .L…), not functions.
    if (candidate.type() == STT_NOTYPE && name.front() == '.') return;
    query.found = NamedStart{name, candidate.start};
  }

  const ElfFile& file_;
  const Elf64_Shdr& strings_;
  bool believe_labels_;
  std::vector<AddressQuery*> queries_;
  std::vector<Slot> slots_;
  std::uint64_t steps_left_;
  std::uint64_t names_left_;
};

struct NameRank {
  bool hidden_version;
  std::size_t underscores;
  std::size_t size;
  explicit NameRank(std::string_view name) {
    const std::size_t at = name.find('@');
    hidden_version = at != std::string_view::npos && name.substr(at + 1, 1) != "@";
    size = std::min(at, name.size());
    underscores = std::min(name.find_first_not_of('_'), name.size());
  }
};

}  // namespace

bool better_name(const NameCandidate& a, const NameCandidate& b) {
  const auto order = [](const NameCandidate& c) {
    const NameRank rank(c.name);
    // Ascending: the smaller is the better.
    return std::tuple(c.name.empty(), c.binding == STB_LOCAL, c.name.starts_with('.'),
                      rank.underscores, c.binding != STB_GLOBAL, rank.hidden_version, rank.size,
                      std::string_view(c.name));
  };
  return order(a) < order(b);
}

bool find_symbols(const ElfFile& file, const Elf64_Shdr& table, std::span<AddressQuery> queries) {
  if (table.sh_entsize != sizeof(Elf64_Sym) || table.sh_link >= file.sections().size()) {
    return false;
  }
  const Elf64_Shdr& strings = file.sections()[table.sh_link];
  if (strings.sh_type != SHT_STRTAB) return false;
  Pass pass(file, strings, table.sh_type == SHT_SYMTAB, queries);
  if (!pass.needed()) return true;
  const std::uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  std::vector<Elf64_Sym> symbols(std::min<std::uint64_t>(count, kSymbolsPerRead));
  bool sane = true;
  for (std::uint64_t done = 0; done < count && sane;) {
    const std::size_t part = std::min<std::uint64_t>(symbols.size(), count - done);
    if (!file.source().read(table.sh_offset + done * sizeof(Elf64_Sym), symbols.data(),
                            part * sizeof(Elf64_Sym))) {
      sane = false;
      break;
    }
    for (std::size_t i = 0; i < part && sane; ++i) sane = pass.add(symbols[i]);
    done += part;
  }
  pass.answer();
  return sane;
}

}  // namespace otprof::symbols
