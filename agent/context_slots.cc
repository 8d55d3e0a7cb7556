// SPDX-License-Identifier: Apache-2.0
#include "agent/context_slots.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string_view>

#include "agent/dynamic_symbols.h"
#include "agent/log.h"
#include "agent/thread_context.h"

extern "C" {
extern const char __ehdr_start __attribute__((visibility("hidden")));
}

namespace otprof::agent {
namespace {

constexpr std::string_view kSlotName = "otel_thread_ctx_v1";
constexpr std::string_view kCustomLabels = "custom_labels_current_set";
constexpr std::string_view kCustomLabelsVersion = "custom_labels_abi_version";
constexpr std::uint32_t kKnownCustomLabelsVersion = 1;
// The background thread's stack is at least this large, and lies below its thread pointer, with the
// static storage in between. What is farther away, or above, was allocated.
constexpr SlotOffset kStaticReach = SlotOffset{1} << 20;

std::atomic<SlotOffset> announced{0};

std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t base = 0;
  __asm__("mov %%fs:0, %0" : "=r"(base));
  return base;
}

struct ThreadLocalModule {
  LoadedModule module;
  std::uintptr_t storage = 0;  // the calling thread's; 0: not allocated, so dynamic
};

// Filled under the loader's lock, hence only into memory that is there already.
struct Collection {
  std::array<ThreadLocalModule, 256> modules;
  std::size_t count = 0;
};

int collect(dl_phdr_info* info, std::size_t, void* data) {
  auto& to = *static_cast<Collection*>(data);
  // 0: none of its variables is thread-local.
  if (info->dlpi_tls_modid != 0 && to.count < to.modules.size()) {
    to.modules[to.count++] = {
        {info->dlpi_addr, reinterpret_cast<std::uintptr_t>(info->dlpi_phdr), info->dlpi_phnum},
        reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data)};
  }
  return 0;
}

struct StorageQuery {
  std::uintptr_t address;
  bool is_inside = false;
};

// The first module is the executable.
int look_into_executable(dl_phdr_info* info, std::size_t, void* data) {
  auto& query = *static_cast<StorageQuery*>(data);
  const auto storage = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
  for (std::size_t i = 0; storage != 0 && i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type == PT_TLS) {
      query.is_inside = query.address - storage < header.p_memsz;
    }
  }
  return 1;
}

// Each once, the agent's own slot not at all; the announced one first.
class Slots {
 public:
  Slots() : own_(own_slot_offset()) { add(announced.load(std::memory_order_acquire)); }
  bool add(SlotOffset offset) {
    if (offset == 0 || offset == own_ ||
        std::find(offsets_.begin(), offsets_.end(), offset) != offsets_.end()) {
      return true;
    }
    if (count_ == offsets_.size()) {
      return false;
    }
    offsets_[count_++] = offset;
    return true;
  }
  void publish() const { read_slots_too(offsets_); }

 private:
  SlotOffset own_;
  std::array<SlotOffset, kMostSlots> offsets_{};
  std::size_t count_ = 0;
};

bool is_static(SlotOffset offset) { return offset < 0 && offset > -kStaticReach; }

}  // namespace

bool announce_slot(void** slot) noexcept {
  StorageQuery query{reinterpret_cast<std::uintptr_t>(slot)};
  symbols::iterate_loaded_objects(look_into_executable, &query);
  if (!query.is_inside) {
    return false;
  }
  announced.store(static_cast<SlotOffset>(query.address - thread_pointer()),
                  std::memory_order_release);
  // At once, not at the next visit of the background thread, if it has found nothing else yet.
  static std::atomic<bool> is_first{true};
  if (is_first.exchange(false)) {
    Slots().publish();
  }
  return true;
}

void ContextSlots::refresh() {
  const symbols::LoaderGeneration now = symbols::loader_generation();
  if (has_looked_ && now == seen_) {
    return;
  }
  has_looked_ = true;
  seen_ = now;
  const auto collection = std::make_unique<Collection>();
  symbols::iterate_loaded_objects(collect, collection.get());
  const symbols::ProcessMemory memory;
  Slots slots;
  SlotOffset custom_labels = 0;
  bool is_unreadable = false;
  for (std::size_t i = 0; i < collection->count; ++i) {
    const ThreadLocalModule& module = collection->modules[i];
    if (module.module.bias == reinterpret_cast<std::uintptr_t>(&__ehdr_start)) {
      continue;
    }
    const DynamicSymbols symbols(memory, module.module);
    const auto offset_of = [&](const DynamicSymbols::Symbol& symbol) {
      return module.storage == 0
                 ? SlotOffset{0}
                 : static_cast<SlotOffset>(module.storage + symbol.value - thread_pointer());
    };
    if (const auto symbol = symbols.find(kSlotName); symbol && symbol->is_thread_local) {
      const SlotOffset offset = offset_of(*symbol);
      const bool is_added = is_static(offset) && slots.add(offset);
      is_unreadable = is_unreadable || (symbol->is_bound_here && !is_added);
    }
    const auto set = symbols.find(kCustomLabels);
    const auto version = set ? symbols.find(kCustomLabelsVersion) : std::nullopt;
    std::uint32_t number = 0;
    if (version && set->is_thread_local && is_static(offset_of(*set)) &&
        memory.read(module.module.bias + version->value, &number, sizeof number) &&
        number == kKnownCustomLabelsVersion) {
      custom_labels = offset_of(*set);
    }
  }
  slots.publish();
  read_custom_labels(custom_labels);
  if (is_unreadable && !has_warned_) {
    has_warned_ = true;
    log_warning(
        "a library opened late has a copy of otel_thread_ctx_v1 of its own, bound to itself "
        "(-Bsymbolic or protected); what it publishes there is not seen");
  }
}

}  // namespace otprof::agent
