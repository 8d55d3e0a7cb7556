// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbol_name.h"

#include <pthread.h>
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "agent/symbols/symbol_table.h"
#include "agent/symbols/thread_stack.h"

namespace otprof::symbols::test {
namespace {

SymbolName make_symbol_name(std::string_view raw, std::string_view suffix = {}) {
  return symbols::make_symbol_name(raw, suffix, demangle_stack_bytes(kMaxNameBytes));
}

std::string repeat(std::string_view text, int times) {
  std::string result;
  while (times-- > 0) result += text;
  return result;
}

TEST_CASE("names that are not mangled stay, without their version") {
  CHECK(make_symbol_name("malloc").name == "malloc");
  CHECK(make_symbol_name("malloc@@GLIBC_2.2.5").system_name == "malloc");
  CHECK(make_symbol_name("memcpy@GLIBC_2.2.5").name == "memcpy");
  CHECK(make_symbol_name("@odd").system_name == "@odd");
  CHECK(make_symbol_name("").name.empty());
  CHECK_FALSE(make_symbol_name("malloc").not_demangled);
}

TEST_CASE("C++ names are demangled") {
  const SymbolName name = make_symbol_name("_ZNSt6vectorIiSaIiEE9push_backERKi");
  CHECK(name.system_name == "_ZNSt6vectorIiSaIiEE9push_backERKi");
  CHECK(name.name == "std::vector<int, std::allocator<int> >::push_back(int const&)");
  CHECK_FALSE(name.not_demangled);
  CHECK(make_symbol_name("_Z3foov@@VERS_1").name == "foo()");
  CHECK(make_symbol_name("_Z3foov", "@plt").name == "foo()@plt");
  CHECK(make_symbol_name("_Z3foov", "@plt").system_name == "_Z3foov@plt");
}

TEST_CASE("parts that the compiler made carry the name of the function") {
  for (const char* suffix :
       {".cold", ".part.0", ".isra.0", ".constprop.12", ".lto_priv.0", ".llvm.1234567890",
        ".localalias", ".constprop.0.isra.0", ".part.3.cold", ".cold.17"}) {
    INFO(suffix);
    const SymbolName cxx = make_symbol_name(std::string("_Z3fooi") + suffix);
    CHECK(cxx.name == "foo(int)");
    CHECK(cxx.system_name == std::string("_Z3fooi") + suffix);
    const SymbolName c = make_symbol_name(std::string("foo") + suffix);
    CHECK(c.name == "foo");
    CHECK(c.system_name == std::string("foo") + suffix);
  }
  CHECK(make_symbol_name("_Z3fooi.unheard_of.3").name == "foo(int)");
  // A function inside a function, in GNU C: not a part of another one.
  CHECK(make_symbol_name("helper.1234").name == "helper.1234");
  CHECK(make_symbol_name(".cold").name == ".cold");
  CHECK(make_symbol_name("cold").name == "cold");
  CHECK(make_symbol_name("foo.cold.").name == "foo.cold.");
}

TEST_CASE("Rust names of the legacy scheme lose their hash and their escapes") {
  CHECK(make_symbol_name("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE").name ==
        "core::fmt::Formatter::pad");
  CHECK(make_symbol_name("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$"
                         "$GT$3bar17h930b740aa94f1d3aE")
            .name == "<Test + 'static as foo::Bar<Test>>::bar");
  CHECK(make_symbol_name("_ZN3foo17h930b740aa94f1d3aE.llvm.123").name == "foo");
  CHECK(make_symbol_name("_ZN3a$u20bc17h930b740aa94f1d3aE").not_demangled);
  CHECK(make_symbol_name("_ZN7a$u20bc17h930b740aa94f1d3aE").name == "a$u20bc");
  CHECK(make_symbol_name("_ZN11a$uD83D$b$x17h930b740aa94f1d3aE").name == "a???b$x");
  // Not a hash: C++.
  CHECK(make_symbol_name("_ZN3foo17h930b740aa94f1dzzE").name == "foo::h930b740aa94f1dzz");
}

TEST_CASE("Rust names of the v0 scheme stay") {
  const SymbolName name = make_symbol_name("_RNvC6_123foo3bar");
  CHECK(name.name == "_RNvC6_123foo3bar");
  CHECK_FALSE(name.not_demangled);
}

TEST_CASE("what looks mangled and is not stays, and is told") {
  for (const char* raw : {"_Z", "_Zx", "_ZN", "_Z9999999999999999999999foo", "_ZSt", "_Z3fo"}) {
    INFO(raw);
    const SymbolName name = make_symbol_name(raw);
    CHECK(name.name == raw);
    CHECK(name.not_demangled);
  }
}

TEST_CASE("names are at most 1024 bytes, whole characters and an ellipsis") {
  const std::string ellipsis = "\xE2\x80\xA6";
  const std::string fits(kMaxNameBytes, 'a');
  CHECK(make_symbol_name(fits).name == fits);
  CHECK_FALSE(make_symbol_name(fits).cut);
  const SymbolName cut = make_symbol_name(fits + "a");
  CHECK(cut.name == std::string(kMaxNameBytes - 3, 'a') + ellipsis);
  CHECK(cut.system_name == cut.name);
  CHECK(cut.cut);
  const SymbolName wide = make_symbol_name(repeat("\xC3\xA9", 600));
  CHECK(wide.name == repeat("\xC3\xA9", 510) + ellipsis);
  // A short name for a long one.
  const SymbolName templates = make_symbol_name("_Z1f" + repeat("RK", 400) + "i");
  CHECK(templates.cut);
  CHECK(templates.name.size() == kMaxNameBytes);
  CHECK(templates.name.starts_with("f(int const&"));
}

TEST_CASE("names are valid UTF-8 without control characters") {
  CHECK(make_symbol_name("caf\xC3\xA9").name == "caf\xC3\xA9");
  CHECK(make_symbol_name("\xF0\x9F\x98\x80").name == "\xF0\x9F\x98\x80");
  CHECK(make_symbol_name("a\x01\n\x7F").name == "a???");
  CHECK(make_symbol_name("a\xFF\xC3").name == "a??");
  CHECK(make_symbol_name("\xC0\x80").name == "??");            // overlong
  CHECK(make_symbol_name("\xED\xA0\x80").name == "???");       // surrogate
  CHECK(make_symbol_name("\xF4\x90\x80\x80").name == "????");  // above U+10FFFF
  CHECK(make_symbol_name("_Z3a\xFF"
                         "bv")
            .name == "a?b()");
}

// Names that nest as deeply as a name can: what costs a recursive demangler its stack.
std::vector<std::string> hostile_names() {
  std::vector<std::string> names = {
      "_Z1f" + repeat("P", 1015) + "i",
      "_Z1f" + repeat("RK", 505) + "i",
      "_Z1f" + repeat("PF", 250) + "v" + repeat("iE", 250),
      "_Z1f" + repeat("1AI", 254) + "i" + repeat("E", 254),
      "_Z1f" + repeat("A1_", 336) + "i",
      "_Z1fI" + repeat("J", 508) + repeat("E", 508) + "Evv",
      "_Z1fIX" + repeat("ng", 480) + "Li1EEEvv",
      "_Z" + repeat("Th0_", 250) + "1fv",
      "_Z" + repeat("N1a", 250) + repeat("E", 250) + "v",
      "_Z" + repeat("Z1f", 250) + "vE1f" + repeat("vE1f", 20),
      "_Z1fIiEv" + repeat("DT", 500),
      "_Z" + std::string(5000, 'N'),
      std::string(1 << 20, 'P').replace(0, 4, "_Z1f"),
  };
  // Each type is a pair of the one before: 2^n words of text out of 8n bytes.
  static constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string doubling = "_Z1f1AIiiE";
  for (std::size_t i = 0; i < 36; ++i) {
    const std::string last = std::string("S") + kDigits[i] + "_";
    doubling.append("S_I").append(last).append(last).append("E");
  }
  names.push_back(doubling);
  return names;
}

struct Job {
  std::string raw;
  SymbolName name;
};

void* run_job(void* data) {
  auto& job = *static_cast<Job*>(data);
  const std::size_t stack = remaining_stack_bytes();
  job.name = symbols::make_symbol_name(job.raw, {}, stack - std::min<std::size_t>(stack, 16384));
  return nullptr;
}

SymbolName name_on_thread(const std::string& raw, std::size_t stack_bytes) {
  Job job{raw, {}};
  // glibc puts a guard page below: one byte too many kills the test.
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run_job, &job) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
  return job.name;
}

TEST_CASE("hostile names take bounded stack, memory and output") {
  for (const std::size_t stack_kib : {64, 128, 256, 512, 1024}) {
    for (const std::string& raw : hostile_names()) {
      INFO(raw.substr(0, 40) << " of " << raw.size() << " on " << stack_kib << " KiB");
      const SymbolName name = name_on_thread(raw, stack_kib * 1024);
      CHECK(name.name.size() <= kMaxNameBytes);
      CHECK(name.system_name.size() <= kMaxNameBytes);
      CHECK_FALSE(name.name.empty());
    }
  }
}

TEST_CASE("a short stack leaves long names mangled, and only those") {
  const std::string deep = "_Z1f" + repeat("P", 1000) + "i";
  CHECK(name_on_thread(deep, 64 * 1024).not_demangled);
  CHECK(name_on_thread(deep, 512 * 1024).name.starts_with("f(int***"));
  CHECK(name_on_thread("_Z3foov", 64 * 1024).name == "foo()");
}

TEST_CASE("the stack that is left is that of the thread") {
  const std::size_t here = remaining_stack_bytes();
  CHECK(here > 65536);
  struct Below {
    static std::size_t measure(volatile char* memory) {
      memory[0] = 1;
      return remaining_stack_bytes();
    }
  };
  volatile char memory[20000];
  CHECK(Below::measure(memory) <= here);
}

TEST_CASE("the better of two names") {
  const auto better = [](const NameCandidate& a, const NameCandidate& b) {
    CHECK(better_name(a, b));
    CHECK_FALSE(better_name(b, a));
  };
  better({"local_but_longer", STB_GLOBAL}, {"local", STB_LOCAL});
  better({"weak", STB_WEAK}, {"local", STB_LOCAL});
  better({"__global", STB_GLOBAL}, {"local", STB_LOCAL});
  better({"write", STB_WEAK}, {"__write", STB_GLOBAL});
  better({"malloc", STB_GLOBAL}, {"__libc_malloc", STB_GLOBAL});
  better({"_b", STB_GLOBAL}, {"__a", STB_GLOBAL});
  better({"zz", STB_GLOBAL}, {"aa", STB_WEAK});
  better({"memmove", STB_GLOBAL}, {"memcpy@GLIBC_2.2.5", STB_GLOBAL});
  better({"memcpy@@GLIBC_2.14", STB_GLOBAL}, {"memmove1", STB_GLOBAL});
  better({"a.b", STB_GLOBAL}, {".a", STB_GLOBAL});
  better({"bb", STB_GLOBAL}, {"aaa", STB_GLOBAL});
  better({"aa", STB_GLOBAL}, {"ab", STB_GLOBAL});
  better({"a", STB_LOCAL}, {"", STB_GLOBAL});
  CHECK_FALSE(better_name({"a", STB_GLOBAL}, {"a", STB_GLOBAL}));
}

}  // namespace
}  // namespace otprof::symbols::test
