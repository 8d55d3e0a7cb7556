// SPDX-License-Identifier: Apache-2.0
//
// libotprof for programs that know of it. Needed by nobody: a program is profiled without this
// header, too. It says which request a thread is working for, so that every CPU sample, allocation
// and live block carries it; and it controls the profiler.
//
// C99 and C++11, GCC and Clang, Linux. Nothing to link: all of it is inline. A program that includes
// it runs the same without the profiler; then contexts cost their few stores and control functions
// return OTPROF_NO_AGENT.
//
//   C++   otprof::SpanScope request(trace_id, span_id);
//         request.set("http.route", "/orders");
//   C     OTPROF_SPAN(request, trace_id, span_id);
//         otprof_context_set(&request.context, otprof_key("http.route"), "/orders", 7);
//
// Three rules that hold for all of it:
//   - A thread's context is its own: attach, detach and set it on that thread only. Everything may be
//     interrupted at any instruction; a sample shows what was attached at that moment or nothing.
//   - What is attached stays where it is, unfreed, until it is detached; detach in reverse order.
//   - Functions return 0 (OTPROF_OK) or more, or one of the negative OTPROF_ codes below. None
//     throws, blocks longer than its timeout, or changes errno.
//
// The record is that of OpenTelemetry's OTEP 4947 ("thread context"), so other readers of it work,
// too; for those, an executable should be linked with
//     -Wl,--export-dynamic-symbol=otel_thread_ctx_v1
// libotprof itself does not need that. With OTPROF_WITHOUT_CONTEXTS defined before, the header holds
// the control functions alone: no variable, no constructor.
#pragma once

// C as well as C++, in the style of C.
// NOLINTBEGIN(modernize-*, readability-*, bugprone-macro-parentheses, misc-definitions-in-headers)

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Codes ------------------------------------------------------------------------------------

enum {
  OTPROF_OK = 0,
  OTPROF_NO_AGENT = -1,      // libotprof.so is not loaded into this process
  OTPROF_NOT_RUNNING = -2,   // loaded, but it does not profile this process (now or ever): switched
                             // off, stood aside, not followed into a fork, or ended with exit()
  OTPROF_BAD_ARGUMENT = -3,  // a NULL, a size or a number outside the stated range
  OTPROF_TIMED_OUT = -4,     // not done in time; it may still happen
  OTPROF_BUSY = -5,          // 16 control calls are being served already
  OTPROF_FAILED = -6,        // it could not be done; the profiler's log says why
  OTPROF_NO_ROOM = -7        // the context or the table of keys is full; nothing was changed
};

// ---- The profiler in this process -------------------------------------------------------------

enum { OTPROF_CPU = 0, OTPROF_HEAP = 1 };         // kinds of profile
enum { OTPROF_STOPPED = 0, OTPROF_RUNNING = 1 };  // otprof_status.state

typedef struct otprof_status {
  uint32_t state;             // OTPROF_STOPPED: by otprof_stop(), or by a debugger
  uint32_t cpu_hz;            // samples per second of CPU time; 0: CPU is not sampled
  uint64_t heap_interval;     // mean bytes between samples; 0: the heap is not sampled
  uint64_t cpu_samples;       // taken by this process so far
  uint64_t cpu_samples_lost;  // of these, those that found no room
  uint64_t heap_samples;
  uint64_t heap_samples_lost;
  uint64_t windows;             // finished and handed to the exporters
  uint64_t requests_delivered;  // OTLP requests that the receiver has accepted
  uint64_t requests_waiting;    // that wait for delivery
  char cpu_engine[16];          // "sigtrap", "timer", "none"
} otprof_status;

// What libotprof.so exports. Use the functions below: they cope with its absence.
typedef struct otprof_api {
  size_t size;  // of this table as the library knows it; it only ever grows
  int (*start)(int timeout_ms);
  int (*stop)(int timeout_ms);
  int (*flush)(int timeout_ms);
  int (*snapshot)(int kind, const char* path, int timeout_ms);
  int (*set_cpu_hz)(int hz, int timeout_ms);
  int (*set_heap_interval)(uint64_t bytes, int timeout_ms);
  int (*status)(otprof_status* status, size_t size);
  int (*key)(const char* name);
  int (*announce_slot)(void** slot);
} otprof_api;

// The dynamic loader's dlsym, if the program has one: a static program has not.
extern void* otprof_dlsym_(void* handle, const char* name) __asm__("dlsym") __attribute__((weak));

// The library's table, or NULL. The first call asks the loader (about a microsecond, and not in a
// signal handler); later ones, and all if it was called once before, may be made anywhere.
static inline const otprof_api* otprof_find_api(void) {
  static const otprof_api* found;                            // a table, or
  const otprof_api* none = (const otprof_api*)(uintptr_t)1;  // asked, and not there
  const otprof_api* api = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
  if (api == NULL) {
    union {
      void* address;
      const otprof_api* (*function)(void);
    } entry;
    entry.address = otprof_dlsym_ != NULL ? otprof_dlsym_(NULL, "otprof_api_v1") : NULL;
    api = entry.address != NULL ? entry.function() : none;
    __atomic_store_n(&found, api, __ATOMIC_RELEASE);
  }
  return api != none ? api : NULL;
}

// The control functions. Any thread. In a signal handler, too (they take no lock and allocate
// nothing), but there a timeout of 0 is advisable: if the handler has interrupted the loader or fork,
// the profiler cannot go on before it returns, and the call times out. Not in a vfork child, not in a
// thread under strict seccomp (they make the futex system call). `timeout_ms` 0 .. 60000; 0: asked
// for, not waited for, and OTPROF_OK says no more than that.
// All: OTPROF_NO_AGENT, OTPROF_NOT_RUNNING, OTPROF_BAD_ARGUMENT, OTPROF_TIMED_OUT, OTPROF_BUSY.

// Samples again after otprof_stop(); nothing if it does already. OTPROF_FAILED: no engine works.
static inline int otprof_start(int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->start(timeout_ms) : OTPROF_NO_AGENT;
}

// No more samples are taken; windows go on, empty ones are not delivered. Blocks that are followed
// still are, so live heap stays right for what was sampled. Nothing if it has stopped already.
static inline int otprof_stop(int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->stop(timeout_ms) : OTPROF_NO_AGENT;
}

// Ends the current window now and hands it to the exporters; the next one begins. Returns when files
// are written and the receiver has taken (or refused for good) all that waited; OTPROF_TIMED_OUT if that takes longer.
static inline int otprof_flush(int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->flush(timeout_ms) : OTPROF_NO_AGENT;
}

// Writes what the current window has collected so far to the file `path` (replaced if it is there),
// gzip'ed pprof; the window goes on. `kind` OTPROF_CPU or OTPROF_HEAP; `path` of at most 1023 bytes,
// relative to the working directory, but under the root directory the process was started with.
// OTPROF_FAILED: nothing of this kind is sampled, or the file cannot be written.
static inline int otprof_snapshot(int kind, const char* path, int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->snapshot(kind, path, timeout_ms) : OTPROF_NO_AGENT;
}

// Samples per second of CPU time, 1 .. 10000, from now on. Ends the current window: each has one
// rate. OTPROF_FAILED: CPU is not sampled in this process.
static inline int otprof_set_cpu_hz(int hz, int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->set_cpu_hz(hz, timeout_ms) : OTPROF_NO_AGENT;
}

// Mean bytes between heap samples, 1 .. 2^40, from now on; 1: every allocation. A thread's next sample
// still comes after the distance drawn before. OTPROF_FAILED: the heap is not sampled.
static inline int otprof_set_heap_interval(uint64_t bytes, int timeout_ms) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->set_heap_interval(bytes, timeout_ms) : OTPROF_NO_AGENT;
}

// Fills `status` with the state as of the last quarter of a second. Does not wait. Any thread, signal
// handlers. OTPROF_NO_AGENT, OTPROF_NOT_RUNNING, OTPROF_BAD_ARGUMENT (NULL); `status` is all zero then.
static inline int otprof_get_status(otprof_status* status) {
  const otprof_api* api = otprof_find_api();
  if (status == NULL) {
    return OTPROF_BAD_ARGUMENT;
  }
  __builtin_memset(status, 0, sizeof *status);
  return api != NULL ? api->status(status, sizeof *status) : OTPROF_NO_AGENT;
}

// The key for the attribute `name` ("http.route"; 1 .. 63 bytes), for otprof_context_set(). The same
// name gives the same key for the life of the process: ask once, keep it. 128 .. 255, OTPROF_NO_AGENT,
// OTPROF_BAD_ARGUMENT, OTPROF_NO_ROOM after 128 different names. Any thread, signal handlers.
static inline int otprof_key(const char* name) {
  const otprof_api* api = otprof_find_api();
  return api != NULL ? api->key(name) : OTPROF_NO_AGENT;
}

#ifndef OTPROF_WITHOUT_CONTEXTS

// ---- Contexts ---------------------------------------------------------------------------------

// The most that a context's attributes may take: each takes 2 bytes and its value.
#define OTPROF_ATTRIBUTE_BYTES 612

// What a thread is doing. Lives wherever you like (a stack frame, the request's own object); only the
// part that is used is ever touched. Initialise it with otprof_context_init() alone.
typedef struct otprof_context {
  uint8_t trace_id[16];  // as in W3C trace context; all zero: none
  uint8_t span_id[8];
  uint8_t valid;        // 1: readers may use it
  uint8_t trace_flags;  // the W3C flags byte
  uint16_t attribute_bytes;
  uint8_t attributes[OTPROF_ATTRIBUTE_BYTES];  // {key, length, value}, packed
} otprof_context;

// The pointer that readers follow, one per thread. Shared with every other library that publishes
// contexts by the same standard.
extern __attribute__((weak, visibility("default"))) __thread void* otel_thread_ctx_v1;
__attribute__((weak, visibility("default"))) __thread void* otel_thread_ctx_v1 = NULL;

// What was written before stays before, as far as this thread (and a signal handler on it) can see.
#define OTPROF_FENCE_() __asm__ volatile("" ::: "memory")

// Prepares `context`: with both ids (16 and 8 bytes, not NULL, not all zero), or with NULL for both:
// labels without a trace. No attributes yet. Not while it is attached. Any thread, signal handlers.
static inline void otprof_context_init(otprof_context* context, const void* trace_id,
                                       const void* span_id, uint8_t trace_flags) {
  if (trace_id != NULL && span_id != NULL) {
    __builtin_memcpy(context->trace_id, trace_id, 16);
    __builtin_memcpy(context->span_id, span_id, 8);
    context->trace_flags = trace_flags;
  } else {
    __builtin_memset(context->trace_id, 0, 16);
    __builtin_memset(context->span_id, 0, 8);
    context->trace_flags = 0;
  }
  context->attribute_bytes = 0;
  context->valid = 1;
}

// Makes `context` this thread's. Returns what was attached before (NULL: nothing), which
// otprof_detach() wants back. NULL detaches. Below 1 ns with otprof_detach(). Any thread; in a signal
// handler if it is detached before the handler returns.
static inline void* otprof_attach(otprof_context* context) {
  void* before = otel_thread_ctx_v1;
  OTPROF_FENCE_();
  otel_thread_ctx_v1 = context;
  OTPROF_FENCE_();
  return before;
}

// Ends what otprof_attach() began: `before` is what that returned. Same callers.
static inline void otprof_detach(void* before) {
  OTPROF_FENCE_();
  otel_thread_ctx_v1 = before;
  OTPROF_FENCE_();
}

// This thread's context, NULL if none. Not necessarily one of this header's: read it, do not change
// it.
static inline const void* otprof_current(void) { return otel_thread_ctx_v1; }

// Changes the ids of a context in place, attached or not. 16 and 8 bytes, not NULL. On the thread it
// is attached to; not from a signal handler that may have interrupted another change of it.
static inline void otprof_context_set_span(otprof_context* context, const void* trace_id,
                                           const void* span_id, uint8_t trace_flags) {
  volatile uint8_t* valid = &context->valid;
  *valid = 0;
  OTPROF_FENCE_();
  __builtin_memcpy(context->trace_id, trace_id, 16);
  __builtin_memcpy(context->span_id, span_id, 8);
  context->trace_flags = trace_flags;
  OTPROF_FENCE_();
  *valid = 1;
}

// Sets an attribute of a context, attached or not. `key` from otprof_key() (a negative one is
// returned as it is, so calls can be nested), `value` of 0 .. 255 bytes of UTF-8. A key that is there
// gets the new value. OTPROF_BAD_ARGUMENT, OTPROF_NO_ROOM. Callers as otprof_context_set_span().
static inline int otprof_context_set(otprof_context* context, int key, const char* value,
                                     size_t size) {
  if (key < 0) {
    return key;
  }
  if (context == NULL || key > 255 || size > 255 || (value == NULL && size != 0)) {
    return OTPROF_BAD_ARGUMENT;
  }
  size_t end = context->attribute_bytes;
  size_t at = 0;
  size_t known = end;
  while (at + 2 <= end) {
    if (context->attributes[at] == (uint8_t)key) {
      known = at;
    }
    at += 2 + (size_t)context->attributes[at + 1];
  }
  size_t freed = known < end ? 2 + (size_t)context->attributes[known + 1] : 0;
  if (end - freed + 2 + size > OTPROF_ATTRIBUTE_BYTES) {
    return OTPROF_NO_ROOM;
  }
  // A new key is written behind the end, where nobody looks before the size says so. To replace one
  // the context is taken out of use for a moment.
  volatile uint8_t* valid = &context->valid;
  uint8_t was_valid = context->valid;
  if (freed != 0) {
    *valid = 0;
    OTPROF_FENCE_();
    __builtin_memmove(context->attributes + known, context->attributes + known + freed,
                      end - known - freed);
    end -= freed;
  }
  context->attributes[end] = (uint8_t)key;
  context->attributes[end + 1] = (uint8_t)size;
  if (size != 0) {
    __builtin_memcpy(context->attributes + end + 2, value, size);
  }
  OTPROF_FENCE_();
  *(volatile uint16_t*)&context->attribute_bytes = (uint16_t)(end + 2 + size);
  OTPROF_FENCE_();
  if (freed != 0) {
    *valid = was_valid;
  }
  return OTPROF_OK;
}

// Prepares `context` as a copy of what this thread has attached, whoever attached it, so that
// attributes can be added for a while. Nothing attached: without ids and attributes. Attributes beyond
// OTPROF_ATTRIBUTE_BYTES are left out.
static inline void otprof_context_init_from_current(otprof_context* context) {
  const otprof_context* from = (const otprof_context*)otel_thread_ctx_v1;
  otprof_context_init(context, NULL, NULL, 0);
  if (from == NULL || from->valid != 1) {
    return;
  }
  size_t size = from->attribute_bytes;
  size_t whole = 0;
  while (whole + 2 <= size) {
    size_t next = whole + 2 + (size_t)from->attributes[whole + 1];
    if (next > size || next > OTPROF_ATTRIBUTE_BYTES) {
      break;
    }
    whole = next;
  }
  __builtin_memcpy(context, from, 28 + whole);
  context->attribute_bytes = (uint16_t)whole;
}

// Tells the profiler of this executable's own otel_thread_ctx_v1, which it cannot see unless it is
// exported. In a library the loader has bound the name to the one that all share.
static __attribute__((constructor, unused)) void otprof_announce_slot_(void) {
  const otprof_api* api = otprof_find_api();
  if (api != NULL) {
    api->announce_slot(&otel_thread_ctx_v1);
  }
}

// ---- Scopes in C ------------------------------------------------------------------------------

typedef struct otprof_scope {
  void* before;
  otprof_context context;
} otprof_scope;

static inline void otprof_scope_end_(otprof_scope* scope) { otprof_detach(scope->before); }

static inline void otprof_begin_span_(otprof_scope* scope, const void* trace_id,
                                      const void* span_id) {
  otprof_context_init(&scope->context, trace_id, span_id, 0);
  scope->before = otprof_attach(&scope->context);
}

static inline void otprof_begin_label_(otprof_scope* scope, int key, const char* value) {
  otprof_context_init_from_current(&scope->context);
  if (value != NULL) {
    (void)otprof_context_set(&scope->context, key, value, __builtin_strlen(value));
  }
  scope->before = otprof_attach(&scope->context);
}

// Declares `name`, an otprof_scope whose context is attached from here to the end of the block, on
// every way out of it but longjmp. Ids as for otprof_context_init().
#define OTPROF_SPAN(name, trace_id, span_id)                     \
  otprof_scope name __attribute__((cleanup(otprof_scope_end_))); \
  otprof_begin_span_(&(name), (trace_id), (span_id))

// The same, with the ids and attributes of what is attached already and one more: `key` from
// otprof_key(), `value` a string of at most 255 bytes.
#define OTPROF_LABEL(name, key, value)                           \
  otprof_scope name __attribute__((cleanup(otprof_scope_end_))); \
  otprof_begin_label_(&(name), (key), (value))

#ifdef __cplusplus
}  // extern "C"

// ---- Scopes in C++ ----------------------------------------------------------------------------

namespace otprof {

// A context that is attached as long as the object lives. Made and destroyed on one thread, the one
// made last destroyed first.
class Scope {
 public:
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // As otprof_context_set(); by name: asks for the key each time (20 ns for the first names).
  int set(int key, const char* value) noexcept {
    return value == nullptr ? static_cast<int>(OTPROF_BAD_ARGUMENT)
                            : otprof_context_set(&context_, key, value, __builtin_strlen(value));
  }
  int set(const char* name, const char* value) noexcept { return set(otprof_key(name), value); }

 protected:
  Scope() noexcept {}  // NOLINT(modernize-use-equals-default): the context stays untouched
  ~Scope() { otprof_detach(before_); }
  void attach() noexcept { before_ = otprof_attach(&context_); }

  otprof_context context_;

 private:
  void* before_ = nullptr;
};

// This thread works for that span: 16 and 8 bytes.
class SpanScope : public Scope {
 public:
  SpanScope(const void* trace_id, const void* span_id, uint8_t trace_flags = 0) noexcept {
    otprof_context_init(&context_, trace_id, span_id, trace_flags);
    attach();
  }
};

// What this thread does carries one more label, on top of the span and the labels that it has. Of
// the SDK's or this header's making: a copy is attached for as long as this lives, so a span that
// begins meanwhile should end meanwhile, too.
class LabelScope : public Scope {
 public:
  LabelScope(const char* name, const char* value) noexcept : LabelScope(otprof_key(name), value) {}
  LabelScope(int key, const char* value) noexcept {
    otprof_context_init_from_current(&context_);
    (void)set(key, value);
    attach();
  }
};

}  // namespace otprof

extern "C" {
#endif  // __cplusplus
#endif  // OTPROF_WITHOUT_CONTEXTS

#ifdef __cplusplus
}
#endif
// NOLINTEND(modernize-*, readability-*, bugprone-macro-parentheses, misc-definitions-in-headers)
