//===- checkpoint_test.cpp - Model directories good and bad ---------------===//
#include "compiler/frontend/checkpoint.h"

#include "tests/runtime/io/checkpoint_builder.h"

#include <filesystem>
#include <functional>
#include <gtest/gtest.h>

namespace sluice::frontend {
namespace {

namespace fs = std::filesystem;
using sluice::testing::CheckpointBuilder;
using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

constexpr const char *kIndex = "model.safetensors.index.json";
constexpr const char *kFirst = "model-00001-of-00002.safetensors";
constexpr const char *kSecond = "model-00002-of-00002.safetensors";

TEST(Checkpoint, OpensASingleFile) {
  TemporaryDirectory folder;
  CheckpointBuilder().write(folder);
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.status().message();
  EXPECT_EQ(checkpoint->directory, folder.path());
  ASSERT_EQ(checkpoint->files.size(), 1u);
  EXPECT_EQ(checkpoint->files[0].path, "model.safetensors");
  EXPECT_EQ(checkpoint->files[0].bytes,
            fs::file_size(folder.file("model.safetensors")));
  EXPECT_TRUE(checkpoint->generationConfig.is_null());
  const CheckpointTensor *norm = checkpoint->find("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(norm->bytes, 80u);
  EXPECT_EQ(checkpoint->find("model.norm"), nullptr);
}

TEST(Checkpoint, OpensShardsAndFingerprintsThem) {
  TemporaryDirectory folder;
  CheckpointBuilder builder;
  builder.generation = {{"eos_token_id", {1, 2}}};
  builder.shard(2);
  builder.write(folder);
  auto checkpoint = Checkpoint::open(folder.path() + "/.");
  ASSERT_TRUE(checkpoint) << checkpoint.status().message();
  ASSERT_EQ(checkpoint->files.size(), 2u);
  EXPECT_EQ(checkpoint->files[1].path, kSecond);
  EXPECT_EQ(checkpoint->tensors.size(), builder.tensors.size());
  EXPECT_TRUE(checkpoint->generationConfig.is_object());
  for (const auto &[name, tensor] : builder.tensors) {
    const CheckpointTensor *found = checkpoint->find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(checkpoint->files[found->file].path, tensor.shard);
    EXPECT_EQ(found->shape, tensor.shape);
  }
  EXPECT_EQ(checkpoint->fingerprint, sluice::fingerprint(checkpoint->files));

  TemporaryDirectory other;
  builder.tensors["model.norm.weight"].dtype = "F16";
  builder.write(other);
  auto changed = Checkpoint::open(other.path());
  ASSERT_TRUE(changed);
  EXPECT_NE(changed->fingerprint, checkpoint->fingerprint);
}

TEST(Checkpoint, OpensTheHuggingFaceCache) {
  TemporaryDirectory folder;
  CheckpointBuilder().write(folder);
  fs::create_directories(folder.file("hub/blobs"));
  fs::create_directories(folder.file("hub/snapshots/main"));
  for (const char *name : {"config.json", "model.safetensors"}) {
    fs::rename(folder.file(name), folder.file("hub/blobs") + "/" + name);
    fs::create_symlink(std::string("../../blobs/") + name,
                       folder.file("hub/snapshots/main/") + name);
  }
  auto checkpoint = Checkpoint::open(folder.file("hub/snapshots/main"));
  EXPECT_TRUE(checkpoint) << checkpoint.status().message();
}

TEST(Checkpoint, RefusesBadDirectoriesInOneLine) {
  struct Bad {
    const char *name;
    /// Breaks a good two-shard checkpoint that lies in the folder.
    std::function<void(CheckpointBuilder &, const TemporaryDirectory &)> damage;
    std::initializer_list<std::string_view> says;
  };
  auto rewriteIndex = [](const TemporaryDirectory &folder,
                         const nlohmann::json &index) {
    folder.write(kIndex, index.dump());
  };
  // The index with one shard's name replaced.
  auto renamed = [&](const char *to) {
    return [=](CheckpointBuilder &builder, const TemporaryDirectory &folder) {
      auto index = builder.index();
      index["weight_map"]["model.norm.weight"] = to;
      rewriteIndex(folder, index);
    };
  };
  using Builder = CheckpointBuilder;
  using Folder = TemporaryDirectory;
  const Bad cases[] = {
      {"no config",
       [](Builder &, const Folder &f) { fs::remove(f.file("config.json")); },
       {"config.json", "No such file"}},
      {"config is a directory",
       [](Builder &, const Folder &f) {
         fs::remove(f.file("config.json"));
         fs::create_directory(f.file("config.json"));
       },
       {"config.json", "found a directory"}},
      {"empty config",
       [](Builder &, const Folder &f) { f.write("config.json", ""); },
       {"config.json", "empty file"}},
      {"config is a list",
       [](Builder &, const Folder &f) { f.write("config.json", "[1]"); },
       {"config.json", "an array of 1 values, expected an object"}},
      {"config of 2 MiB",
       [](Builder &, const Folder &f) {
         f.write("config.json", "{}", 2 << 20);
       },
       {"config.json", "2097152 bytes"}},
      {"config key twice",
       [](Builder &, const Folder &f) {
         f.write("config.json", R"({"a":1,"a":2})");
       },
       {"config.json", "'a' appears twice"}},
      {"generation config broken",
       [](Builder &, const Folder &f) {
         f.write("generation_config.json", "{");
       },
       {"generation_config.json:1:"}},
      {"no weights",
       [](Builder &, const Folder &f) { fs::remove(f.file(kIndex)); },
       {"neither model.safetensors nor"}},
      {"both kinds",
       [](Builder &, const Folder &f) { f.write("model.safetensors", "x"); },
       {"both model.safetensors and"}},
      {"index is no JSON",
       [](Builder &, const Folder &f) { f.write(kIndex, "weights"); },
       {kIndex, ":1:"}},
      {"index without a map",
       [](Builder &, const Folder &f) { f.write(kIndex, "{}"); },
       {kIndex, "weight_map is missing"}},
      {"empty map",
       [](Builder &, const Folder &f) {
         f.write(kIndex, R"({"weight_map":{}})");
       },
       {kIndex, "weight_map is empty"}},
      {"map of numbers",
       [](Builder &, const Folder &f) {
         f.write(kIndex, R"({"weight_map":{"t":3}})");
       },
       {kIndex, "'t'", "found 3"}},
      {"tensor twice in the index",
       [](Builder &, const Folder &f) {
         f.write(kIndex, R"({"weight_map":{"t":"a","t":"b"}})");
       },
       {kIndex, "'t' appears twice"}},
      {"missing shard",
       [](Builder &, const Folder &f) { fs::remove(f.file(kSecond)); },
       {kIndex, kSecond, "cannot be opened"}},
      {"extra shard",
       [](Builder &, const Folder &f) {
         fs::copy(f.file(kFirst), f.file("model-00003-of-00003.safetensors"));
       },
       {kIndex, "does not name the shard 'model-00003-of-00003"}},
      {"shard outside",
       renamed("../secret.safetensors"),
       {kIndex, "'../secret.safetensors'", "'..' component"}},
      {"absolute shard",
       renamed("/etc/passwd"),
       {kIndex, "'/etc/passwd'", "an absolute path"}},
      {"nameless shard", renamed(""), {kIndex, "an empty name"}},
      {"shard is a directory",
       renamed("sub"),
       {kIndex, "'sub'", "cannot be opened"}},
      {"wrong shard",
       renamed(kFirst),
       {kIndex, "'model.norm.weight'", kFirst, "found it in"}},
      {"link outside",
       [](Builder &, const Folder &f) {
         fs::rename(f.file(kSecond),
                    fs::path(f.path() + "-outside.safetensors"));
         fs::create_symlink(f.path() + "-outside.safetensors", f.file(kSecond));
       },
       {kIndex, kSecond, "a symbolic link to"}},
      {"shard is a pipe",
       [](Builder &, const Folder &f) {
         fs::remove(f.file(kSecond));
         fs::create_symlink("/dev/zero", f.file(kSecond));
       },
       {kIndex, kSecond, "a symbolic link to '/dev/zero'"}},
      {"empty shard",
       [](Builder &, const Folder &f) { f.write(kSecond, ""); },
       {kSecond, "found 0 bytes"}},
      {"truncated shard",
       [](Builder &, const Folder &f) {
         fs::resize_file(f.file(kSecond), fs::file_size(f.file(kSecond)) - 1);
       },
       {kSecond, "truncated"}},
      {"trailing bytes",
       [](Builder &, const Folder &f) {
         fs::resize_file(f.file(kFirst), fs::file_size(f.file(kFirst)) + 8);
       },
       {kFirst, "found 8 bytes after the last tensor"}},
      {"tensor not in its shard",
       [&](Builder &b, const Folder &f) {
         auto index = b.index();
         index["weight_map"]["model.layers.7.input_layernorm.weight"] = kFirst;
         rewriteIndex(f, index);
       },
       {kIndex, "'model.layers.7.input_layernorm.weight'",
        "missing from its shard"}},
      {"tensor not in the index",
       [&](Builder &b, const Folder &f) {
         auto index = b.index();
         index["weight_map"].erase("model.norm.weight");
         rewriteIndex(f, index);
       },
       {kIndex, "does not name tensor 'model.norm.weight'"}},
      {"tensor in two shards",
       [&](Builder &b, const Folder &f) {
         const auto index = b.index();
         for (auto &[name, tensor] : b.tensors)
           tensor.shard = kSecond;
         b.write(f); // The second shard now holds everything.
         rewriteIndex(f, index);
       },
       {"is in two shards", kFirst, kSecond}},
  };
  for (const Bad &bad : cases) {
    SCOPED_TRACE(bad.name);
    TemporaryDirectory folder;
    CheckpointBuilder builder;
    builder.shard(2);
    builder.write(folder);
    bad.damage(builder, folder);
    auto checkpoint = Checkpoint::open(folder.path());
    fs::remove(folder.path() + "-outside.safetensors");
    ASSERT_FALSE(checkpoint);
    expectLine(checkpoint.status().message(), bad.says);
  }
  expectLine(Checkpoint::open("/nonexistent/model").status().message(),
             {"/nonexistent/model", "no such directory"});
}

} // namespace
} // namespace sluice::frontend
