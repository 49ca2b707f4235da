//===- sharded_plan.h - Experts at any place of any file --------*- C++ -*-===//
//
// Takes the tiny plan whose experts move and tears its experts' ranges to
// pieces: shards of noise, in which the pieces lie as a test wants them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/experts/expert_home.h"
#include "tests/runtime/io/temporary_directory.h"
#include "tests/runtime/plan/tiny_model.h"

#include <map>
#include <random>

namespace sluice::testing {

/// How the pieces of experts lie in the files.
enum class Lie {
  Packed,    ///< Down, gate, up of an expert side by side, as most have it.
  Scattered, ///< Up to three pieces a matrix, odd offsets, four files.
  Aligned,   ///< Each matrix at a block's start.
};

struct Shards {
  Lie lie = Lie::Packed;
  uint32_t hidden = 64, inner = 72;
  std::vector<fb::Home> homes = {fb::Home::Host, fb::Home::Disk};
  uint64_t ringBytes = 0; ///< 0: two slot images.
  uint64_t start = 4104;  ///< Of the first piece of each file.
};

class ShardedPlan {
public:
  explicit ShardedPlan(const Shards &shards) : random(7) {
    TinyModel model{.layers = 2};
    model.hidden = shards.hidden;
    model.inner = shards.inner;
    TinyPlan tiny = makeTinyDynamicPlan(model, {.homes = shards.homes});
    place(tiny.plan, shards);
    if (shards.ringBytes > 0)
      growRing(tiny.plan, shards.ringBytes);
    auto made = plan::Plan::fromBytes(pack(tiny.plan), "sharded.plan");
    EXPECT_TRUE(made.isOk()) << made.status().message();
    plan = *made;
    auto cpu = makeCpuBackend({.threads = 1});
    backend = std::move(*cpu);
    for (const fb::Arena *arena : *plan->get().arenas())
      arenas.push_back(
          std::move(*backend->allocate(MemoryKind::Host, arena->bytes())));
  }

  Result<std::unique_ptr<experts::ExpertHome>>
  load(const LoadOptions &options = {}) {
    std::vector<File> files;
    if (!options.synthetic)
      for (const fb::File *file : *plan->get().files())
        files.push_back(
            std::move(*File::open(directory.file(file->path()->str()))));
    return experts::ExpertHome::load(
        *plan, *backend, files,
        [this](uint32_t buffer) { return memory(buffer); }, options);
  }

  uint32_t banks() const { return plan->get().expert_banks()->size(); }
  uint32_t experts() const { return plan->get().model()->experts(); }
  fb::Home home(uint32_t bank, uint32_t expert) const {
    return fb::Home(
        plan->get().expert_banks()->Get(bank)->homes()->Get(expert));
  }
  uint64_t slotBytes() const {
    return plan->get().expert_pools()->Get(0)->slot_bytes();
  }

  /// Whether `image` holds what the files do.
  void expectImage(uint32_t bank, uint32_t expert,
                   const std::byte *image) const {
    ASSERT_NE(image, nullptr);
    const auto &entry = *plan->get().expert_banks()->Get(bank);
    for (const fb::Range *range :
         *plan->get().sources()->Get(entry.source())->ranges()) {
      if (range->target_offset() / slotBytes() != expert)
        continue;
      std::string_view wanted =
          std::string_view(contents[range->file()])
              .substr(range->source_offset(), range->bytes());
      std::string_view found(reinterpret_cast<const char *>(image) +
                                 range->target_offset() % slotBytes(),
                             range->bytes());
      ASSERT_TRUE(found == wanted)
          << "bank " << bank << " expert " << expert << " file "
          << range->file() << " offset " << range->source_offset();
    }
  }

  TemporaryDirectory directory;
  std::shared_ptr<const plan::Plan> plan;
  std::unique_ptr<Backend> backend;
  std::vector<Allocation> arenas;
  std::vector<std::string> contents; ///< Of each file.
  std::vector<uint32_t> shardIndex;  ///< The files that hold experts.

private:
  std::span<std::byte> memory(uint32_t buffer) const {
    const fb::Buffer &entry = *plan->get().buffers()->Get(buffer);
    return {arenas[entry.arena()].data() + entry.offset(), entry.bytes()};
  }

  void noise(std::string &text, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; ++i)
      text.push_back(char(random()));
  }

  /// Puts `range` at the end of the file after `gap` bytes of noise.
  fb::Range put(const fb::Range &range, uint32_t file, uint64_t gap) {
    noise(contents[file], gap);
    uint64_t offset = contents[file].size();
    noise(contents[file], range.bytes());
    return {file, offset, range.target_offset(), range.bytes()};
  }

  std::vector<fb::Range> placeOne(const fb::Range &range, Lie lie,
                                  uint32_t first) {
    const uint64_t size = contents[first].size();
    switch (lie) {
    case Lie::Packed:
      return {put(range, first, 0)};
    case Lie::Aligned:
      return {put(range, first, (4096 - size % 4096) % 4096)};
    case Lie::Scattered:
      break;
    }
    std::vector<fb::Range> parts;
    for (uint64_t at = 0; at < range.bytes();) {
      uint64_t bytes = std::min<uint64_t>(
          range.bytes() - at,
          parts.size() == 2 ? range.bytes() : 1 + random() % range.bytes());
      fb::Range part(0, 0, range.target_offset() + at, bytes);
      parts.push_back(put(part, first + random() % 4, random() % 5000));
      at += bytes;
    }
    return parts;
  }

  void place(fb::PlanT &plan, const Shards &shards) {
    contents.resize(plan.files.size()); // The dense weights' stay empty.
    const auto first = uint32_t(contents.size());
    for (uint32_t i = 0; i < 4; ++i) {
      shardIndex.push_back(uint32_t(contents.size()));
      contents.emplace_back();
      noise(contents.back(), shards.start);
    }
    for (auto &bank : plan.expert_banks) {
      std::vector<fb::Range> placed;
      auto &ranges = plan.sources[bank->source]->ranges;
      // gate, up, down of each expert; files have them by name.
      for (size_t i = 0; i + 2 < ranges.size(); i += 3)
        for (size_t j : {i + 2, i, i + 1})
          for (const fb::Range &part : placeOne(ranges[j], shards.lie, first))
            placed.push_back(part);
      ranges = std::move(placed);
    }
    directory.write("model.safetensors", "", plan.files[0]->bytes);
    for (uint32_t i = first; i < contents.size(); ++i) {
      auto file = std::make_unique<fb::FileT>();
      file->path = "shard-" + std::to_string(i) + ".safetensors";
      file->bytes = contents[i].size();
      directory.write(file->path, contents[i]);
      plan.files.push_back(std::move(file));
    }
    sealFingerprint(plan);
  }

  static void growRing(fb::PlanT &plan, uint64_t bytes) {
    fb::BufferT &ring = *plan.buffers[plan.expert_pools[0]->bounce_buffer];
    ring.bytes = bytes;
    plan.arenas[ring.arena]->bytes = ring.offset + bytes;
  }

  std::minstd_rand random;
};

} // namespace sluice::testing
