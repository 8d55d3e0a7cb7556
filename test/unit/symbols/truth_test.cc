// SPDX-License-Identifier: Apache-2.0
//
// Our names against those of binutils, for every function of real files.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "test/unit/symbols/module_of_file.h"
#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

struct NmSymbol {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::string name;
};

// Functions that have a size.
std::vector<NmSymbol> nm(const std::string& options, const std::string& path) {
  std::vector<NmSymbol> symbols;
  std::istringstream lines(run("nm -S --defined-only " + options + " " + path + " 2>/dev/null"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    NmSymbol symbol;
    char type = 0;
    fields >> std::hex >> symbol.start >> symbol.size >> type >> symbol.name;
    if (!fields || std::string_view("tTwWi").find(type) == std::string_view::npos) continue;
    symbol.name = symbol.name.substr(0, symbol.name.find('@'));
    if (symbol.size > 0) symbols.push_back(symbol);
  }
  std::ranges::sort(symbols, {}, &NmSymbol::start);
  return symbols;
}

struct Agreement {
  std::size_t asked = 0;
  std::size_t agreed = 0;
  std::string first_difference;
  double share() const { return static_cast<double>(agreed) / static_cast<double>(asked); }
};

std::vector<Query> queries_for(const Module& module, const std::vector<NmSymbol>& symbols) {
  std::set<std::uint64_t> addresses;
  for (const NmSymbol& symbol : symbols) {
    for (const std::uint64_t offset : {std::uint64_t{0}, symbol.size / 2, symbol.size - 1}) {
      addresses.insert(symbol.start + offset);
    }
  }
  std::vector<Query> queries;
  queries.reserve(addresses.size());
  for (const std::uint64_t address : addresses) {
    queries.push_back({&module, module.bias + address, {}});
  }
  return queries;
}

// Asks in windows of 5,000 addresses: all of them would be more than the cache may hold.
template <typename Check>
void resolve_all(Symbolizer& symbolizer, std::span<Query> queries, Check check) {
  while (!queries.empty()) {
    const auto window = queries.first(std::min<std::size_t>(queries.size(), 5000));
    symbolizer.resolve(window);
    for (const Query& query : window) check(query);
    queries = queries.subspan(window.size());
  }
}

// Right is any name of the symbol that covers the address and starts last.
Agreement compare_with_nm(const Module& module, const std::vector<NmSymbol>& symbols,
                          const std::string& debug_root) {
  Agreement result;
  Symbolizer symbolizer(debug_root);
  std::vector<Query> queries = queries_for(module, symbols);
  std::uint64_t longest = 0;
  for (const NmSymbol& symbol : symbols) longest = std::max(longest, symbol.size);
  resolve_all(symbolizer, queries, [&](const Query& query) {
    const std::uint64_t address = query.address - module.bias;
    auto symbol = std::ranges::upper_bound(symbols, address, {}, &NmSymbol::start);
    std::uint64_t start = 0;
    std::set<std::string> names;
    while (symbol != symbols.begin()) {
      --symbol;
      if (address - symbol->start > longest || (!names.empty() && symbol->start < start)) break;
      if (address - symbol->start >= symbol->size) continue;
      start = symbol->start;
      names.insert(symbol->name);
    }
    ++result.asked;
    if (names.contains(std::string(query.symbol.system_name))) {
      ++result.agreed;
    } else if (result.first_difference.empty()) {
      std::ostringstream text;
      text << std::hex << address << ' ' << (names.empty() ? "?" : *names.begin()) << " ours "
           << query.symbol.system_name;
      result.first_difference = text.str();
    }
  });
  return result;
}

// A copy with another build id, so that nobody finds a debug file for it.
void copy_as_other_build(const std::string& from, const std::string& to) {
  std::string contents = read_whole_file(from);
  const std::string id = module_of_file(from).build_id;
  std::string bytes;
  for (std::size_t i = 0; i + 1 < id.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(id.substr(i, 2), nullptr, 16));
  }
  const std::size_t at = contents.find(bytes);
  REQUIRE(at != std::string::npos);
  contents.replace(at, bytes.size(), bytes.size(), 'x');
  write_file(to, contents);
}

// addr2line chooses among the names of one address by its own rule: right is any with that start.
Agreement compare_with_addr2line(const std::string& path, const std::string& nm_options) {
  const TempDir dir;
  // Without line tables it answers from the symbol table, as we do.
  const std::string plain = dir / "plain";
  run("objcopy --strip-debug " + path + " " + (dir / "stripped"));
  copy_as_other_build(dir / "stripped", plain);
  const Module module = module_of_file(plain);
  const std::vector<NmSymbol> symbols = nm(nm_options, plain);
  std::map<std::uint64_t, std::set<std::string>> names;
  for (const NmSymbol& symbol : symbols) names[symbol.start].insert(symbol.name);
  std::vector<Query> queries = queries_for(module, symbols);
  std::ostringstream addresses;
  for (const Query& query : queries) {
    addresses << std::hex << query.address - module.bias << '\n';
  }
  write_file(dir / "addresses", addresses.str());
  std::istringstream answers(run("addr2line -f -e " + plain + " < " + (dir / "addresses")));
  Agreement result;
  Symbolizer symbolizer("/none");
  resolve_all(symbolizer, queries, [&](const Query& query) {
    std::string name;
    std::string place;
    std::getline(answers, name);
    std::getline(answers, place);
    name = name.substr(0, name.find('@'));
    ++result.asked;
    if (name == query.symbol.system_name ||
        names[query.symbol.start - module.bias].contains(name)) {
      ++result.agreed;
    } else if (result.first_difference.empty()) {
      std::ostringstream text;
      text << std::hex << query.address - module.bias << ' ' << name << " ours "
           << query.symbol.system_name;
      result.first_difference = text.str();
    }
  });
  return result;
}

void require_agreement(const Agreement& agreement, std::size_t at_least) {
  INFO("asked " << agreement.asked << ", agreed " << agreement.agreed
                << ", first difference: " << agreement.first_difference);
  CHECK(agreement.asked >= at_least);
  CHECK(agreement.share() >= 0.999);
}

bool missing(const std::string& program, const std::string& file) {
  if (!program_exists(program)) {
    WARN("SKIP: no " << program);
    return true;
  }
  if (access(file.c_str(), R_OK) != 0) {
    WARN("SKIP: no " << file);
    return true;
  }
  return false;
}

// Where libc is, and with it the other libraries of the system.
std::string library_directory() {
  Dl_info libc;
  REQUIRE(dladdr(dlsym(RTLD_DEFAULT, "getppid"), &libc) != 0);
  const std::string path = std::filesystem::canonical(libc.dli_fname).string();
  return path.substr(0, path.rfind('/') + 1);
}

TEST_CASE("every function of this program is named as nm names it") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (missing("nm", self)) return;
  require_agreement(compare_with_nm(module_of_file(self), nm("", self), "/none"), 5000);
  if (missing("addr2line", self) || missing("objcopy", self)) return;
  require_agreement(compare_with_addr2line(self, ""), 5000);
}

TEST_CASE("every exported function of stripped files is named as nm names it") {
  for (const char* name : {"libcrypto.so.3", "libc.so.6", "libstdc++.so.6"}) {
    const std::string path = library_directory() + name;
    if (missing("nm", path) || missing("addr2line", path) || missing("objcopy", path)) continue;
    INFO(path);
    const TempDir dir;
    require_agreement(compare_with_nm(module_of_file(path), nm("-D", path), "/none"), 4000);
    require_agreement(compare_with_addr2line(path, "-D"), 4000);
  }
}

TEST_CASE("every function of libc is named as nm names it in libc's debug file") {
  const std::string path = library_directory() + "libc.so.6";
  if (missing("nm", path)) return;
  const Module module = module_of_file(path);
  const std::string debug = "/usr/lib/debug/.build-id/" + module.build_id.substr(0, 2) + "/" +
                            module.build_id.substr(2) + ".debug";
  if (missing("nm", debug)) return;
  require_agreement(compare_with_nm(module, nm("", debug), "/usr/lib/debug"), 8000);
}

}  // namespace
}  // namespace otprof::symbols::test
