// SPDX-License-Identifier: Apache-2.0
//
// Damages a small real library in thousands of ways and looks everything up in what is left. Run
// under AddressSanitizer and UndefinedBehaviorSanitizer (-Db_sanitize=address,undefined) it proves
// that no offset, size, link or index of a file is believed; without them, that nothing crashes or
// hangs. The seed is fixed: a failure can be repeated.
//   symbols_fuzz LIBRARY [MUTANTS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "agent/symbols/debug_file.h"
#include "agent/symbols/plt.h"
#include "agent/symbols/symbol_name.h"
#include "agent/symbols/symbol_table.h"
#include "test/fuzz/mutator.h"
#include "test/unit/symbols/elf_image.h"

namespace otprof::symbols::test {
namespace {

// How far the mutants got: a fuzzer whose inputs all die at the door proves nothing.
struct Reach {
  unsigned opened = 0;
  unsigned answered = 0;
  unsigned stubs = 0;
};

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "symbols_fuzz: %s\n", what);
  std::abort();
}

std::vector<AddressQuery> queries_over(const ElfFile& elf) {
  std::vector<std::uint64_t> addresses = {0, 1, UINT64_MAX};
  for (const Elf64_Shdr& section : elf.sections()) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0) continue;
    const std::uint64_t step = std::max<std::uint64_t>(section.sh_size / 64, 1);
    for (std::uint64_t i = 0; i < 64; ++i) addresses.push_back(section.sh_addr + i * step);
  }
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::vector<AddressQuery> queries;
  queries.reserve(addresses.size());
  for (const std::uint64_t address : addresses) queries.push_back({address, {}});
  return queries;
}

void check_name(const NamedStart& found, Reach& reach) {
  ++reach.answered;
  require(!found.name.empty() && found.name.size() <= kMaxNameBytes + 1, "length of a raw name");
  const SymbolName name = make_symbol_name(found.name, "@plt", demangle_stack_bytes(kMaxNameBytes));
  require(name.name.size() <= kMaxNameBytes, "length of a name");
  require(name.system_name.size() <= kMaxNameBytes, "length of a system name");
}

void look_up_everything(const std::string& bytes, Reach& reach) {
  const BytesSource source(bytes);
  const auto elf = ElfFile::open(source);
  if (!elf) return;
  ++reach.opened;
  Module module;
  module.path = "/usr/lib/library.so";
  module.build_id = elf->build_id();
  require(module.build_id.size() <= 128, "length of a build id");
  for (const std::string& path : debug_file_paths(module, &*elf, "/debug")) {
    require(path.find("/../") == std::string::npos, "a debug link that leads elsewhere");
  }
  std::vector<AddressQuery> queries = queries_over(*elf);
  for (const Elf64_Shdr& section : elf->sections()) {
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) continue;
    for (AddressQuery& query : queries) query.found.reset();
    find_symbols(*elf, section, queries);
    for (const AddressQuery& query : queries) {
      if (query.found) check_name(*query.found, reach);
    }
  }
  std::vector<PltQuery> stubs;
  for (const AddressQuery& query : queries) stubs.emplace_back().address = query.address;
  find_plt_targets(*elf, stubs);
  for (const PltQuery& stub : stubs) {
    if (stub.symbol == 0) continue;
    ++reach.stubs;
    dynamic_symbol_name(*elf, stub.symbol);
  }
}

// Damage is aimed at what is interpreted: headers, tables, and the sections they lead to.
bool is_interpreted(const ElfFile& elf, const Elf64_Shdr& section) {
  const std::string_view name = elf.section_name(section);
  return section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM ||
         section.sh_type == SHT_STRTAB || section.sh_type == SHT_RELA ||
         section.sh_type == SHT_NOTE || name.starts_with(".plt") || name == ".gnu_debuglink";
}

int run(const char* path, unsigned mutants) {
  std::ifstream file(path, std::ios::binary);
  const std::string original((std::istreambuf_iterator<char>(file)), {});
  Reach reach;
  look_up_everything(original, reach);
  require(reach.answered > 0 && reach.stubs > 0, "the library answers nothing to begin with");
  Mutator mutator(original, is_interpreted, true);
  for (unsigned i = 0; i < mutants; ++i) look_up_everything(mutator.next(), reach);
  std::printf("%u mutants: %u opened, %u names, %u stubs\n", mutants, reach.opened, reach.answered,
              reach.stubs);
  require(reach.opened > mutants / 4, "too few mutants got past the headers");
  return 0;
}

}  // namespace
}  // namespace otprof::symbols::test

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: symbols_fuzz LIBRARY [MUTANTS]\n");
    return 2;
  }
  const unsigned mutants = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 20000;
  return otprof::symbols::test::run(argv[1], mutants);
}
