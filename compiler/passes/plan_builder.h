//===- plan_builder.h - Declares a plan's memory ----------------*- C++ -*-===//
//
// Used by lower-to-plan: makes the plan's files, arenas, buffers and sources on
// first use and keeps what a symbol of the llm and expert dialects became.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/expert/Expert.h"
#include "dialects/plan/PlanIr.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace sluice {

/// The arenas of a plan, in the order in which they are declared.
enum class ArenaId {
  Weights,
  Experts,
  Kv,
  Workspace,
  Tables,
  Io,
  Images, ///< Of experts, in host memory.
  Ring    ///< Of images, for reads from disk.
};
inline constexpr int kArenaCount = 8;

/// What no buffer may reach: sums of a few such sizes still fit 64 bits.
inline constexpr int64_t kTooManyBytes = int64_t{1} << 60;

/// The product of sizes that are not negative, at most kTooManyBytes.
int64_t saturatingBytes(std::initializer_list<int64_t> factors);

class PlanBuilder {
public:
  /// Adds @load and the arenas at the end of `module`. `module` must have an
  /// llm.model; its symbols stay until the caller erases them.
  explicit PlanBuilder(mlir::ModuleOp module);

  /// A new buffer behind all others of the arena; `bytes` may come from
  /// saturatingBytes.
  mlir::Value buffer(ArenaId arena, const llvm::Twine &name, int64_t bytes,
                     mlir::Type dtype, mlir::Location loc);

  /// A weight's buffer; @load fetches it.
  mlir::Value weight(mlir::FlatSymbolRefAttr name);
  mlir::Type weightType(mlir::FlatSymbolRefAttr name);
  /// Cosine and sine tables.
  std::pair<mlir::Value, mlir::Value> rope(mlir::FlatSymbolRefAttr name);
  /// Keys and values of a layer.
  std::pair<mlir::Value, mlir::Value> cache(mlir::FlatSymbolRefAttr name);

  /// Where the pinned experts of a layer are.
  struct Experts {
    mlir::Value pool;  ///< All slots.
    mlir::Value table; ///< i32, the slot of each expert.
    int64_t slots = 0;
    int64_t slotElements = 0;
  };
  /// Makes @load fetch a pinned layer.
  void pin(expert::PinOp pin);
  /// The experts of a bank that was pinned.
  Experts experts(mlir::FlatSymbolRefAttr bank) { return pinned.lookup(bank); }

  /// A layer whose experts move in each step, of which each row chooses `topK`.
  /// All experts live in host memory, none in a slot.
  mlir::Value bank(mlir::FlatSymbolRefAttr bank, mlir::FlatSymbolRefAttr pool,
                   int64_t topK);
  /// The same where it was made before, else null.
  mlir::Value bank(mlir::FlatSymbolRefAttr name) { return banks.lookup(name); }

  template <typename Op> Op lookup(mlir::FlatSymbolRefAttr name) {
    return symbols.lookup<Op>(name.getAttr());
  }
  llm::ModelOp model() { return facts; }
  mlir::MLIRContext *context() { return module.getContext(); }

  /// Gives arenas their sizes and drops the empty ones. Fails after an error
  /// where a buffer or an arena is larger than any memory.
  mlir::LogicalResult finish();

private:
  /// Where the matrices of a bank's experts lie in the files, and in slots of
  /// `slotBytes` of which the first has number `first`. Where experts move one
  /// by one, each has ranges of its own.
  mlir::Value expertSource(llm::ExpertBankOp bank, int64_t slotBytes,
                           int64_t first, bool apart);
  mlir::Value pool(mlir::FlatSymbolRefAttr name);
  mlir::Value file(mlir::FlatSymbolRefAttr name);
  void fetch(mlir::Value source, mlir::Value target, mlir::Location loc);
  /// Makes host memory for the images of all experts that move.
  mlir::LogicalResult finishPools();

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  llm::ModelOp facts;
  planir::EntryOp load;
  mlir::OpBuilder declarations; ///< Before @load.
  planir::ArenaOp arenas[kArenaCount];
  bool tooLarge = false; ///< After an error.
  llvm::DenseMap<mlir::Attribute, mlir::Value> files, weights, pools;
  llvm::DenseMap<mlir::Attribute, std::pair<mlir::Value, mlir::Value>> ropes,
      caches;
  llvm::DenseMap<mlir::Attribute, Experts> pinned;
  llvm::DenseMap<mlir::Attribute, mlir::Value> movingPools, banks;
  llvm::DenseMap<mlir::Attribute, expert::StatisticsOp> statistics;
};

} // namespace sluice
