// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: libunwind, and through it its own mutex,
// read of no descriptor, mincore, and libunwind_bindings.cc.
#include "agent/unwind/libunwind_walker.h"

#ifndef UNW_LOCAL_ONLY
#define UNW_LOCAL_ONLY  // this process only: no indirection through an address space
#endif
#include <errno.h>
#include <libunwind.h>

#include <array>

#include "agent/unwind/frame.h"
#include "agent/unwind/object_phdrs.h"

namespace otprof::unwind {
namespace {

StackEnd end_of(int status) noexcept {
  switch (status) {
    case 0: return StackEnd::kRoot;
    case -UNW_ENOINFO: return StackEnd::kNoUnwindInfo;
    case -UNW_EBADREG: return StackEnd::kLostRegister;
    case -UNW_EBADFRAME:
    case -UNW_EINVAL:
    case -UNW_EINVALIDIP:
    case -UNW_ESTOPUNWIND: return StackEnd::kBadFrame;
    default: return StackEnd::kBadUnwindInfo;
  }
}

// libunwind's context is the kernel's: only the general registers are looked at.
void fill_context(const Registers& registers, unw_context_t& context) noexcept {
  constexpr int kContextIndex[kRegisterCount] = {
      REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
      REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
    context.uc_mcontext.gregs[kContextIndex[reg]] = static_cast<greg_t>(registers[reg]);
  }
}

std::uint64_t instruction_pointer(unw_cursor_t& cursor) noexcept {
  unw_word_t ip = 0;
  return unw_get_reg(&cursor, UNW_REG_IP, &ip) == 0 ? ip : 0;
}

}  // namespace

namespace {

Walk walk(const Registers& start, std::uint64_t* frames, std::uint32_t capacity) noexcept {
  std::uint32_t depth = 0;
  frames[depth++] = start[kRip];
  unw_context_t context;
  unw_cursor_t cursor;
  fill_context(start, context);
  if (unw_init_local2(&cursor, &context, UNW_INIT_SIGNAL_FRAME) != 0) {
    return {depth, StackEnd::kBadUnwindInfo};
  }
  std::uint64_t ip = start[kRip];
  for (;;) {
    PhdrQuery query(frames[depth - 1]);
    const int status = unw_step(&cursor);
    if (status <= 0) return {depth, end_of(status)};
    // Said of the frame that was just left: only its own tables tell that it is one.
    const bool left_signal_frame = unw_is_signal_frame(&cursor) > 0;
    if (left_signal_frame) frames[depth - 1] = ip;
    ip = instruction_pointer(cursor);
    if (ip < kFirstPage) return {depth, StackEnd::kNullPc};
    if (depth == capacity) return {depth, StackEnd::kDepthLimit};
    frames[depth++] = left_signal_frame ? ip : ip - 1;
  }
}

}  // namespace

Walk walk_libunwind(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                    std::uint32_t capacity) noexcept {
  // Before anything else: a thread that libc did not make may share another's thread-local variables.
  if (start[kRsp] < bounds.low || start[kRsp] >= bounds.high) {
    frames[0] = start[kRip];
    return {1, StackEnd::kForeignStack};
  }
  const int saved_errno = errno;
  const Walk result = walk(start, frames, capacity);
  errno = saved_errno;
  return result;
}

void prepare_libunwind() noexcept {
  Registers registers;
  capture_registers(registers);
  std::array<std::uint64_t, 2> frames;
  walk_libunwind(registers, {registers[kRsp], UINTPTR_MAX}, frames.data(), frames.size());
}

}  // namespace otprof::unwind
