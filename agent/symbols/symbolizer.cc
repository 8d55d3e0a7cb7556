// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbolizer.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/symbols/debug_file.h"
#include "agent/symbols/module_file.h"
#include "agent/symbols/plt.h"
#include "agent/symbols/source_lines.h"
#include "agent/symbols/symbol_cache.h"
#include "agent/symbols/symbol_name.h"
#include "agent/symbols/symbol_table.h"
#include "agent/symbols/thread_stack.h"

namespace otprof::symbols {
namespace {

constexpr std::string_view kPltSuffix = "@plt";
// Addresses of one module are looked up in portions, which bounds the memory of a look-up to about
// 1.5 MiB. A window has a few hundred to a few thousand distinct ones: usually one portion.
constexpr std::size_t kPortion = 4096;
// A program that opens and closes libraries forever is told of this many.
constexpr std::size_t kMaxComplaints = 1024;
// Stack for everything of ours between resolve() and the demangler, several times over.
constexpr std::size_t kOwnStackBytes = 16384;

// One distinct address of one module on its way to an answer.
struct Pending {
  std::uint64_t address = 0;  // run-time
  std::optional<NamedStart> found;
  std::uint64_t stub = 0;  // start of the PLT stub it is in, in the file's own view; 0: none
};

// Everything that can be read about one module, held open for one resolve().
class ModuleSymbols {
 public:
  ModuleSymbols(const Module& module, const std::string& debug_root)
      : module_(module), debug_root_(debug_root) {
    if (module.is_vdso) {
      image_.emplace(module.start, module.limit);
      elf_ = ElfFile::open(*image_);
      state_ = elf_ ? FileState::kSame : FileState::kMalformed;
    } else {
      state_ = open_module_file(module, file_, elf_);
      if (state_ != FileState::kSame) elf_.reset();
    }
  }

  // `pending` ascending by address. Returns what to say of addresses that were not found.
  Outcome find(std::span<Pending> pending) {
    find_in_plt(pending);
    // The best table first; a later one only for what is still open.
    search(elf_ ? &*elf_ : nullptr, SHT_SYMTAB, pending);
    FileSource debug_file;
    std::optional<ElfFile> debug_elf;
    if (still_open(pending) && !module_.is_vdso &&
        open_debug_file(module_, elf_ ? &*elf_ : nullptr, debug_root_, DebugContents::kSymbols,
                        debug_file, debug_elf)) {
      search(&*debug_elf, SHT_SYMTAB, pending);
    }
    search(elf_ ? &*elf_ : nullptr, SHT_DYNSYM, pending);
    if (malformed_ || state_ == FileState::kMalformed || (elf_ && elf_->damaged())) {
      return Outcome::kFileMalformed;
    }
    return state_ == FileState::kUnreadable ? Outcome::kFileUnreadable : Outcome::kNoSymbol;
  }

  // From the module's own DWARF, else from that of its debug file.
  SourceResult find_lines(std::span<const Pending> pending, ReadBudget& budget,
                          const SourceSink& sink) const {
    std::vector<std::uint64_t> addresses;
    addresses.reserve(pending.size());
    for (const Pending& p : pending) addresses.push_back(p.address - module_.bias);
    if (elf_ && DebugSections::present_in(*elf_)) {
      return find_source_lines(*elf_, debug_root_, budget, addresses, sink);
    }
    FileSource file;
    std::optional<ElfFile> elf;
    if (module_.is_vdso) return {};
    const ElfFile* const own = elf_ ? &*elf_ : nullptr;
    SourceResult none;
    if (!module_.build_id.empty()) {
      if (!open_debug_file(module_, own, debug_root_, DebugContents::kLines, file, elf))
        return none;
    } else if (own != nullptr) {
      const LinkedFile state = open_linked_file(module_, *own, debug_root_, budget, file, elf);
      if (state == LinkedFile::kTooLarge) none.trouble = DebugTrouble::kTooLarge;
      none.spent = state == LinkedFile::kOverBudget;
      if (state != LinkedFile::kOpen) return none;
    } else {
      return none;
    }
    return find_source_lines(*elf, debug_root_, budget, addresses, sink);
  }

 private:
  static bool still_open(std::span<const Pending> pending) {
    return std::ranges::any_of(pending, [](const Pending& p) { return !p.found; });
  }

  void find_in_plt(std::span<Pending> pending) {
    if (!elf_) return;
    std::vector<PltQuery> queries;
    std::vector<Pending*> asked;
    for (Pending& p : pending) {
      const Elf64_Shdr* const section = elf_->code_section(p.address - module_.bias);
      if (section == nullptr || !is_plt_section(*elf_, *section)) continue;
      queries.emplace_back().address = p.address - module_.bias;
      asked.push_back(&p);
    }
    find_plt_targets(*elf_, queries);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (queries[i].symbol != 0) {
        asked[i]->found = plt_symbol(queries[i]);
      } else if (queries[i].resolver != 0) {
        resolvers_.push_back({queries[i].resolver, asked[i]});
      }
      asked[i]->stub = queries[i].start;
    }
  }

  std::optional<NamedStart> plt_symbol(const PltQuery& query) const {
    auto name = dynamic_symbol_name(*elf_, query.symbol);
    if (!name || name->empty()) return std::nullopt;
    return NamedStart{std::move(*name), query.start};
  }

  void search(const ElfFile* elf, std::uint32_t table_type, std::span<Pending> pending) {
    const Elf64_Shdr* const table = elf != nullptr ? elf->section_of_type(table_type) : nullptr;
    if (table == nullptr || !still_open(pending)) return;
    // A stub without a symbol of its own is called after the ifunc that picks its target.
    std::vector<std::pair<AddressQuery, Pending*>> asked;
    for (Pending& p : pending) {
      if (!p.found && p.stub == 0) asked.push_back({{p.address - module_.bias, {}}, &p});
    }
    for (const auto& [resolver, p] : resolvers_) {
      if (!p->found) asked.push_back({{resolver, {}}, p});
    }
    std::ranges::sort(asked, {}, [](const auto& a) { return a.first.address; });
    std::vector<AddressQuery> queries;
    queries.reserve(asked.size());
    for (auto& [query, p] : asked) queries.push_back(std::move(query));
    malformed_ |= !find_symbols(*elf, *table, queries);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      asked[i].second->found = std::move(queries[i].found);
    }
  }

  const Module& module_;
  const std::string& debug_root_;
  FileSource file_;
  std::optional<MemorySource> image_;
  std::optional<ElfFile> elf_;
  FileState state_ = FileState::kUnreadable;
  std::vector<std::pair<std::uint64_t, Pending*>> resolvers_;
  bool malformed_ = false;
};

}  // namespace

struct Symbolizer::State {
  std::string debug_root;
  Detail detail = Detail::kSymbols;
  SymbolCache cache;
  Counters counters;
  std::size_t stack_bytes = 0;  // what demangling may use

  std::uint64_t max_read = 0;
  ReadBudget read_budget{0};  // of DWARF, in this resolve()
  std::vector<std::string> complaints;
  std::unordered_set<std::uint32_t> complained_of;  // modules

  bool knows(const Query& query) const;
  void resolve_module(const Module& module, std::span<Pending> pending);
  void resolve_lines(const ModuleSymbols& symbols, const Module& module,
                     std::span<const Pending> pending);
  Answer answer(const std::string& name, bool in_plt);
  SourceLine line(const SourceFrame& frame);
  bool has_room() const;
  void complain(const Module& module, const SourceResult& result);
};

Symbolizer::Symbolizer(std::string debug_root, Detail detail, std::uint64_t max_read)
    : state_(std::make_unique<State>()) {
  state_->max_read = max_read;
  state_->debug_root = std::move(debug_root);
  state_->detail = detail;
}

Symbolizer::~Symbolizer() = default;

Answer Symbolizer::State::answer(const std::string& found, bool in_plt) {
  std::string raw = found;
  if (in_plt) raw += kPltSuffix;
  const Answer* text = cache.find_text(raw);
  if (text == nullptr) {
    const SymbolName name =
        make_symbol_name(found, in_plt ? kPltSuffix : std::string_view(), stack_bytes);
    counters.names_cut += name.cut ? 1 : 0;
    counters.not_demangled += name.not_demangled ? 1 : 0;
    text = cache.add_text(raw, name.system_name, name.name);
  }
  return *text;
}

void Symbolizer::State::resolve_module(const Module& module, std::span<Pending> pending) {
  ModuleSymbols symbols(module, debug_root);
  Answer none;
  none.outcome = symbols.find(pending);
  for (const Pending& p : pending) {
    if (!has_room()) return;
    Answer result = none;
    if (p.found) {
      result = answer(p.found->name, p.stub != 0);
      result.start = (p.stub != 0 ? p.stub : p.found->start) + module.bias;
    }
    cache.add(module.id, p.address, result);
  }
  if (detail == Detail::kLines) resolve_lines(symbols, module, pending);
}

// For what one more answer can take: a node, the texts, a doubled bucket array.
bool Symbolizer::State::has_room() const {
  return 2 * cache.memory_bytes() <= 2 * kMaxMemoryBytes - kKeptMemoryBytes;
}

SourceLine Symbolizer::State::line(const SourceFrame& frame) {
  SourceLine line;
  if (!frame.function.empty()) {
    const Answer text = answer(std::string(frame.function), false);
    line.system_name = text.system_name;
    line.name = text.name;
  }
  std::string file(frame.file);
  make_presentable(file);
  line.file = cache.keep_path(file);
  line.line = frame.line;
  return line;
}

void Symbolizer::State::resolve_lines(const ModuleSymbols& symbols, const Module& module,
                                      std::span<const Pending> pending) {
  std::vector<SourceLine> lines;
  const bool was_used = !read_budget.untouched();
  const SourceResult result = symbols.find_lines(
      pending, read_budget, [&](std::size_t index, std::span<const SourceFrame> frames) {
        if (!has_room()) return;
        lines.clear();
        for (const SourceFrame& frame : frames) lines.push_back(line(frame));
        // The same name with lines as without.
        const Answer* const symbol = cache.find(module.id, pending[index].address);
        if (!lines.empty() && symbol != nullptr && symbol->outcome == Outcome::kResolved) {
          lines.back().system_name = symbol->system_name;
          lines.back().name = symbol->name;
        }
        cache.add_lines(module.id, pending[index].address, lines);
      });
  // Where nothing at all could be read, the next time would be no better.
  const bool comes_later = result.spent && (result.found > 0 || result.given_up > 0 || was_used);
  counters.lines_unread += result.given_up;
  const bool unread = result.damaged || result.spent || result.trouble != DebugTrouble::kNone;
  for (const Pending& p : pending) {
    if (cache.find_lines(module.id, p.address) != nullptr || !has_room()) continue;
    counters.lines_postponed += comes_later ? 1 : 0;
    counters.lines_unread += unread && !comes_later ? 1 : 0;
    if (!comes_later) cache.add_lines(module.id, p.address, {});
  }
  if ((unread && !comes_later) || result.given_up > 0) complain(module, result);
}

void Symbolizer::State::complain(const Module& module, const SourceResult& result) {
  if (complained_of.size() == kMaxComplaints || !complained_of.insert(module.id).second) return;
  std::string why = " is malformed";
  if (result.spent || result.trouble == DebugTrouble::kTooLarge) why = " is too large";
  if (result.trouble == DebugTrouble::kZstd) why = " is compressed with zstd";
  if (result.trouble == DebugTrouble::kNoAltFile)
    why = " refers to a file of dwz that is not there";
  complaints.push_back(
      "the debug information of " + module.path + why +
      "; functions there have their names, but not all have files, lines and what was inlined");
}

// Whether all that is wanted is in the cache.
bool Symbolizer::State::knows(const Query& query) const {
  const std::uint32_t id = query.module->id;
  return cache.find(id, query.address) != nullptr &&
         (detail == Detail::kSymbols || cache.find_lines(id, query.address) != nullptr);
}

void Symbolizer::resolve(std::span<Query> queries) {
  State& state = *state_;
  if (state.cache.memory_bytes() > kKeptMemoryBytes) state.cache.clear();
  const std::size_t stack = remaining_stack_bytes();
  state.stack_bytes = stack - std::min(stack, kOwnStackBytes);
  state.read_budget = ReadBudget(state.max_read);
  std::vector<const Query*> unknown;
  for (const Query& query : queries) {
    if (query.module != nullptr && !state.knows(query)) unknown.push_back(&query);
  }
  std::ranges::sort(unknown, {}, [](const Query* query) {
    return std::tuple(query->module->id, query->address);
  });
  for (auto from = unknown.begin(); from != unknown.end();) {
    const Module& module = *(*from)->module;
    std::vector<Pending> pending;
    for (; from != unknown.end() && (*from)->module->id == module.id && pending.size() < kPortion;
         ++from) {
      if (!pending.empty() && pending.back().address == (*from)->address) continue;
      pending.emplace_back().address = (*from)->address;
    }
    state.resolve_module(module, pending);
  }
  for (Query& query : queries) {
    query.symbol = {};
    Answer answer;
    if (query.module != nullptr) {
      const Answer* const known = state.cache.find(query.module->id, query.address);
      answer.outcome = Outcome::kOverBudget;
      if (known != nullptr) answer = *known;
    }
    switch (answer.outcome) {
      case Outcome::kResolved:
        query.symbol = {answer.system_name, answer.name, answer.start, {}};
        ++state.counters.resolved;
        break;
      case Outcome::kNoSymbol: ++state.counters.no_symbol; break;
      case Outcome::kFileUnreadable: ++state.counters.file_unreadable; break;
      case Outcome::kFileMalformed: ++state.counters.file_malformed; break;
      case Outcome::kOverBudget: ++state.counters.over_budget; break;
    }
    if (query.module == nullptr || state.detail == Detail::kSymbols) continue;
    const auto* const lines = state.cache.find_lines(query.module->id, query.address);
    if (lines != nullptr) query.symbol.lines = *lines;
  }
}

const Symbolizer::Counters& Symbolizer::counters() const { return state_->counters; }

std::vector<std::string> Symbolizer::take_complaints() {
  return std::exchange(state_->complaints, {});
}

std::size_t Symbolizer::memory_bytes() const { return state_->cache.memory_bytes(); }

}  // namespace otprof::symbols
