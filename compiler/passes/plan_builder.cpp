//===- plan_builder.cpp - Declares a plan's memory ------------------------===//

#include "compiler/passes/plan_builder.h"

#include "runtime/plan/version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

int64_t elementBytes(Type type) { return type.getIntOrFloatBitWidth() / 8; }

} // namespace

int64_t saturatingBytes(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product) ||
        product > kTooManyBytes)
      return kTooManyBytes;
  return product;
}

PlanBuilder::PlanBuilder(ModuleOp module)
    : module(module), symbols(module),
      facts(*module.getOps<llm::ModelOp>().begin()),
      declarations(module.getBodyRegion()) {
  for (auto known : module.getOps<expert::StatisticsOp>())
    statistics[known.getBankAttr()] = known;
  declarations.setInsertionPointToEnd(module.getBody());
  Location loc = facts.getLoc();
  auto model = planir::ModelOp::create(
      declarations, loc, facts.getName(), facts.getArchitecture(),
      facts.getDirectory(), facts.getOptions(), facts.getParameters(),
      facts.getLayers(), facts.getHidden(), facts.getVocab(),
      facts.getExperts(), facts.getTopK(), facts.getMaxSequences(),
      facts.getMaxPositions(), facts.getPageTokens(), facts.getPages(),
      facts.getPagesPerSequence(), facts.getStopTokens());
  (void)model;
  constexpr std::pair<const char *, Memory> kArenas[kArenaCount] = {
      {"weights", Memory::Device}, {"experts", Memory::Device},
      {"kv", Memory::Device},      {"workspace", Memory::Device},
      {"tables", Memory::Device},  {"io", Memory::Host},
      {"images", Memory::Host},    {"ring", Memory::Host},
  };
  Type arenaType = ArenaType::get(context());
  for (auto [arena, description] : llvm::zip(arenas, kArenas))
    arena = ArenaOp::create(declarations, loc, arenaType, description.first,
                            description.second, 0);
  load = EntryOp::create(declarations, loc, kLoad, 0, 0);
  load.getBody().emplaceBlock();
  declarations.setInsertionPoint(load);
}

Value PlanBuilder::buffer(ArenaId id, const Twine &name, int64_t bytes,
                          Type dtype, Location loc) {
  ArenaOp arena = arenas[static_cast<int>(id)];
  int64_t offset = llvm::alignTo(arena.getBytes(), plan::kBufferAlignment);
  if (bytes >= kTooManyBytes - offset) {
    if (!tooLarge)
      emitError(loc) << "'" << name << "' takes arena '" << arena.getName()
                     << "' above 2^60 bytes";
    tooLarge = true;
    bytes = 1;
  }
  arena.setBytes(offset + bytes);
  return BufferOp::create(declarations, loc, BufferType::get(context()),
                          name.str(), arena, offset, bytes, dtype);
}

Value PlanBuilder::file(FlatSymbolRefAttr name) {
  Value &value = files[name];
  if (!value) {
    auto file = lookup<llm::FileOp>(name);
    value = planir::FileOp::create(declarations, file.getLoc(),
                                   FileType::get(context()), file.getPath(),
                                   file.getBytes(), file.getHeaderHash());
  }
  return value;
}

void PlanBuilder::fetch(Value source, Value target, Location loc) {
  auto builder = OpBuilder::atBlockEnd(&load.getBody().front());
  planir::FetchOp::create(builder, loc, source, target, Stream::Compute);
}

Value PlanBuilder::weight(FlatSymbolRefAttr name) {
  if (Value known = weights.lookup(name))
    return known;
  auto weight = lookup<llm::WeightOp>(name);
  Location loc = weight.getLoc();
  Value target = buffer(ArenaId::Weights, weight.getTensor(), weight.getBytes(),
                        weight.getTensorType().getElementType(), loc);
  int64_t range[4] = {0, static_cast<int64_t>(weight.getOffset()), 0,
                      static_cast<int64_t>(weight.getBytes())};
  Value source =
      SourceOp::create(declarations, loc, SourceType::get(context()),
                       weight.getTensor(), file(weight.getFileAttr()), range);
  fetch(source, target, loc);
  return weights[name] = target;
}

Type PlanBuilder::weightType(FlatSymbolRefAttr name) {
  return lookup<llm::WeightOp>(name).getTensorType().getElementType();
}

std::pair<Value, Value> PlanBuilder::rope(FlatSymbolRefAttr name) {
  if (auto known = ropes.lookup(name); known.first)
    return known;
  auto table = lookup<llm::RopeTableOp>(name);
  Location loc = table.getLoc();
  Type f32 = Float32Type::get(context());
  int64_t positions = table.getPositions();
  int64_t bytes = saturatingBytes(
      {4, positions,
       static_cast<int64_t>(table.getInverseFrequencies().size())});
  Value cos =
      buffer(ArenaId::Tables, name.getValue() + ".cos", bytes, f32, loc);
  Value sin =
      buffer(ArenaId::Tables, name.getValue() + ".sin", bytes, f32, loc);
  planir::RopeTableOp::create(declarations, loc, cos, sin, positions,
                              table.getScaleAttr(),
                              table.getInverseFrequenciesAttr());
  return ropes[name] = {cos, sin};
}

std::pair<Value, Value> PlanBuilder::cache(FlatSymbolRefAttr name) {
  if (auto known = caches.lookup(name); known.first)
    return known;
  auto cache = lookup<llm::KvCacheOp>(name);
  RankedTensorType type = cache.getTensorType();
  int64_t bytes = type.getNumElements() * elementBytes(type.getElementType());
  auto pool = [&](const char *part) {
    return buffer(ArenaId::Kv, name.getValue() + part, bytes,
                  type.getElementType(), cache.getLoc());
  };
  Value keys = pool(".k");
  return caches[name] = {keys, pool(".v")};
}

LogicalResult PlanBuilder::finish() {
  if (tooLarge || failed(finishPools()))
    return failure();
  for (ArenaOp arena : arenas)
    if (arena->use_empty())
      arena.erase();
    else
      arena.setBytes(llvm::alignTo(arena.getBytes(), plan::kBufferAlignment));
  return success();
}

} // namespace sluice
