//===- allocation_test.cpp - Is the heap left alone between tokens? -------===//
//
// usage: allocation_test PLAN
//
// Replaces malloc by one that counts and generates from two prompts of the
// plan: between the first token and the last nothing may be allocated on any
// thread.
//
//===----------------------------------------------------------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/decode/generate.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

extern "C" {
// glibc's own, behind the names that this file takes over.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
}

namespace {
std::atomic<bool> counting = false;
std::atomic<uint64_t> allocations = 0;

void count() {
  if (counting.load(std::memory_order_relaxed))
    allocations.fetch_add(1, std::memory_order_relaxed);
}
} // namespace

extern "C" {
void *malloc(size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void *calloc(size_t number, size_t bytes) {
  count();
  return __libc_calloc(number, bytes);
}
void *realloc(void *old, size_t bytes) {
  count();
  return __libc_realloc(old, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
}

namespace {

using namespace sluice;

/// Allocations between the first and the last token, or the error.
Result<uint64_t> allocationsWhileGenerating(const char *path,
                                            uint64_t &tokens) {
  SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(path));
  SLUICE_ASSIGN_OR_RETURN(auto backend, makeCpuBackend());
  SLUICE_ASSIGN_OR_RETURN(auto executor, Executor::create(plan, *backend, {}));
  Generator generator(*executor);
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3, 4, 5}, {6, 7}};
  GenerateOptions options{.maxTokens = 64, .ignoreStop = true, .sampling = {}};
  options.sampling.temperature = 0.8;
  options.sampling.topK = 40;
  GenerateObserver observer;
  tokens = 0;
  const uint64_t last = prompts.size() * options.maxTokens;
  observer.token = [&](uint32_t, int32_t) {
    ++tokens;
    counting = tokens < last;
  };
  std::vector<std::vector<int32_t>> outputs;
  GenerateMetrics metrics;
  // Steps of a size that was not seen twice are captured as graphs, once.
  SLUICE_RETURN_IF_ERROR(
      generator.generate(prompts, options, {}, outputs, metrics));
  allocations = 0;
  SLUICE_RETURN_IF_ERROR(
      generator.generate(prompts, options, observer, outputs, metrics));
  counting = false;
  return allocations.load();
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: allocation_test PLAN\n");
    return 2;
  }
  // The counter itself has to work for its zero to mean something. The volatile
  // pointer keeps the compiler from removing the pair.
  counting = true;
  void *volatile probe = std::malloc(16);
  std::free(probe);
  counting = false;
  if (allocations != 1) {
    std::fprintf(stderr, "error: counted %llu allocations of one\n",
                 static_cast<unsigned long long>(allocations.load()));
    return 1;
  }
  uint64_t tokens = 0;
  auto count = allocationsWhileGenerating(argv[1], tokens);
  if (!count) {
    std::fprintf(stderr, "error: %s\n",
                 std::string(count.status().message()).c_str());
    return 1;
  }
  std::printf("%llu allocations while %llu tokens were made\n",
              static_cast<unsigned long long>(*count),
              static_cast<unsigned long long>(tokens));
  return *count == 0 && tokens == 128 ? 0 : 1;
}
