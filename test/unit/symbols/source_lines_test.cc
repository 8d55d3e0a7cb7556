// SPDX-License-Identifier: Apache-2.0
//
// Files, lines and inlined functions: known ones of a small library in every format of debug
// information that there is a compiler for, and those of this program as addr2line tells them.
#include "agent/symbols/source_lines.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>

#include "agent/symbols/debug_file.h"
#include "test/unit/symbols/module_of_file.h"
#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

struct Frame {
  std::string name;
  std::string file;
  int line = 0;
  bool operator==(const Frame&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Frame& frame) {
  return out << frame.name << " (" << frame.file << ':' << frame.line << ')';
}

std::vector<Frame> frames_of(Symbolizer& symbolizer, const Module& module, std::uintptr_t address) {
  Query query;
  query.module = &module;
  query.address = address;
  symbolizer.resolve({&query, 1});
  std::vector<Frame> frames;
  for (const SourceLine& line : query.symbol.lines) {
    frames.push_back({std::string(line.name), std::string(line.file), static_cast<int>(line.line)});
  }
  return frames;
}

// The fixture, compiled in some way and loaded.
class CompiledFixture {
 public:
  explicit CompiledFixture(const std::string& compiler, const std::string& prepare = {}) {
    const std::string path = dir / "library.so";
    run(compiler + " -O2 -fPIC -shared -Wl,--build-id=sha1 -o " + path + " " + LINES_FIXTURE);
    if (!prepare.empty()) run("cd " + dir.path() + " && " + prepare);
    library_ = std::make_unique<Library>(path);
    modules_.refresh();
    library_->function<int(int)>("fixture_outer")(1);
    library_->function<int(int)>("fixture_has_local")(1);
    lines_ = library_->function<const int*()>("fixture_lines")();
  }

  std::string path() const { return dir / "library.so"; }
  std::uintptr_t address(const char* name) const { return library_->address(name); }
  const Module& module() const { return *modules_.find(address("fixture_outer")); }

  // What is to be found at fixture_in_inner and fixture_in_local.
  std::vector<Frame> inner() const {
    return {{"fixture::Counter::inner(int)", LINES_FIXTURE, lines_[0]},
            {"fixture::middle(fixture::Counter&)", LINES_FIXTURE, lines_[1]},
            {"fixture_outer", LINES_FIXTURE, lines_[2]}};
  }
  Frame local() const { return {"fixture_has_local::Local::twice(int)", LINES_FIXTURE, lines_[3]}; }

  TempDir dir;

 private:
  std::unique_ptr<Library> library_;
  ModuleMap modules_;
  const int* lines_ = nullptr;
};

// Without parameters: a static function has no linkage name, so its debug information tells none.
std::vector<Frame> without_parameters(std::vector<Frame> frames) {
  for (Frame& frame : frames) {
    frame.name = frame.name.substr(0, frame.name.find('('));
    const std::size_t space = frame.name.rfind("::");
    if (space != std::string::npos) frame.name = frame.name.substr(space + 2);
  }
  return frames;
}

void check_fixture(const CompiledFixture& fixture) {
  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines);
  const Module& module = fixture.module();
  CHECK(without_parameters(frames_of(symbolizer, module, fixture.address("fixture_in_inner"))) ==
        without_parameters(fixture.inner()));
  const auto local = frames_of(symbolizer, module, fixture.address("fixture_in_local"));
  CHECK(without_parameters(local) == without_parameters({fixture.local()}));
  CHECK(symbolizer.take_complaints().empty());
  CHECK(symbolizer.counters().lines_unread == 0);
}

TEST_CASE("files, lines and inlined functions in every format of debug information") {
  const std::string clang = program_exists("clang++") ? "clang++" : "clang++-14";
  for (const std::string& compiler : {std::string("c++"), clang}) {
    if (!program_exists(compiler)) {
      WARN("SKIP: no " << compiler);
      continue;
    }
    for (const char* format :
         {"-g -gdwarf-4", "-g -gdwarf-5", "-g -gdwarf-4 -gz=zlib", "-g -gdwarf-5 -gz=zlib",
          "-g -gdwarf-3", "-g -gdwarf-5 -ffunction-sections -Wl,--gc-sections",
          "-g -gdwarf-5 -fdebug-types-section", "-g -gdwarf-4 -fdebug-types-section"}) {
      INFO(compiler << ' ' << format);
      check_fixture(CompiledFixture(compiler + ' ' + format));
    }
  }
  INFO("64-bit DWARF, link-time optimisation");
  check_fixture(CompiledFixture("c++ -g -gdwarf-5 -gdwarf64"));
  check_fixture(CompiledFixture("c++ -g -flto"));
}

TEST_CASE("a debug file gives lines, found by build id or by its link") {
  const std::string split =
      "objcopy --only-keep-debug library.so library.so.debug && "
      "strip --strip-debug library.so && ";
  for (const char* compression : {"", "--compress-debug-sections=zlib"}) {
    const std::string compress =
        std::string("objcopy ") + compression + " library.so.debug debug-file && ";
    const std::string by_id =
        "id=$(readelf -n library.so | sed -n 's/ *Build ID: //p') && d=debug/.build-id && "
        "mkdir -p $d/$(echo $id | cut -c1-2) && "
        "mv debug-file $d/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug";
    check_fixture(CompiledFixture("c++ -g", std::string(split).append(compress).append(by_id)));
  }
  check_fixture(
      CompiledFixture("c++ -g", split + "objcopy --add-gnu-debuglink=library.so.debug library.so"));
  check_fixture(CompiledFixture(
      "c++ -g", split + "objcopy --add-gnu-debuglink=library.so.debug library.so && "
                        "mkdir .debug && mv library.so.debug .debug/"));
  // Without build id, the checksum in the link proves that the file belongs.
  const std::string unnamed = "objcopy --remove-section .note.gnu.build-id library.so && " + split +
                              "objcopy --add-gnu-debuglink=library.so.debug library.so";
  check_fixture(CompiledFixture("c++ -g", unnamed));
  const CompiledFixture other("c++ -g", unnamed + " && echo >> library.so.debug");
  REQUIRE(other.module().build_id.empty());
  Symbolizer symbolizer(other.dir / "debug", Detail::kLines);
  CHECK(frames_of(symbolizer, other.module(), other.address("fixture_in_inner")).empty());
}

TEST_CASE("a linked file that is large costs nothing, and is told once") {
  const CompiledFixture fixture(
      "c++ -g",
      "objcopy --remove-section .note.gnu.build-id library.so && "
      "objcopy --only-keep-debug library.so library.so.debug && "
      "strip --strip-debug library.so && truncate -s 3M library.so.debug && "
      "objcopy --add-gnu-debuglink=library.so.debug library.so");
  const auto address = fixture.address("fixture_in_inner");
  Symbolizer whole(fixture.dir / "debug", Detail::kLines);
  CHECK(frames_of(whole, fixture.module(), address).size() == 3);

  FileSource own;
  REQUIRE(own.open(fixture.path()));
  const auto elf = ElfFile::open(own);
  REQUIRE(elf);
  FileSource file;
  std::optional<ElfFile> debug;
  const auto open = [&](ReadBudget& budget) {
    return open_linked_file(fixture.module(), *elf, fixture.dir / "debug", budget, file, debug);
  };
  ReadBudget small(4 << 20);
  CHECK(open(small) == LinkedFile::kTooLarge);
  CHECK(small.untouched());
  ReadBudget used(8 << 20);
  REQUIRE(used.take(6 << 20));
  CHECK(open(used) == LinkedFile::kOverBudget);
  CHECK(used.left() == 2 << 20);

  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines, 4 << 20);
  CHECK(frames_of(symbolizer, fixture.module(), address).empty());
  const auto complaints = symbolizer.take_complaints();
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0].find(" is too large;") != std::string::npos);
  CHECK(frames_of(symbolizer, fixture.module(), address + 1).empty());
  CHECK(symbolizer.take_complaints().empty());
  CHECK(symbolizer.counters().lines_unread == 2);
  CHECK(symbolizer.counters().lines_postponed == 0);
}

TEST_CASE("what dwz has moved to another file is found there") {
  if (!program_exists("dwz")) {
    WARN("SKIP: no dwz");
    return;
  }
  const char* const version = GENERATE("-gdwarf-4", "-gdwarf-5");
  INFO(version);
  check_fixture(CompiledFixture(std::string("c++ -g ") + version, "dwz library.so"));
  const std::string shared =
      "objcopy --only-keep-debug library.so library.so.debug && strip --strip-debug library.so && "
      "cp library.so.debug other.debug && "
      "dwz -m common.debug -M $PWD/common.debug library.so.debug other.debug && "
      "readelf -SW library.so.debug | grep -q gnu_debugaltlink && "
      "objcopy --add-gnu-debuglink=library.so.debug library.so";
  const CompiledFixture fixture(std::string("c++ -g ") + version, shared);
  check_fixture(fixture);

  std::filesystem::remove(fixture.dir / "common.debug");
  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines);
  const auto frames = frames_of(symbolizer, fixture.module(), fixture.address("fixture_in_inner"));
  REQUIRE(!frames.empty());
  CHECK(frames.back().name == "fixture_outer");
  CHECK(frames.back().line == fixture.inner().back().line);
  const auto complaints = symbolizer.take_complaints();
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0].find("refers to a file of dwz that is not there") != std::string::npos);
}

TEST_CASE("lines are there only when they are asked for") {
  const CompiledFixture fixture("c++ -g");
  Symbolizer symbolizer(fixture.dir / "debug");
  CHECK(frames_of(symbolizer, fixture.module(), fixture.address("fixture_in_inner")).empty());
  CHECK(name_of(symbolizer, fixture.module(), fixture.address("fixture_in_inner")).name ==
        "fixture_outer");
}

TEST_CASE("without debug information there are names, and nothing is told") {
  const CompiledFixture fixture("c++ -g0");
  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines);
  CHECK(frames_of(symbolizer, fixture.module(), fixture.address("fixture_in_inner")).empty());
  CHECK(name_of(symbolizer, fixture.module(), fixture.address("fixture_in_inner")).name ==
        "fixture_outer");
  CHECK(symbolizer.take_complaints().empty());
}

TEST_CASE("what was found is kept") {
  const CompiledFixture fixture("c++ -g");
  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines);
  const auto address = fixture.address("fixture_in_inner");
  const auto before = frames_of(symbolizer, fixture.module(), address);
  CHECK(before.size() == 3);
  std::filesystem::remove(fixture.path());
  CHECK(frames_of(symbolizer, fixture.module(), address) == before);
  CHECK(symbolizer.memory_bytes() < 256 << 10);
}

// Changes the file in place, after it was loaded: its segments stay what they are.
void damage(const std::string& path, const std::string& section, std::size_t at,
            const std::string& bytes) {
  FileSource file;
  REQUIRE(file.open(path));
  const auto elf = ElfFile::open(file);
  REQUIRE(elf);
  for (const Elf64_Shdr& header : elf->sections()) {
    if (elf->section_name(header) != section) continue;
    std::string contents = read_whole_file(path);
    contents.replace(header.sh_offset + at, bytes.size(), bytes);
    write_file(path + ".new", contents);
    std::filesystem::rename(path + ".new", path);
    return;
  }
  FAIL("no section " << section);
}

TEST_CASE("debug information that cannot be read is told once, and names stay") {
  const bool zstd = GENERATE(false, true);
  INFO(zstd);
  const CompiledFixture fixture(zstd ? "c++ -g -gz=zlib" : "c++ -g");
  // The unit's version, or the kind of compression.
  damage(fixture.path(), ".debug_info", zstd ? 0 : 4, zstd ? std::string("\2") : "\x7f\x7f");
  if (!zstd) damage(fixture.path(), ".debug_abbrev", 0, std::string(64, '\xff'));
  Symbolizer symbolizer(fixture.dir / "debug", Detail::kLines);
  const auto address = fixture.address("fixture_in_inner");
  CHECK(frames_of(symbolizer, fixture.module(), address).empty());
  CHECK(frames_of(symbolizer, fixture.module(), address - 1).empty());
  CHECK(name_of(symbolizer, fixture.module(), address).name == "fixture_outer");
  const auto complaints = symbolizer.take_complaints();
  REQUIRE(complaints.size() == 1);
  CHECK(
      complaints[0] ==
      "the debug information of " + fixture.path() +
          (zstd ? " is compressed with zstd" : " is malformed") +
          "; functions there have their names, but not all have files, lines and what was inlined");
  CHECK(symbolizer.counters().lines_unread == 2);
}

TEST_CASE("what one look-up may not read comes with the next") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const Module module = module_of_file(self);
  std::vector<Query> queries;
  for (std::uintptr_t at = module.text_start; at < module.text_limit; at += 1999) {
    queries.push_back({&module, at, {}});
  }
  const auto answered = [&] {
    return static_cast<std::size_t>(std::ranges::count_if(
        queries, [](const Query& query) { return !query.symbol.lines.empty(); }));
  };
  Symbolizer whole("/none", Detail::kLines, std::uint64_t{1} << 40);
  whole.resolve(queries);
  const std::size_t all = answered();
  std::vector<std::string> names;
  names.reserve(queries.size());
  for (const Query& query : queries) {
    names.emplace_back(query.symbol.lines.empty() ? "" : query.symbol.lines.front().name);
  }
  if (all == 0) {
    WARN("SKIP: built without debug information");
    return;
  }
  CHECK(whole.counters().lines_postponed == 0);

  Symbolizer limited("/none", Detail::kLines, 8 << 20);
  limited.resolve(queries);
  std::size_t before = answered();
  CHECK(before > 0);
  CHECK(before < all);
  CHECK(limited.counters().lines_postponed > 0);
  int rounds = 1;
  for (; before < all && rounds < 200; ++rounds) {
    limited.resolve(queries);
    const std::size_t now = answered();
    CHECK(now >= before);
    before = now;
  }
  INFO(rounds << " rounds");
  CHECK(before == all);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (!queries[i].symbol.lines.empty()) CHECK(queries[i].symbol.lines.front().name == names[i]);
  }
  limited.resolve(queries);
  const std::uint64_t postponed = limited.counters().lines_postponed;
  limited.resolve(queries);
  CHECK(limited.counters().lines_postponed == postponed);

  // Some units fit and some do not: those that do are there in the end.
  std::uint64_t fits = 3 << 18;
  std::optional<Symbolizer> small;
  do {
    small.emplace("/none", Detail::kLines, fits *= 2);
    std::uint64_t before_round = 0;
    do {
      before_round = small->counters().lines_postponed;
      small->resolve(queries);
    } while (before_round != small->counters().lines_postponed);
  } while (answered() == 0);
  INFO("of " << all << " there are " << answered());
  CHECK(small->counters().lines_unread >= all - answered());
  CHECK(small->take_complaints().size() == (small->counters().lines_unread > 0 ? 1 : 0));

  // Nothing fits: that is told once, and not tried again.
  Symbolizer tiny("/none", Detail::kLines, 1000);
  tiny.resolve(queries);
  CHECK(answered() == 0);
  REQUIRE(tiny.take_complaints().size() == 1);
  CHECK(tiny.counters().lines_unread == queries.size());
  tiny.resolve(queries);
  CHECK(tiny.take_complaints().empty());
  CHECK(tiny.counters().lines_unread == queries.size());
}

// Answers as addr2line prints them: function, file:line.
std::vector<std::vector<Frame>> addr2line(const std::string& path,
                                          const std::vector<std::uint64_t>& addresses,
                                          const TempDir& dir) {
  std::ostringstream asked;
  for (const std::uint64_t address : addresses) asked << std::hex << "0x" << address << '\n';
  write_file(dir / "addresses", asked.str());
  std::istringstream lines(run("addr2line -a -i -f -e " + path + " < " + (dir / "addresses")));
  std::vector<std::vector<Frame>> answers;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() == 18 && line.starts_with("0x")) {
      answers.emplace_back();
      continue;
    }
    Frame frame{line, {}, 0};
    std::getline(lines, line);
    line = line.substr(0, line.find(" (discriminator"));
    const std::size_t colon = line.rfind(':');
    frame.file = line.substr(0, colon);
    frame.line = std::atoi(line.c_str() + colon + 1);
    answers.back().push_back(frame);
  }
  return answers;
}

// Every third byte of every function that has a size.
std::vector<std::uint64_t> addresses_in(const std::string& path) {
  std::set<std::uint64_t> addresses;
  std::istringstream lines(run("nm -S --defined-only " + path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::uint64_t start = 0;
    std::uint64_t size = 0;
    char type = 0;
    fields >> std::hex >> start >> size >> type;
    if (!fields || std::string_view("tTwW").find(type) == std::string_view::npos) continue;
    for (std::uint64_t i = 0; i < size; i += 3) addresses.insert(start + i);
  }
  // Some thousands, from everywhere.
  std::vector<std::uint64_t> some;
  std::size_t i = 0;
  for (const std::uint64_t address : addresses) {
    if (i++ % (addresses.size() / 6000 + 1) == 0) some.push_back(address);
  }
  return some;
}

TEST_CASE("lines and inlined functions of this program are those that addr2line tells") {
  if (!program_exists("addr2line") || !program_exists("nm")) {
    WARN("SKIP: no binutils");
    return;
  }
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const TempDir dir;
  const std::vector<std::uint64_t> addresses = addresses_in(self);
  const auto expected = addr2line(self, addresses, dir);
  REQUIRE(expected.size() == addresses.size());
  FileSource file;
  REQUIRE(file.open(self));
  const auto elf = ElfFile::open(file);
  REQUIRE(elf);
  if (!DebugSections::present_in(*elf)) {
    WARN("SKIP: built without debug information");
    return;
  }
  ReadBudget budget(std::uint64_t{1} << 32);
  std::vector<std::vector<Frame>> found(addresses.size());
  find_source_lines(
      *elf, "/none", budget, addresses,
      [&](std::size_t index, std::span<const SourceFrame> frames) {
        for (const SourceFrame& frame : frames) {
          found[index].push_back(
              {std::string(frame.function), std::string(frame.file), static_cast<int>(frame.line)});
        }
      });
  const Module module = module_of_file(self);
  Symbolizer symbols("/none");
  std::size_t asked = 0;
  std::size_t agreed = 0;
  std::size_t inlined = 0;
  std::string first_difference;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // Where a library without debug information was linked in, it tells the symbol alone.
    if (found[i].empty() && expected[i].size() == 1 && expected[i][0].line == 0) continue;
    ++asked;
    inlined += expected[i].size() > 1 ? 1 : 0;
    // It names the innermost or the outermost function by the symbol now and then; and its file is
    // sometimes the unit's own where a header is meant (binutils 2.40, DWARF 5).
    const std::string symbol = name_of(symbols, module, module.bias + addresses[i]).system_name;
    bool same = found[i].size() == expected[i].size();
    for (std::size_t f = 0; same && f < found[i].size(); ++f) {
      const std::string& name = expected[i][f].name;
      same =
          found[i][f].line == expected[i][f].line && (found[i][f].name == name || symbol == name);
    }
    agreed += same ? 1 : 0;
    if (!same && first_difference.empty()) {
      std::ostringstream text;
      text << std::hex << addresses[i] << std::dec;
      for (const Frame& frame : found[i]) text << "\n  ours " << frame;
      for (const Frame& frame : expected[i]) text << "\n  theirs " << frame;
      first_difference = text.str();
    }
  }
  INFO("asked " << asked << ", of them inlined " << inlined << ", agreed " << agreed << '\n'
                << first_difference);
  CHECK(asked > 2000);
  CHECK(inlined > 500);
  CHECK(static_cast<double>(agreed) >= 0.99 * static_cast<double>(asked));
}

// symbols_test [speed]: of this program, or of the file that LINES_FILE names.
TEST_CASE("how long lines take", "[.][speed]") {
  const char* const named = std::getenv("LINES_FILE");
  const std::string path =
      named != nullptr ? named : std::filesystem::read_symlink("/proc/self/exe").string();
  FileSource file;
  REQUIRE(file.open(path));
  const auto elf = ElfFile::open(file);
  REQUIRE(elf);
  for (const std::size_t count : {500U, 4000U, 20000U}) {
    std::vector<std::uint64_t> addresses;
    for (const Elf64_Shdr& section : elf->sections()) {
      if (elf->section_name(section) != ".text") continue;
      const double step = static_cast<double>(section.sh_size) / static_cast<double>(count);
      for (std::size_t i = 0; i < count; ++i) {
        addresses.push_back(section.sh_addr +
                            static_cast<std::uint64_t>(static_cast<double>(i) * step));
      }
    }
    ReadBudget budget(std::uint64_t{1} << 40);
    const std::clock_t began = std::clock();
    const SourceResult result = find_source_lines(*elf, "/none", budget, addresses,
                                                  [](std::size_t, std::span<const SourceFrame>) {});
    const double ms = 1e3 * static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    std::printf("%zu addresses, %zu with lines: %.0f ms, %.0f for each ms, %.1f MiB read\n",
                addresses.size(), result.found, ms, static_cast<double>(addresses.size()) / ms,
                static_cast<double>((std::uint64_t{1} << 40) - budget.left()) / (1 << 20));
  }
}

}  // namespace
}  // namespace otprof::symbols::test
